"""How fast the message centre is fed: its agreed rate, and a pause that grows while it says "throttled"."""

from __future__ import annotations

import time

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
BURST_SECONDS = 0.25  # parts saved up while nothing was sent, as a share of the rate


class Pace:
    """`rate` parts a second; 0: no limit but the window."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * BURST_SECONDS)
        self._saved, self._at = self._most, time.monotonic()
        self._pause, self._quiet_until = 0.0, 0.0

    def room(self) -> int:
        """How many parts may leave now."""
        now = time.monotonic()
        if now < self._quiet_until:
            return 0
        if not self._rate:
            return 1_000
        self._saved, self._at = min(self._most, self._saved + (now - self._at) * self._rate), now
        return int(self._saved)

    def spend(self) -> None:
        """One part left."""
        self._saved -= 1.0

    def wait(self) -> float:
        """Seconds until there is room; 0 when there is."""
        if self.room():
            return 0.0
        now = time.monotonic()
        missing = (1.0 - self._saved) / self._rate if self._rate else 0.0
        return max(self._quiet_until - now, missing, 0.001)

    def throttled(self) -> None:
        """The message centre wants less: nothing for a moment, each time twice as long."""
        now = time.monotonic()
        if now >= self._quiet_until:  # the answers of one window count once
            self._pause = min(LONGEST_PAUSE, self._pause * 2 or FIRST_PAUSE)
            self._quiet_until = now + self._pause

    def accepted(self) -> None:
        """It took one: when no pause holds, the next one begins small again."""
        if time.monotonic() >= self._quiet_until:
            self._pause = 0.0
