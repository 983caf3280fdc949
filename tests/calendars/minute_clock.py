"""The oracle of clocks: one bit a minute, set where the clock runs. Pauses clear bits; everything is read off by
counting them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.calendars.minute_counter import MinuteCounter

GRACE = 24 * 60
_DIGITS = bytes.maketrans(b"\x00\x01", b"01")


def bits_of(counter: MinuteCounter) -> int:
    """The minutes worked as a number: bit n is minute n."""
    return int(bytes(counter.flags)[::-1].translate(_DIGITS), 2)


@dataclass
class MinuteClock:
    """Follows a clock minute by minute number; `end` is the last minute watched.

    `bits`: when its hours let it run; `amount`: minutes allowed. `due` beyond `end` reads as `end` + 1.
    """

    bits: int
    amount: int
    start: int
    end: int
    still: int = 0  # bits of the minutes it stood still
    still_since: int = -1
    pauses: set[int] = field(default_factory=set)
    due: int | None = None
    grace_left: int | None = None
    late_when_it_runs: bool = False
    missed: int | None = None
    stopped: int | None = None

    def __post_init__(self) -> None:
        self.aim(self.start)

    def ran(self, until: int) -> int:
        """Minutes counted in [start, until): worked and not stood still."""
        if self.still_since >= 0:
            until = min(until, self.still_since)
        return (((self.bits & ~self.still) >> self.start) & ((1 << max(until - self.start, 0)) - 1)).bit_count()

    def aim(self, earliest: int) -> None:
        """The first minute from `earliest` on by which enough have been counted."""
        low, high = earliest, self.end + 1
        while low < high:
            middle = (low + high) // 2
            if self.ran(middle) >= self.amount:
                high = middle
            else:
                low = middle + 1
        self.due = low

    def look(self, at: int) -> None:
        """Time passes to `at`: a due moment that lies before, while the clock runs, is a miss."""
        runs = not self.pauses and self.stopped is None
        if runs and self.missed is None and self.due is not None and self.due < at <= self.end:
            self.missed = self.due

    def pause(self, number: int, at: int) -> None:
        self.look(at)
        if not self.pauses:
            self.still_since = at
            if self.grace_left is not None:
                self.grace_left = self.due - at
            if self.due >= at:
                self.due = None
        self.pauses.add(number)

    def resume(self, number: int, at: int) -> None:
        self.pauses.discard(number)
        if self.pauses:
            return
        self.still |= ((1 << (at - self.still_since)) - 1) << self.still_since
        self.still_since = -1
        if self.due is not None:
            return
        if self.late_when_it_runs:
            self.late_when_it_runs = False
            self.missed = at if self.missed is None else self.missed
        if self.grace_left is not None:
            self.due = at + self.grace_left
        else:
            self.aim(at)

    def retarget(self, bits: int, amount: int, at: int) -> None:
        self.look(at)
        self.bits, self.amount = bits, amount
        self.grace_left, self.late_when_it_runs = None, False
        self.aim(self.start)
        # Due is the first minute it ran with nothing left; a minute it stood still is passed over.
        while self.due < at and (self.still >> self.due & 1 or 0 <= self.still_since <= self.due):
            self.due += 1
        over = self.due < at
        if self.pauses:
            self.due = None
            if over:
                self.grace_left, self.late_when_it_runs = GRACE, True
        elif over:
            self.missed = at if self.missed is None else self.missed
            self.due, self.grace_left = at + GRACE, GRACE

    def stop(self, at: int) -> None:
        self.look(at)
        self.stopped = at
        if not self.pauses:
            self.still_since = at

    def read(self, now: int) -> tuple[int | None, int, int, str]:
        """(due, elapsed, remaining, state) at `now`, which is not before the last event."""
        at = now if self.stopped is None else self.stopped
        self_missed = self.missed
        if self.stopped is None and not self.pauses and self_missed is None and self.due < at:
            self_missed = self.due
        elapsed = self.ran(at)
        if self.grace_left is None:
            remaining = self.amount - elapsed
        else:
            remaining = self.grace_left if self.pauses else self.due - at
        if self_missed is not None:
            state = "breached"
        elif self.stopped is not None:
            state = "met"
        else:
            state = "paused" if self.pauses else "running"
        return self.due, elapsed, remaining, state
