"""Of several processes one holds the line: its rate counts for all, and most message centres allow one bind."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

LOCK = "careline.sms"
CHECK_SECONDS = 1.0


class Lead:
    """A session lock of the database on a connection of its own; lost with that connection."""

    def __init__(self) -> None:
        # A pooler in transaction mode keeps no session locks, hence the direct connection.
        alias = "direct" if "direct" in settings.DATABASES else "default"
        self._database = connections.create_connection(alias)
        self._checked = 0.0

    def take(self) -> bool:
        """Try to become the one; never waits."""
        return bool(self._ask("SELECT pg_try_advisory_lock(hashtext(%s))", LOCK))

    def holds(self) -> bool:
        """Whether we still are, asked at most once a second."""
        now = time.monotonic()
        if now - self._checked < CHECK_SECONDS:
            return True
        self._checked = now
        return bool(self._ask("SELECT 1"))

    def release(self) -> None:
        """Let another one."""
        self._database.close()

    def _ask(self, sql: str, *params: str) -> Any:
        try:
            with self._database.cursor() as cursor:
                cursor.execute(sql, params)
                return cursor.fetchone()[0]
        except (DatabaseError, InterfaceError):
            self._database.close()
            return None
