"""The only clock (D§1.1): every module asks here what time it is.

The clock may be moved by `CARELINE_CLOCK_OFFSET` (seconds, may be negative) so that whole stacks,
workers included, live in another year; tests move it inside one process with `travel`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from foundation.common.errors import BadSetting

BUSINESS_ZONE = ZoneInfo("Asia/Shanghai")


def _offset_from_environment() -> timedelta:
    text = os.environ.get("CARELINE_CLOCK_OFFSET", "0")
    try:
        return timedelta(seconds=float(text))
    except ValueError as error:
        raise BadSetting(f"CARELINE_CLOCK_OFFSET must be a number of seconds, not {text!r}") from error


_offset = _offset_from_environment()
_frozen: datetime | None = None


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _frozen if _frozen is not None else datetime.now(UTC) + _offset


def today(at: datetime | None = None) -> date:
    """The day of `at` (default: now) in the business zone (D§1.1)."""
    return (at or now()).astimezone(BUSINESS_ZONE).date()


def business_midnight(day: date) -> datetime:
    """The moment `day` begins in the business zone, as an aware UTC datetime."""
    return datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE).astimezone(UTC)


@contextmanager
def travel(to: datetime) -> Iterator[None]:
    """Hold this process's clock at `to` (aware). Only for tests and rehearsals."""
    global _frozen
    if to.tzinfo is None:
        raise ValueError("the clock needs an aware datetime")
    before, _frozen = _frozen, to.astimezone(UTC)
    try:
        yield
    finally:
        _frozen = before
