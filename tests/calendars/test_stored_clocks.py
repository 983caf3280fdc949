"""Clocks as the businesses hold them: events, figures that follow from them, moments at which somebody is told."""

from __future__ import annotations

import contextlib
import random
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, IntegrityError, connection, transaction

from foundation.calendars.clock_queries import (
    clocks_of,
    faults_of_clocks,
    open_clock,
    read_clock,
)
from foundation.calendars.clock_record import course_of
from foundation.calendars.clock_words import explain_clock, name_reasons
from foundation.calendars.clocks import (
    NewClock,
    mark_missed,
    pause_clock,
    resume_clock,
    retarget_clock,
    start_clock,
    start_clocks,
    stop_clock,
)
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks, claim_marks
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.calendars.pausing import longest_pause, pause_would_break
from foundation.calendars.queries import STANDARD, calendar_for
from foundation.common import clock as clock_module
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation
from tests.racing import LONGEST_SECONDS, Beside, race

ACTOR = SimpleNamespace(pk=77)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """Shanghai time, Monday 5 January 2026 being the first working day after New Year's holiday."""
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=clock_module.BUSINESS_ZONE).astimezone(UTC)


def service(moment: str = "01-05T10:00", target: Target | None = None, owner: int = 1, **more: Any) -> Clock:
    given = {"runs": Runs.WORKING, "calendar": STANDARD, "actor": ACTOR, **more}
    return start_clock("CASE", owner, "service", target=target or Target.working_days(2), at=at(moment), **given)


def waiting(clock: Clock) -> list[tuple[int, int, datetime | None]]:
    marks = clock.marks.filter(passed_at=None).order_by("round", "unit", "amount")
    return list(marks.values_list("round", "amount", "due_at"))


def no_faults() -> None:
    assert list(faults_of_clocks()) == []


@pytest.mark.django_db
@pytest.mark.covers("CMP-09", "CMP-28")
def test_the_life_of_a_service_clock_beside_a_statutory_one() -> None:
    both = [
        NewClock("CASE", 1, "service", Target.working_days(2), Runs.WORKING, STANDARD, policy_key="complaints.limit"),
        NewClock("CASE", 1, "statutory", Target.end_of_day(15), Runs.CALENDAR, marks=Marks((100,), (10, 13)),
                 at=at("01-04T23:59")),
    ]  # fmt: skip
    clock, statutory = start_clocks(both, at=at("01-05T10:00"), actor=ACTOR)
    assert (clock.due_at, statutory.due_at) == (at("01-07T10:00"), at("01-19T23:59:59"))
    assert waiting(clock) == [
        (1, 50, at("01-06T10:00")),
        (1, 75, at("01-06T14:30")),
        (1, 100, at("01-07T10:00")),
        (1, 150, at("01-08T10:00")),
    ]
    assert waiting(statutory) == [
        (1, 10, at("01-14T00:00")),
        (1, 13, at("01-17T00:00")),
        (1, 100, at("01-19T23:59:59")),
    ]

    clock = pause_clock(clock.pk, at=at("01-06T12:00"), actor=ACTOR, reason="CUSTOMER_INFO", until=at("01-09T12:00"))
    first = clock.sequence
    assert (clock.state, clock.due_at, clock.left) == ("PAUSED", None, 7 * HOUR)
    assert waiting(clock) == [(1, 50, at("01-06T10:00")), (1, 75, None), (1, 100, None), (1, 150, None)]
    clock = pause_clock(clock.pk, at=at("01-06T15:00"), actor=None, reason="THIRD_PARTY")
    clock = resume_clock(clock.pk, at=at("01-07T10:00"), actor=ACTOR, pause=first)
    assert (clock.state, clock.due_at) == ("PAUSED", None)
    assert read_clock(clock, at("01-09T09:00")).state == "paused"
    clock = resume_clock(clock.pk, at=at("01-07T17:00"), actor=ACTOR)
    assert (clock.state, clock.due_at, clock.left) == ("RUNNING", at("01-08T15:00"), None)
    assert waiting(clock)[1:] == [
        (1, 75, at("01-08T10:30")),
        (1, 100, at("01-08T15:00")),
        (1, 150, at("01-09T15:00")),
    ]
    figures = read_clock(clock, at("01-08T10:00"))
    assert (figures.elapsed, figures.remaining, figures.state) == (13 * HOUR, 5 * HOUR, "running")

    clock = stop_clock(clock.pk, at=at("01-08T15:00"), actor=ACTOR)
    assert (clock.state, clock.missed_at) == ("MET", None)
    assert waiting(clock) == [(1, 50, at("01-06T10:00")), (1, 75, at("01-08T10:30"))]  # they had come before
    statutory = stop_clock(statutory.pk, at=at("01-20T00:00"), actor=None)
    assert (statutory.state, statutory.missed_at) == ("MISSED", at("01-19T23:59:59"))
    assert [one.kind for one in clocks_of("CASE", [1])] == ["service", "statutory"]
    assert clocks_of("CASE", [1], open_only=True) == [] and open_clock("CASE", 1, "service") is None
    again = service("01-09T09:00")  # reopened
    assert open_clock("CASE", 1, "service") == again
    no_faults()


