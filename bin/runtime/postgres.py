"""The embedded PostgreSQL: one cluster in the state, on a Unix socket only."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime import processes
from runtime.account import Account, can_use
from runtime.files import SHARED, postgres_version
from runtime.state import State, socket_dir, write_whole
from runtime.urls import postgres_url
from runtime.words import Trouble, disk_full, say

SUPERUSER = "crm_admin"  # only makes the role below; nothing else ever connects as it
ROLE = DATABASE = "careline"
BUILTIN_LOCALE_SINCE = 17
PROVISION = r"""
SELECT 'CREATE ROLE careline LOGIN CREATEDB'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'careline') \gexec
SELECT 'CREATE DATABASE careline OWNER careline'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'careline') \gexec
"""


@dataclass
class Postgres:
    """One cluster: its files, where its data and socket are, which account runs it."""

    bin_dir: Path
    home: Path  # owned by the account; holds `pg` and, while it is being made, `pg.new`
    run_dir: Path
    account: Account | None
    log: Path
    throwaway: bool = False

    @property
    def data(self) -> Path:
        return self.home / "pg"

    @property
    def url(self) -> str:
        return postgres_url(ROLE, self.run_dir, DATABASE)

    @property
    def _who(self) -> dict[str, object]:
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}

    def argv(self) -> list[str]:
        """The server's command line."""
        options = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": f"{_memory_share()}MB",
            "max_wal_size": "4GB",
            "log_timezone": "UTC",
            "timezone": "UTC",
            # A refused statement carries what people typed: neither it nor the value it stumbled over is written down.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
        }
        if self.throwaway:
            # synchronous_commit stays on: with it off a commit somebody saw can be lost by a kill.
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
        argv = [str(self.bin_dir / "postgres"), "-D", str(self.data), "-k", str(self.run_dir)]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def prepare(self) -> None:
        """Make the cluster if there is none; refuse one of another PostgreSQL; end a left-over server."""
        if self.data.exists():
            made_by = (self.data / "PG_VERSION").read_text().strip()
            ours = postgres_version(self.bin_dir)
            if made_by != str(ours):
                raise Trouble(
                    f"The database in {self.data} was made by PostgreSQL {made_by}; here is {ours}.",
                    "Back it up with the older Careline; restore with this one into an empty state.",
                )
            self.end_left_over()
            return
        new = self.home / "pg.new"
        shutil.rmtree(new, ignore_errors=True)
        say("Making the database …")
        locale = ["--locale-provider=builtin"] if postgres_version(self.bin_dir) >= BUILTIN_LOCALE_SINCE else []
        # Never locale C: trigrams of Chinese text are empty there and search silently finds nothing.
        argv = [
            str(self.bin_dir / "initdb"),
            "-D",
            str(new),
            "-U",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
        ]
        done = subprocess.run(
            [*argv, *locale, "--locale=C.UTF-8"],
            cwd="/",
            env=_plain_env(),
            capture_output=True,
            text=True,
            check=False,
            **self._who,
        )  # type: ignore[call-overload]  # the overloads know no dict of options
        if done.returncode != 0:
            if "No space left on device" in done.stderr:
                raise disk_full(self.home)
            raise Trouble("The database could not be made.", *done.stderr.strip().splitlines()[-10:])
        new.rename(self.data)

    def end_left_over(self) -> None:
        """End the server of a killed run, if one still holds this cluster, and clear its pid file.

        The pid in the file may belong to a stranger by now: only a process whose command line
        names our data directory is touched.
        """
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if processes.alive(pid) and str(self.data) in processes.command_line(pid):
            say("Ending a database server left over from a killed run …")
            if not processes.end_stranger(pid, sig=signal.SIGINT, wait=30):
                raise Trouble(f"The left-over database server (process {pid}) does not end.", f"Try: kill -QUIT {pid}")
        with contextlib.suppress(FileNotFoundError):
            file.unlink()

    def ready(self) -> bool:
        """Whether it takes connections now."""
        return self._sql("postgres", "SELECT 1").returncode == 0

    def provision(self) -> None:
        """Make the plain role everything connects as, and its database; harmless when they are there."""
        done = self._sql("postgres", PROVISION)
        if done.returncode != 0:
            if "No space left on device" in done.stderr:
                raise disk_full(self.home)
            raise Trouble("The database role could not be made.", *done.stderr.strip().splitlines()[-10:])

    def _sql(self, database: str, script: str) -> subprocess.CompletedProcess[str]:
        argv = [
            self.bin_dir / "psql",
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            self.run_dir,
            "-U",
            SUPERUSER,
        ]
        return subprocess.run(
            [*map(str, argv), "-d", database],
            input=script,
            env=_plain_env() | {"PGCONNECT_TIMEOUT": "5"},
            capture_output=True,
            text=True,
            check=False,
        )

    def remove(self) -> None:
        """Remove the cluster and its socket directory (throw-away clusters only)."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.run_dir, ignore_errors=True)


def _plain_env() -> dict[str, str]:
    """The environment without settings of other PostgreSQL installations; messages in English."""
    return {n: v for n, v in os.environ.items() if not n.startswith(("PG", "LC_", "LANG"))} | {"LC_ALL": "C"}


def _memory_share() -> int:
    """An eighth of the memory in MB, between 128 and 1,024: leaves room for the web and the workers."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (ValueError, OSError):
        return 128
    return max(128, min(1024, total // 8))


def place(state: State, bin_dir: Path, account: Account | None, *, throwaway: bool = False) -> Postgres:
    """Where the cluster of a state lives: inside it, or below /var/lib when the account cannot get there.

    A place outside is kept with the state, so that a later start finds the same data.
    """
    inside = state.root / "postgres"
    if outside := state.facts.get("database_dir"):
        home = Path(outside)
        _check_owner(home, state)
    else:
        _give(inside, account)
        home = inside
        if not can_use(account, program=bin_dir / "initdb", folder=inside):
            home = _elsewhere(state, inside, account)
    _give(home, account)
    owner = (account.uid, account.gid) if account else None
    wanted = state.root / "pgrun" if home == inside else home / "run"
    run_dir = socket_dir(wanted, owner=owner)
    return Postgres(bin_dir, home, run_dir, account, state.logs / "postgres.log", throwaway)


def _give(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _elsewhere(state: State, inside: Path, account: Account | None) -> Path:
    name = account.name if account else "this user"
    if (inside / "pg").exists():
        raise Trouble(
            f"The account {name} can no longer enter {inside}, where the database is.",
            f"Let it pass through the directories above: chmod o+x, or move {state.root} where it can.",
        )
    inside.rmdir()
    SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    SHARED.chmod(0o755)
    home = SHARED / f"db-{secrets.token_hex(6)}"
    home.mkdir(mode=0o700)
    write_whole(home / "belongs-to", f"{state.root}\n")
    state.facts["database_dir"] = str(home)
    state.save()
    say(f"The database files are in {home}: the account {name}, which runs the database, cannot enter {state.root}.")
    return home


def _check_owner(home: Path, state: State) -> None:
    """Two states must not share one cluster: a copied state would end the other's server."""
    if not home.exists():
        raise Trouble(
            f"The database files of this state are gone: {home}.",
            f"Put them back from your backup, or start with an empty state: remove {state.root}",
        )
    try:
        owner = Path((home / "belongs-to").read_text().strip())
    except OSError:
        owner = state.root
    if owner != state.root and (owner / "state.json").exists():
        raise Trouble(
            f"{state.root} is a copy of {owner}: both point to the database files in {home}.",
            "Start with an empty state and restore a backup into it.",
        )
    write_whole(home / "belongs-to", f"{state.root}\n")
