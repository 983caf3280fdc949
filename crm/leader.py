"""The clock's engine: one leader sends the ticks, others stand by.

The leader holds a session advisory lock of the database on a connection of its own and checks that connection
every second; when it is lost, another may lead already, so this one ends at once. A tick twice is harmless.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from datetime import datetime
from types import FrameType
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from kombu.exceptions import OperationalError as BrokerAway

from crm.beat import TICKS, Tick
from crm.celery import app
from foundation.common import clock

log = structlog.get_logger(__name__)
LOCK = "careline.beat"
CHECK_SECONDS = 1.0
STAND_BY_SECONDS = 0.5
MARK_SECONDS = 5.0
BROKER_PATIENCE = 5  # seconds; a broker that hangs must not keep the leader from noticing a lost lock


class LeadershipLost(Exception):
    """The connection that held the lock is gone."""


class Beat:
    """One beat process. `run` returns when it was asked to stop and raises LeadershipLost when the lock is gone."""

    def __init__(self, ticks: tuple[Tick, ...] = TICKS) -> None:
        # Session locks fail behind a pooler in transaction mode, hence the direct connection.
        self.database = connections["direct" if "direct" in settings.DATABASES else "default"]
        self.ticks = ticks
        self.next_at = {tick.task: 0.0 for tick in ticks}
        self.marked_at = 0.0
        self.stop = threading.Event()
        self.broker: Any = None

    def run(self) -> None:
        """Stand by, lead, until stopped."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked_to_stop)
        log.info("beat_stands_by")
        while not self._take_lead():
            if self.stop.wait(STAND_BY_SECONDS):
                return
        log.info("beat_leads", ticks=len(self.ticks))
        while not self.stop.is_set():
            self._check_lead()
            if self._send_due():
                self._mark()
            self.stop.wait(CHECK_SECONDS)
        self.database.close()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop.set()

    def _take_lead(self) -> bool:
        return bool(self._ask("SELECT pg_try_advisory_lock(hashtext(%s))", LOCK))

    def _check_lead(self) -> None:
        self._ask("SELECT 1")

    def _mark(self) -> None:
        now = time.monotonic()
        if now - self.marked_at < MARK_SECONDS:
            return
        self._ask(
            "INSERT INTO job_beat_mark (id, ticked_at, leader) VALUES (1, %s, %s) ON CONFLICT (id)"
            " DO UPDATE SET ticked_at = excluded.ticked_at, leader = excluded.leader RETURNING 1",
            clock.now(),
            f"{socket.gethostname()}:{os.getpid()}"[:120],
        )
        self.marked_at = now

    def _ask(self, sql: str, *params: str | datetime) -> Any:
        try:
            with self.database.cursor() as cursor:
                cursor.execute(sql, params)
                return cursor.fetchone()[0]
        except (DatabaseError, InterfaceError) as error:
            raise LeadershipLost(str(error).strip()) from error

    def _send_due(self) -> bool:
        """Send every tick whose time has come; False when the broker is away (they stay due)."""
        now = time.monotonic()
        try:
            for tick in self.ticks:
                if now >= self.next_at[tick.task]:
                    app.send_task(
                        tick.task,
                        queue=tick.queue,
                        expires=tick.seconds,
                        retry=False,
                        connection=self._broker(),
                    )
                    self.next_at[tick.task] = now + tick.seconds
        except (BrokerAway, OSError, *app.connection().connection_errors) as error:
            log.warning("beat_broker_away", error=str(error))
            if self.broker is not None:
                self.broker.release()
                self.broker = None
            return False
        return True

    def _broker(self) -> Any:
        if self.broker is None:
            self.broker = app.connection_for_write()
            self.broker.transport_options = {
                **self.broker.transport_options,
                "socket_timeout": BROKER_PATIENCE,
                "socket_connect_timeout": BROKER_PATIENCE,
            }
        return self.broker
