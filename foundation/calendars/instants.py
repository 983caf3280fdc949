"""From the local clock to instants, through the days on which a zone changes its offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo


def first_instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """The earliest instant (UTC) at which the clock of `zone` shows `wall` (naive) or a later time.

    In the hour a clock skips that is the moment of the change; of an hour shown twice it is the first
    showing. So local times in order give instants in order, and windows that touch on the clock touch in
    time.
    """
    first = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # Skipped: the change lies between the readings with the new and with the old offset, a whole second.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).replace(tzinfo=None) >= wall:
            after = middle
        else:
            before = middle
    return after


@lru_cache(maxsize=4096)
def changes_of(zone: str, year: int) -> tuple[int, ...]:
    """The days (ordinals) of `year` in which the offset of `zone` changes, so that they do not last 24
    hours.
    """
    tz = ZoneInfo(zone)
    first = date(year, 1, 1).toordinal()
    offsets = [
        datetime.fromordinal(day).replace(tzinfo=tz).utcoffset()
        for day in range(first, date(year + 1, 1, 1).toordinal() + 1)
    ]
    return tuple(first + at for at, (one, other) in enumerate(pairwise(offsets)) if one != other)
