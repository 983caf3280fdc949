"""How our codes and moments are spelt in answers."""

from __future__ import annotations

from datetime import date, datetime

from foundation.common.clock import BUSINESS_ZONE


def camel(code: str) -> str:
    """A code of ours in lower camel case: SKIP_LEVEL → skipLevel."""
    first, *rest = code.lower().split("_")
    return first + "".join(part.title() for part in rest)


def iso(moment: datetime | None) -> str | None:
    """A moment of the business zone in ISO 8601."""
    return moment.astimezone(BUSINESS_ZONE).isoformat() if moment is not None else None


def day_start(day: date | None) -> str | None:
    """The moment a day begins with us."""
    return datetime(day.year, day.month, day.day, tzinfo=BUSINESS_ZONE).isoformat() if day is not None else None
