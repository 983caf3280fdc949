"""When jobs of the clock fall due: instants as pure functions, handed in by crm/beat.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
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
