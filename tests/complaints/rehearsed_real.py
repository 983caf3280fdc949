"""The 2,224 real complaints of 2015 rehearsed under two policies and a staffing rule: due moments and daily load, for
nobody knows when they were answered. docs/rehearsal.md tells what it shows."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date, datetime, timedelta
from heapq import heapreplace
from io import StringIO

from django.core.management import call_command

from complaints.models import Rehearsal
from complaints.rehearsing.reading import Load
from foundation.calendars.models import Clock
from tests.complaints.cases import Office
from tests.imports.bringing import shared

DAY = timedelta(days=1)
PEOPLE, OPENS, CLOSES, MINUTES = 4, 9, 18, 60
LAW = '[{"rule": "US", "use": true, "from": "2000-01-01", "days": 30}]'


def rehearse_the_real_ones(at: Office) -> None:
    """A day instead of two, thirty days instead of fifteen, and four people an hour a case."""
    out = StringIO()
    call_command(
        "rehearse", "--from", "2015-01-01", "--to", "2015-12-31", "--by", at.boss.username, "--title", "2015",
        "--policy", "complaints.limit.simple=24", "--policy", f"complaints.statutory={LAW}",
        "--staff", f"{at.unit.code}:{PEOPLE}:09:00-18:00:{MINUTES}", stdout=out,
    )  # fmt: skip
    said = out.getvalue()
    assert "2015: 2015-01-01 - 2015-12-31, 2224 cases" in said
    nobody_knows = "late_left 0, late_right 0, newly 0, rescued 0"
    assert f"Service limit: all 2224, changed 2224, {nobody_knows}, sooner 2224, later 0, unknown 2224" in said
    assert f"Statutory answer: all 2224, changed 2224, {nobody_knows}, sooner 0, later 2224, unknown 2224" in said
    assert "most due, left: 2015-06-26 218, 2015-06-25 190, 2015-06-27 98" in said
    assert "most due, right: 2015-06-25 218, 2015-06-24 190, 2015-06-26 98" in said
    assert "most due, left: 2015-07-09 218" in said and "most due, right: 2015-07-24 218" in said
    assert "most received: 2015-06-24 218, 2015-06-23 190, 2015-06-25 98" in said
    assert (
        "staff, right: 34 days with more received than they can do, 119 evenings with cases waiting, most 576 on"
        " 2015-06-30" in said
    )
    received = moments()
    load = Load(Rehearsal.objects.get(title="2015"), "service", at.unit.pk)
    days = {row.day: row for month in load.months() for row in load.days(month)}
    by_day = Counter(moment.date().isoformat() for moment in received)
    assert {day: row.received.number for day, row in days.items() if row.received.number} == by_day
    for days_later, side in ((2, "left"), (1, "right")):
        due = Counter((moment + days_later * DAY).date().isoformat() for moment in received)
        assert {day: row.due[side].number for day, row in days.items() if row.due[side].number} == due
    assert {day: row.waiting["right"].number for day, row in days.items()} == waiting(received, list(days))
    assert not Clock.objects.exists()


def moments() -> list[datetime]:
    """When they were received, as the file says, in order."""
    with gzip.open(shared("comcast_complaints.csv.gz"), "rt", encoding="utf-8") as file:
        return sorted(datetime.fromisoformat(row["received_at"]) for row in csv.DictReader(file))


def waiting(received: list[datetime], days: list[str]) -> dict[str, int]:
    """How many wait at the end of each day, counted by hand: four people, Monday to Friday from nine to six, each takes
    the next case."""
    free, through = [datetime(2015, 1, 1)] * PEOPLE, []
    for moment in received:
        end = worked(max(free[0], moment))
        heapreplace(free, end)
        through.append(end)
    found = {}
    for day in days:
        end = datetime.combine(date.fromisoformat(day), datetime.min.time()) + DAY
        found[day] = sum(came < end <= done for came, done in zip(received, through, strict=True))
    return found


def worked(start: datetime) -> datetime:
    """When an hour of work begun at `start` is done."""
    left, now = timedelta(minutes=MINUTES), start
    while True:
        opens, closes = (now.replace(hour=hour, minute=0, second=0) for hour in (OPENS, CLOSES))
        now = max(now, opens)
        if now.weekday() < 5 and now < closes:
            if closes - now >= left:
                return now + left
            left -= closes - now
        now = opens + DAY