@pytest.mark.django_db
def test_a_raised_grade_counts_from_the_start_and_tells_nobody_twice() -> None:
    clock = service("01-05T09:00", Target.hours(18))
    assert [(mark.amount, mark.kind) for mark in claim_marks(at("01-06T09:01"), owner_kind="CASE")] == [(50, "service")]
    clock = retarget_clock(clock.pk, at=at("01-06T11:00"), actor=ACTOR, target=Target.hours(12), reason="GRADE")
    assert (clock.round, clock.due_at, clock.missed_at) == (2, at("01-06T12:00"), None)
    assert waiting(clock) == [
        (2, 75, at("01-06T11:00")),  # past by the change itself: due at once
        (2, 100, at("01-06T12:00")),
        (2, 150, at("01-06T18:00")),
    ]
    # A limit that is over already: late at once, 24 hours more (D§26).
    clock = retarget_clock(clock.pk, at=at("01-06T11:30"), actor=ACTOR, target=Target.hours(4))
    assert (clock.due_at, clock.missed_at, clock.grace) == (at("01-07T11:30"), at("01-06T11:30"), True)
    assert waiting(clock) == [
        (3, 75, at("01-06T11:30")),
        (3, 100, at("01-06T11:30")),
        (3, 150, at("01-07T11:30")),
    ]
    # More time later: the miss stays.
    clock = retarget_clock(clock.pk, at=at("01-06T12:30"), actor=ACTOR, target=Target.hours(36))
    assert (clock.due_at, clock.missed_at) == (at("01-08T18:00"), at("01-06T11:30"))
    assert waiting(clock) == [
        (4, 50, at("01-06T18:00")),
        (4, 75, at("01-07T18:00")),
        (4, 100, at("01-08T18:00")),
        (4, 150, at("01-12T18:00")),
    ]
    with pytest.raises(RuleBroken, match="the limit the clock has"):
        retarget_clock(clock.pk, at=at("01-06T13:00"), actor=ACTOR, target=Target.hours(36))
    clock = stop_clock(clock.pk, at=at("01-07T09:00"), actor=ACTOR, judged=False)
    assert clock.state == "MISSED"
    no_faults()


@pytest.mark.django_db
def test_a_master_takes_the_earliest_receipt_and_other_hours_count_from_the_start() -> None:
    statutory = start_clock(
        "CASE", 1, "statutory", target=Target.end_of_day(15), runs=Runs.CALENDAR, at=at("01-20T10:00"), actor=ACTOR
    )
    moved = retarget_clock(statutory.pk, at=at("01-21T10:00"), actor=ACTOR, since=at("01-12T08:00"), reason="MERGED")
    assert (moved.started_at, moved.due_at, moved.round) == (at("01-12T08:00"), at("01-27T23:59:59"), 2)
    clock = service("01-05T10:00", Target.hours(20), owner=2)
    clock = retarget_clock(clock.pk, at=at("01-05T16:00"), actor=ACTOR, runs=Runs.CALENDAR, calendar=None)
    assert (clock.due_at, clock.runs) == (at("01-06T06:00"), "CALENDAR")
    no_faults()


