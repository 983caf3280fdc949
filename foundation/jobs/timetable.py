"""When jobs of the clock fall due: instants as pure functions, handed in by crm/beat.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from foundation.common.clock import BUSINESS_ZONE


class When(Protocol):
    def latest(self, now: datetime) -> datetime:
        """The latest instant at or before `now` (both aware)."""


@dataclass(frozen=True)
class Daily:
    """Every day at a time of the business zone."""

    at: time

    def latest(self, now: datetime) -> datetime:
        """Today's instant, or yesterday's when today's is still to come."""
        local = now.astimezone(BUSINESS_ZONE)
        instant = datetime.combine(local.date(), self.at, BUSINESS_ZONE)
        if instant > local:
            instant = datetime.combine(local.date() - timedelta(days=1), self.at, BUSINESS_ZONE)
        return instant.astimezone(UTC)


@dataclass(frozen=True)
class Monthly:
    """On a day of the month at a time of the business zone, in every month or only in `months` (1 to 12)."""

    day: int
    at: time
    months: tuple[int, ...] = tuple(range(1, 13))

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 28 or not self.months or not set(self.months) <= set(range(1, 13)):
            raise ValueError(f"day {self.day} is not in every month, or {self.months} are no months")

    def latest(self, now: datetime) -> datetime:
        """The instant of this month, or of the latest month before that has one."""
        local = now.astimezone(BUSINESS_ZONE)
        number = local.year * 12 + local.month - 1
        while True:
            year, month = divmod(number, 12)
            instant = datetime.combine(date(year, month + 1, self.day), self.at, BUSINESS_ZONE)
            if month + 1 in self.months and instant <= local:
                return instant.astimezone(UTC)
            number -= 1


@dataclass(frozen=True)
class EveryMinutes:
    """Every n minutes, counted from midnight UTC; n divides a day."""

    minutes: int

    def __post_init__(self) -> None:
        if self.minutes < 1 or 1440 % self.minutes:
            raise ValueError(f"{self.minutes} minutes do not divide a day")

    def latest(self, now: datetime) -> datetime:
        """The start of the present stretch of n minutes."""
        utc = now.astimezone(UTC)
        past = timedelta(minutes=(utc.hour * 60 + utc.minute) % self.minutes)
        return utc.replace(second=0, microsecond=0) - past


@dataclass(frozen=True)
class Planned:
    """A job and when the clock starts it."""

    job: str
    when: When


_schedule: tuple[Planned, ...] = ()


def use_schedule(schedule: Sequence[Planned]) -> None:
    """Hand in the timetable; crm does so at start."""
    global _schedule
    _schedule = tuple(schedule)


def schedule() -> tuple[Planned, ...]:
    """The timetable in use."""
    return _schedule
