"""Figures of complaints against a naive recount, and the rows behind each on its page: branches, the border of a month,
merged and withdrawn cases, misses, repeated rounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from django.test import Client

from complaints.kpis import KPIS, Part, Span, kpi
from complaints.lifecycle import OWNER_KIND, State
from complaints.models import Complaint
from complaints.views.behind import behind_url
from foundation.calendars.clocks import mark_missed, start_clock, stop_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User
from tests.complaints.cases import Office, case, moment, office

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HOUR = timedelta(hours=1)
NOW = moment(31, 12)  # the last day of March, noon
MARCH = Span.of_days(date(2026, 3, 1), date(2026, 3, 31))


def timed(one: Complaint, kind: str, start: datetime, hours: int, stop: datetime | None, judged: bool = True) -> Clock:
    """A clock of `hours` on a case, stopped at a moment or still running."""
    with clock.travel(start):
        made = start_clock(
            OWNER_KIND, one.pk, kind, target=Target.hours(hours), runs=Runs.CALENDAR, at=start, actor=None
        )
    if stop is None:
        return made
    with clock.travel(stop):
        return stop_clock(made.pk, at=stop, actor=None, judged=judged)


def world() -> tuple[Office, Office]:
    """Two offices, each with cases around the end of February and in March."""
    with clock.travel(moment(-5)):
        here, there = office(), office()
    for at in (here, there):
        for number, received in enumerate((moment(-1, 23), moment(1, 0), moment(10), moment(20), moment(29, 9))):
            answered = received + HOUR * (10 + number * 7)
            met = case(at, State.CLOSED, received_at=received, answered_at=answered, satisfaction=1 + number)
            Complaint.objects.filter(pk=met.pk).update(closed_at=received + HOUR * 40)
            timed(met, "service", received, 24, answered)
            timed(met, "statutory", received, 24 * 15, answered)
        late = case(at, State.INVESTIGATING, received_at=moment(25), next_due_at=moment(27))
        timed(late, "service", moment(25), 48, None)
        case(at, State.INVESTIGATING, received_at=moment(31, 8), next_due_at=moment(31, 12, 20))
        soon = case(at, State.ASSIGNED, received_at=moment(31, 7), next_due_at=None, handler=None)
        timed(soon, "service", moment(31, 7), 48, None)  # not due yet
        # Two rounds in the month, the first missed, the second met: the case is due once, and not on time.
        twice = case(at, State.INVESTIGATING, received_at=moment(5), answered_at=moment(8))
        timed(twice, "service", moment(5), 24, moment(8))
        timed(twice, "service", moment(12), 24, moment(12, 20))
        gone = case(at, State.WITHDRAWN, received_at=moment(14))
        timed(gone, "service", moment(14), 24, moment(14, 15), judged=False)
        merged = case(at, State.MERGED, received_at=moment(15), merged_into=twice)
        timed(merged, "service", moment(15), 2, moment(16), judged=False)  # missed before it was merged
    # Only there: a record of the past without a clock.
    case(there, State.CLOSED, received_at=moment(3), source="import", source_no="7")
    with clock.travel(NOW):
        mark_missed(NOW, owner_kind=OWNER_KIND)
    return here, there


def naive(code: str, cases: list[Complaint], span: Span, now: datetime) -> tuple[set[int], set[int]]:
    """The rows that count and those they are a share of, by hand, a case at a time."""
    seen = [one for one in cases if one.state != "MERGED"]

    def inside(at: datetime | None) -> bool:
        return at is not None and span.start <= at < span.end

    if code in ("on_time", "statutory"):
        kind = "service" if code == "on_time" else "statutory"
        due, missed = set(), set()
        for one in seen:
            for row in Clock.objects.filter(owner_kind=OWNER_KIND, owner_id=one.pk, kind=kind):
                was_missed = row.missed_at is not None or (row.state == "RUNNING" and row.due_at < now)
                if inside(row.due_at) and (was_missed or row.state in ("MET", "MISSED")):
                    due.add(one.pk)
                    missed |= {one.pk} if was_missed else set()
        return due - missed, due
    tests: dict[str, Callable[[Complaint], bool]] = {
        "received": lambda one: inside(one.received_at),
        # When a record of the past ended is not known: it stands at the day of its file.
        "closed": lambda one: inside(one.closed_at) and not one.source,
        "open": lambda one: one.closed_at is None and not one.source,
        "overdue": lambda one: one.closed_at is None and one.next_due_at is not None and one.next_due_at < now,
        "backlog": lambda one: (
            one.received_at < span.end and (one.closed_at is None or one.closed_at >= span.end) and not one.source
        ),
        "mean_time": lambda one: inside(one.answered_at),
        "p90_time": lambda one: inside(one.answered_at),
        "score": lambda one: inside(one.closed_at) and one.satisfaction is not None and not one.source,
    }
    rows = {one.pk for one in seen if tests[code](one)}
    return rows, rows


def shown(client: Client, url: str) -> set[int]:
    """The cases a list shows, over all its pages."""
    found: list[int] = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200, url
        page = answer.context["page"]
        found += [row.pk for row in page.items]
        plain = url.split("&after=")[0]
        url = f"{plain}&after={page.next_cursor}" if page.next_cursor else ""
    assert len(found) == len(set(found))
    return set(found)


HANDLING = (
    "on_time",
    "statutory",
    "received",
    "closed",
    "open",
    "overdue",
    "backlog",
    "mean_time",
    "p90_time",
    "score",
)
FEBRUARY = Span.of_days(date(2026, 2, 1), date(2026, 2, 28))
DAY_27 = Span.of_days(date(2026, 3, 27), date(2026, 3, 27))


@pytest.mark.covers("REP-05", "CMP-12")
def test_every_figure_is_the_naive_recount_and_opens_exactly_its_rows(client_for: ClientFor) -> None:
    here, there = world()
    accused = case(here, State.INVESTIGATING, received_at=moment(30), about_staff=here.lead)
    with clock.travel(NOW):
        for viewer in (here.lead, there.boss):
            client = client_for(viewer)
            rows = Complaint.objects.visible_to(viewer)
            cases = list(rows)
            if viewer == here.lead:
                assert {one.work_unit_id for one in cases} == {here.unit.pk}  # not the one about the viewer either
            assert (accused in cases) == (viewer == there.boss)
            for span in (MARCH, DAY_27):
                for code in HANDLING:
                    found = kpi(code, rows, span, NOW)
                    good, of = naive(code, cases, span, NOW)
                    assert set(found.rows().values_list("pk", flat=True)) == of, (code, span)
                    assert found.counts() == (len(good), len(of))
                    if viewer == here.lead and span is not MARCH:
                        continue
                    assert shown(client, behind_url(code, span)) == of, (code, span)
                    if code in ("on_time", "statutory"):
                        assert shown(client, behind_url(code, span, Part.YES)) == good
                        assert shown(client, behind_url(code, span, Part.NO)) == of - good
                        assert found.value() == (len(good) * 100 / len(of) if of else None)
        mine = Complaint.objects.visible_to(here.lead)
        # Of 24 h: answered in 10 (due in February), 17, 24 sharp, 31, 38; a round of two was late; one is, one runs.
        assert kpi("on_time", mine, MARCH, NOW).counts() == (2, 6)
        assert kpi("statutory", mine, MARCH, NOW).counts() == (3, 3)
        spans = [17.0, 24, 31, 38, 72]
        assert kpi("mean_time", mine, MARCH, NOW).value() == pytest.approx(sum(spans) / 5)
        assert kpi("p90_time", mine, MARCH, NOW).value() == pytest.approx(38 + (72 - 38) * 0.6)
        assert kpi("score", mine, MARCH, NOW).value() == pytest.approx(3)
        assert kpi("on_time", mine, FEBRUARY, NOW).value() == 100
        assert kpi("statutory", mine, FEBRUARY, NOW).value() is None


def test_filters_narrow_the_rows_and_nonsense_is_not_found(client_for: ClientFor) -> None:
    here, _there = world()
    with clock.travel(NOW):
        client = client_for(here.lead)
        every = shown(client, behind_url("received", MARCH))
        pooled = shown(client, behind_url("received", MARCH, handler=0))
        assert pooled == set(Complaint.objects.filter(work_unit=here.unit, handler=None).values_list("pk", flat=True))
        assert pooled < every
        page = client.get(behind_url("received", MARCH, grade="ORDINARY"))
        assert "Grade" in page.content.decode()
        good = behind_url("received", MARCH)
        assert client.get(f"{good}&after=damaged").status_code == 302
        for bad in (
            "kpi=none&from=2026-03-01&to=2026-04-01",
            "kpi=open&from=2026-03-01&to=2026-02-01",
            "kpi=open&from=x&to=y",
            "kpi=open&from=1999-01-01&to=2026-02-01",
            "kpi=open&from=2026-03-01&to=2026-04-01&part=no",
            "kpi=open&from=2026-03-01&to=2026-04-01&part=sold",
            "kpi=open&from=2026-03-01&to=2026-04-01&grade=NONE",
        ):
            assert client.get(f"/complaints/figures/rows/?{bad}").status_code == 404, bad
    with pytest.raises(RuleBroken, match="no such figure"):
        kpi("nothing", Complaint.objects.all(), MARCH)
    assert set(HANDLING) <= set(KPIS)
    hour = Span(moment(31, 9), moment(31, 10))
    assert Span.read(*hour.text()) == hour and Span.read(*MARCH.text()) == MARCH
    assert [Span.this_week(moment(4)).text(), Span.this_month(moment(31)).text()] == [
        ("2026-03-02", "2026-03-09"),
        ("2026-03-01", "2026-04-01"),
    ]