@pytest.mark.django_db
def test_what_is_refused_changes_nothing() -> None:
    clock = service()
    kept = (ClockEvent.objects.count(), ClockMark.objects.count())
    statutory = start_clock(
        "CASE", 9, "statutory", target=Target.end_of_day(15), runs=Runs.CALENDAR, at=at("01-05T10:00"), actor=ACTOR,
        marks=Marks((), ()),
    )  # fmt: skip
    later = {"at": at("01-06T10:00"), "actor": ACTOR}
    for code, refused in {
        "clocks.open_already": lambda: service("01-06T10:00"),
        "clocks.never_pauses": lambda: pause_clock(statutory.pk, reason="X", **later),
        "clocks.no_pause": lambda: resume_clock(clock.pk, **later),
        "clocks.order": lambda: stop_clock(clock.pk, at=at("01-05T09:59"), actor=ACTOR),
        "clocks.not_open": lambda: stop_clock(4711, **later),
        "clocks.target": lambda: retarget_clock(clock.pk, target=Target.calendar_days(3), **later),
        "clocks.marks": lambda: service(owner=3, marks=Marks((0,))),
        "calendars.unknown": lambda: service(owner=3, calendar="NOWHERE"),
        "calendars.too_far": lambda: service(owner=3, target=Target.hours(250_000)),
    }.items():
        with pytest.raises(RuleBroken) as no:
            refused()
        assert no.value.code == code
    clock.refresh_from_db()
    assert (clock.sequence, clock.state) == (1, "RUNNING")
    assert (ClockEvent.objects.count(), ClockMark.objects.count()) == (kept[0] + 1, kept[1])
    pair = [NewClock("CASE", 1, kind, Target.hours(1), Runs.CALENDAR) for kind in ("accept", "service")]
    with pytest.raises(RuleBroken, match="running already"):
        start_clocks(pair, at=at("01-06T10:00"), actor=ACTOR)
    assert open_clock("CASE", 1, "accept") is None
    # What the database itself promises.
    for statement in (
        "UPDATE clock_event SET at = at + interval '1 day'",
        "DELETE FROM clock_event",
        f"UPDATE clock SET state = 'MISSED' WHERE id = {clock.pk}",
        f"INSERT INTO clock_event SELECT id + 1, sequence, type, at, pause, until, reason, evidence, rule, actor_id, "
        f"done_by_id, clock_id FROM clock_event WHERE clock_id = {clock.pk}",
    ):
        with pytest.raises((Error, IntegrityError)), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    no_faults()


