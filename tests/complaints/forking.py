"""Real processes of one test: forked, each with a connection of its own, killed when the test says so."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from django.db import connections


class Forked:
    """A child that does `job` and ends. The clock of the test travels with it."""

    def __init__(self, job: Callable[[], object]) -> None:
        for connection in connections.all():
            connection.close()
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            try:
                job()
            except BaseException:  # noqa: BLE001 (a child must never come back into the test)
                traceback.print_exc()
                os._exit(1)
            os._exit(0)

    def ended(self) -> bool:
        """Whether it is over by now."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def wait(self) -> int:
        """Until it is over; the exit code, negative for a signal."""
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def kill(self) -> None:
        """SIGKILL, wherever it is."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
