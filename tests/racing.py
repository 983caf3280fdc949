"""Races with real threads on the real database: everybody starts at the same moment, or in an order that real row locks
force."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections, transaction
from django.utils import translation

LONGEST_SECONDS = 30


def race(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs at once, each on a connection of its own; returns results or exceptions in order."""
    barrier, language = threading.Barrier(len(jobs)), translation.get_language()
    outcomes: list[Any] = [None] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(LONGEST_SECONDS)
            with translation.override(language):
                outcomes[index] = job()
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            outcomes[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index, job)) for index, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_SECONDS)
        assert not thread.is_alive(), "a racer did not finish"
    return outcomes


class Beside(threading.Thread):
    """Something done on a connection of its own."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__()
        self.act, self.outcome, self.pid = act, None, 0
        self.start()

    def run(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                [self.pid] = cursor.fetchone()
            self.outcome = self.act()
        except Exception as error:  # noqa: BLE001 (the test looks at it)
            self.outcome = error
        finally:
            connections.close_all()

    def waits(self) -> bool:
        """Whether it stands before a lock."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [self.pid])
            row = cursor.fetchone()
        return bool(row and row[0])

    def ended(self) -> Any:
        self.join(LONGEST_SECONDS)
        assert not self.is_alive()
        return self.outcome


@contextmanager
def held(model: Any, pk: int) -> Iterator[None]:
    """Somebody else holds the row inside the block."""
    ready, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            model.objects.select_for_update().get(pk=pk)
            ready.set()
            assert go_on.wait(LONGEST_SECONDS)

    holder = Beside(hold)
    assert ready.wait(LONGEST_SECONDS)
    try:
        yield
    finally:
        go_on.set()
        assert holder.ended() is None