@pytest.mark.django_db
def test_the_sweep_looks_into_an_index_and_writes_each_miss_once(django_assert_num_queries: Any) -> None:
    late, timely = service("01-05T10:00"), service("01-06T10:00", owner=2)
    now = at("01-07T10:00")
    assert mark_missed(now, owner_kind="CASE") == []  # at the moment: in time
    now += timedelta(seconds=1)
    assert mark_missed(now, owner_kind="APPEAL") == []
    with django_assert_num_queries(3):  # with the savepoint
        assert mark_missed(now, owner_kind="CASE") == [late.pk]
    assert mark_missed(now, owner_kind="CASE") == []
    late.refresh_from_db()
    assert (late.missed_at, late.state, late.is_late(now), timely.is_late(now)) == (late.due_at, "RUNNING", True, False)
    no_faults()
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():  # a sweep that dies gives back what it took
        assert len(claim_marks(now, owner_kind="CASE")) == 4
        1 / 0  # noqa: B018  the sweep dies here
    claimed = claim_marks(now, owner_kind="CASE", limit=3)
    assert [(mark.owner_id, mark.amount) for mark in claimed] == [(1, 50), (1, 75), (1, 100)]
    assert [mark[2:7] for mark in claim_marks(now, owner_kind="CASE")] == [(2, "service", 1, "P", 50)]
    assert claim_marks(now, owner_kind="CASE") == [] == claim_marks(now + HOUR, owner_kind="APPEAL")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for query in (
            "SELECT id FROM clock_mark WHERE owner_kind = 'CASE' AND passed_at IS NULL AND due_at < '2026-01-07'"
            " ORDER BY due_at, id LIMIT 5",
            "SELECT id FROM clock WHERE owner_kind = 'CASE' AND state = 'RUNNING' AND missed_at IS NULL"
            " AND due_at < '2026-01-07' ORDER BY due_at, id LIMIT 5",
        ):
            cursor.execute(f"EXPLAIN {query}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "clock_mark_due" in plan or "clock_due" in plan
            assert "Sort" not in plan


@pytest.mark.django_db
@pytest.mark.covers("CMP-09")
def test_a_pause_that_would_break_the_statutory_limit() -> None:
    clock, week = service("01-05T10:00", Target.working_days(5)), calendar_for(STANDARD)
    paused = at("01-09T10:00")  # one working day left
    until = longest_pause(paused, Target.working_days(5), week)
    assert until == at("01-16T10:00")
    assert longest_pause(paused, Target.hours(48)) == at("01-11T10:00")
    hard = at("01-20T23:59:59")
    assert pause_would_break(clock, at=paused, until=until, hard_due=hard) is None  # due 19 Jan 10:00
    assert pause_would_break(clock, at=paused, until=until, hard_due=at("01-20T10:00")) is None  # exactly 24 h before
    assert pause_would_break(clock, at=paused, until=until, hard_due=at("01-20T09:59")) == at("01-19T10:00")
    clock.refresh_from_db()
    assert clock.sequence == 1


@pytest.mark.django_db
def test_the_figures_of_any_course_follow_from_its_events() -> None:
    chance = random.Random(4)
    refused = set()
    targets = [Target.hours(4), Target.hours(20), Target.working_days(3), Target.minutes(1)]
    for owner in range(12):
        clock, now = service("01-05T09:00", chance.choice(targets), owner=owner), at("01-05T09:00")
        for _step in range(chance.randrange(1, 9)):
            now += timedelta(minutes=chance.choice([0, 30, 240, 1_440]))
            mark_missed(now, owner_kind="CASE")
            act = chance.choice(["pause", "resume", "retarget", "stop", "late"])
            given = {"at": now, "actor": ACTOR}
            try:
                if act == "pause":
                    clock = pause_clock(clock.pk, reason="X", **given)
                elif act == "resume":
                    open_pauses = list(course_of(clock.events.order_by("sequence")).pauses)
                    pause = chance.choice([None, *open_pauses])
                    clock = resume_clock(clock.pk, pause=pause, **given)
                elif act == "retarget":
                    clock = retarget_clock(clock.pk, target=chance.choice(targets), **given)
                elif act == "stop":
                    clock = stop_clock(clock.pk, judged=chance.random() < 0.7, **given)
            except RuleBroken as no:
                refused.add(no.code)
            clock.refresh_from_db()
            course = course_of(clock.events.order_by("sequence"))
            assert read_clock(clock, now) == course.read(now)
            assert read_clock(clock, now + 50 * HOUR) == course.read(now + 50 * HOUR)
            for mark in clock.marks.filter(passed_at=None, amount=100):
                assert mark.round == clock.round
                if not clock.grace and clock.missed_at is None:
                    assert mark.due_at == clock.due_at
    assert len({clock.state for clock in Clock.objects.all()}) == 5
    assert refused == {"clocks.no_pause", "clocks.not_open", "clocks.same"}
    no_faults()
    told = StringIO()
    call_command("check_clocks", stdout=told)
    assert told.getvalue() == "All stored figures follow from the events.\n"
    Clock.objects.filter(pk=clock.pk).update(ran=timedelta(hours=99))
    assert [(fault.clock_id, fault.figure) for fault in faults_of_clocks()] == [(clock.pk, "ran")]
    with pytest.raises(CommandError, match="1 figures"):
        call_command("check_clocks", stdout=told)
    assert f"clock {clock.pk}: ran is 4 days, 3:00:00" in told.getvalue()


@pytest.mark.django_db
def test_why_this_deadline_in_words(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foundation.common.explain._labels", {})
    name_reasons("CASE", {"CUSTOMER_INFO": "waits for the customer"})
    clock = service("01-03T23:30", Target.working_days(2))
    clock = pause_clock(clock.pk, at=at("01-05T12:00"), actor=ACTOR, reason="CUSTOMER_INFO")
    clock = resume_clock(clock.pk, at=at("01-06T11:00"), actor=ACTOR)
    clock = retarget_clock(clock.pk, at=at("01-06T15:00"), actor=ACTOR, target=Target.hours(4), reason="GRADE")
    clock = pause_clock(clock.pk, at=at("01-06T16:00"), actor=ACTOR, reason="THIRD_PARTY")
    with django_assert_num_queries(1):
        why = explain_clock(clock, at("01-07T09:00"))
    version = calendar_for(STANDARD).version
    runs = f"It runs in the working hours of the calendar STANDARD, version {version}."
    assert why.in_words() == [
        "The limit is 2 working days of 9 h 0 min each.",
        runs,
        "It started 2026-01-03 23:30, outside working hours: it runs from 2026-01-04 09:00.",
        "It stood still from 2026-01-05 12:00 to 2026-01-06 11:00: 8 h 0 min of its own time do not count.",
        "Reason of the pause: waits for the customer.",
        "The limit was changed 2026-01-06 15:00; it is counted anew from the start, pauses stay taken out.",
        "Reason of the change: GRADE.",
        "The limit is 4 h 0 min.",
        runs,
        "The new limit was over already: that is late, and there are 24 hours more.",
        "It stands still since 2026-01-06 16:00; it cannot be missed meanwhile.",
        "Reason of the pause: THIRD_PARTY.",
        "By 2026-01-07 09:00 it has run 17 h 0 min.",
        "23 h 0 min are left; when it runs again, they give the new due moment.",
        "It was missed 2026-01-06 15:00, and that stays so.",
    ]
    assert Explanation.from_json(why.as_json()) == why


@pytest.mark.django_db(transaction=True)
def test_one_of_two_starts_and_stops_at_once_wins_and_a_mark_is_given_once() -> None:
    for owner in range(5):
        outcomes = race(*[lambda owner=owner: service(owner=owner)] * 2)
        assert sorted(type(outcome) is RuleBroken for outcome in outcomes) == [False, True]
    now = at("01-08T11:00")
    taken = race(*[lambda: [mark.id for mark in claim_marks(now, owner_kind="CASE", limit=20)]] * 2)
    assert sorted(taken[0] + taken[1]) == sorted(ClockMark.objects.values_list("pk", flat=True))
    clock = open_clock("CASE", 1, "service")
    outcomes = race(*[lambda: stop_clock(clock.pk, at=now, actor=ACTOR)] * 2)
    assert sorted(type(outcome) is RuleBroken for outcome in outcomes) == [False, True]
    assert clock.events.count() == 2
    no_faults()


@pytest.mark.django_db(transaction=True)
def test_a_change_waits_for_the_sweep_and_tells_nobody_twice() -> None:
    clock = service("01-05T09:00", Target.hours(18))
    taken, go_on = threading.Event(), threading.Event()

    def sweep() -> list[int]:
        with transaction.atomic():
            marks = claim_marks(at("01-06T11:00"), owner_kind="CASE")
            taken.set()
            assert go_on.wait(LONGEST_SECONDS)
        return [mark.amount for mark in marks]

    sweeper = Beside(sweep)
    assert taken.wait(LONGEST_SECONDS)
    change = Beside(lambda: retarget_clock(clock.pk, at=at("01-06T11:00"), actor=None, target=Target.hours(20)))
    while not change.waits():
        assert change.is_alive(), change.outcome
    go_on.set()
    assert sweeper.ended() == [50]
    assert change.ended().round == 2
    assert claim_marks(at("01-06T11:01"), owner_kind="CASE") == []
    assert [(mark.round, mark.amount) for mark in claim_marks(at("01-12T11:01"), owner_kind="CASE")] == [
        (2, 75),
        (2, 100),
        (2, 150),
    ]
