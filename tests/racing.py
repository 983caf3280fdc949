"""Races with real threads on the real database: everybody starts at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, connections

LONGEST_SECONDS = 30


def race(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs at once, each on a connection of its own; returns results or exceptions in order."""
    barrier = threading.Barrier(len(jobs))
    outcomes: list[Any] = [None] * len(jobs)

    def run(index: int, job: Callable[[], Any]) -> None:
        try:
            connection.ensure_connection()
            barrier.wait(LONGEST_SECONDS)
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
