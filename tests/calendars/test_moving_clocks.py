"""A calendar gets another version: open clocks are shown before and after, then moved, each once (D§1.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from django.db import transaction

from foundation.audit.models import AuditEntry
from foundation.calendars import moving, services
from foundation.calendars.clock_record import Rule
from foundation.calendars.clocks import mark_missed, pause_clock, start_clock, stop_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import claim_marks
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.calendars.queries import STANDARD
from foundation.calendars.windows import read_windows
from foundation.common.clock import travel
from foundation.common.errors import RuleBroken
from tests.calendars.test_stored_clocks import ACTOR, at, no_faults, service
from tests.racing import race

HALF_DAYS = [read_windows("09:00-12:00")] * 5 + [(), ()]
NOW = "01-06T12:00"


@pytest.fixture(autouse=True)
def _nobody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks here are of nothing that stands: what follows clocks of that kind would find no row of theirs."""
    monkeypatch.setattr(moving, "_followers", {})


def office(code: str = "OFFICE") -> None:
    weekly = [read_windows("09:00-18:00")] * 5 + [(), ()]
    services.create_calendar(code, actor=ACTOR, name_en="Office", name_zh="办公室", weekly=weekly)


def world() -> dict[str, Clock]:
    """Clocks of one calendar in all conditions at NOW, and others that are none of its."""
    office()
    mine: dict[str, Any] = {"calendar": "OFFICE"}
    clocks = {
        "running": service("01-05T09:00", Target.hours(24), owner=1, **mine),
        "paused": service("01-05T09:00", Target.hours(24), owner=2, **mine),
        "late": service("01-05T09:00", Target.hours(3), owner=3, **mine),
        "kept": service("01-05T09:00", Target.hours(24), owner=4, **mine),
        "done": service("01-05T09:00", Target.hours(24), owner=5, **mine),
        "other": service("01-05T09:00", Target.hours(24), owner=6, calendar=STANDARD),
        "statutory": start_clock(
            "CASE", 7, "statutory", target=Target.end_of_day(15), runs=Runs.CALENDAR, at=at("01-05T09:00"), actor=None
        ),
        "never": service("01-05T09:00", Target.hours(200_000), owner=8, **mine),
    }
    pause_clock(clocks["paused"].pk, at=at("01-05T15:00"), actor=ACTOR, reason="X")
    stop_clock(clocks["done"].pk, at=at("01-05T15:00"), actor=ACTOR)
    mark_missed(at(NOW), owner_kind="CASE")
    assert {mark.amount for mark in claim_marks(at(NOW), owner_kind="CASE")} == {50, 75, 100, 150}
    return clocks


def dues() -> dict[int, datetime | None]:
    return dict(Clock.objects.values_list("owner_id", "due_at"))


@pytest.mark.django_db
@pytest.mark.covers("CMP-09", "CMP-28")
def test_open_clocks_are_shown_before_and_after_and_moved_unless_unticked(django_assert_num_queries: Any) -> None:
    clocks, now = world(), at(NOW)
    before = dues()
    services.change_calendar("OFFICE", actor=ACTOR, weekly=HALF_DAYS)
    services.set_day("OFFICE", date(2026, 1, 8), "CLOSED", actor=ACTOR)
    rows, change = moving.behind_newest("OFFICE"), moving.to_newest("OFFICE")
    with django_assert_num_queries(3):  # the clocks, their events, the new version once
        page = moving.preview(rows, change, now=now, size=3)
    assert [shift.clock.owner_id for shift in page] == [1, 2, 3]
    assert [shift.clock.owner_id for shift in moving.preview(rows, change, now=now, after=page[-1].clock.pk)] == [4, 8]
    running, paused, late = page
    assert (running.before.due, running.after.due) == (at("01-07T15:00"), at("01-15T12:00"))  # 3 h a day, not the 8th
    assert (paused.before.remaining, paused.after.remaining) == (
        at("01-06T18:00") - at("01-06T00:00"),
        21 * (at("01-05T10:00") - at("01-05T09:00")),
    )
    assert (late.after.state, late.late_at_once) == ("breached", False)
    counted = moving.count_shifts(rows, change, now=now)
    assert (counted.clocks, counted.sooner, counted.later, counted.same, counted.refused) == (5, 0, 3, 1, 1)
    assert dues() == before and ClockEvent.objects.filter(type="RETARGET").count() == 0

    assert moving.move_to_newest("OFFICE", at=now, actor=ACTOR, keep={clocks["kept"].pk}) == 3
    assert dues() == {**before, 1: at("01-15T12:00")}
    moved = ClockEvent.objects.filter(type="RETARGET").order_by("clock_id")
    assert [(event.clock.owner_id, event.reason, event.actor_id, event.at) for event in moved] == [
        (owner, "CALENDAR_VERSION", 77, now) for owner in (1, 2, 3)
    ]
    for name in ("kept", "done", "other", "statutory", "never"):
        stored = clocks[name]
        assert Clock.objects.get(pk=stored.pk).calendar_version_id == stored.calendar_version_id
    assert Clock.objects.get(owner_id=3).missed_at == before[3]  # an old miss stays a miss
    # Told at 50 % of the old hours, which the new ones have not reached: told again when they have.
    assert list(ClockMark.objects.filter(clock=clocks["running"], round=2).values_list("amount", "passed_at")) == [
        (50, None), (75, None), (100, None), (150, None),
    ]  # fmt: skip
    late_marks = ClockMark.objects.filter(clock=clocks["late"], round=2, passed_at=None)
    assert list(late_marks.values_list("amount", flat=True)) == []  # all told before, all behind
    entry = AuditEntry.objects.get(verb="calendar.clocks_moved")
    assert entry.detail == {"code": "OFFICE", "version": 3, "clocks": 3, "kept": 1}
    no_faults()
    # Again: nothing twice; what was unticked goes when it is ticked.
    assert moving.move_to_newest("OFFICE", at=now, actor=ACTOR, keep={clocks["kept"].pk}) == 0
    assert AuditEntry.objects.filter(verb="calendar.clocks_moved").count() == 1
    assert moving.move_to_newest("OFFICE", at=now, actor=ACTOR) == 1
    assert dues()[4] == at("01-15T12:00") and ClockEvent.objects.filter(type="RETARGET").count() == 4
    no_faults()


@pytest.mark.django_db
def test_a_calendar_that_never_opens_again_moves_nothing_and_longer_hours_may_make_late() -> None:
    office()
    clock = service("01-05T18:00", Target.hours(9), calendar="OFFICE")
    with travel(at("01-05T08:00")):  # one day more is open, then never again
        with pytest.raises(RuleBroken, match="no working time left"):
            services.change_calendar("OFFICE", actor=ACTOR, weekly=[()] * 7)
        services.set_day("OFFICE", date(2026, 1, 5), "OPEN", windows=read_windows("09:00-10:00"), actor=ACTOR)
        services.change_calendar("OFFICE", actor=ACTOR, weekly=[()] * 7)
    given = {"now": at("01-06T08:00")}
    (shift,) = moving.preview(moving.behind_newest("OFFICE"), moving.to_newest("OFFICE"), **given)
    assert (shift.after, shift.refused) == (None, "calendars.never_opens")
    assert moving.move_to_newest("OFFICE", at=given["now"], actor=ACTOR) == 0
    services.change_calendar("OFFICE", actor=ACTOR, weekly=[read_windows("00:00-24:00")] * 7)
    services.clear_day("OFFICE", date(2026, 1, 5), actor=ACTOR)
    (shift,) = moving.preview(moving.behind_newest("OFFICE"), moving.to_newest("OFFICE"), **given)
    assert shift.late_at_once and shift.after.due == at("01-07T08:00")  # D§26: 24 hours more
    assert moving.move_to_newest("OFFICE", at=given["now"], actor=ACTOR) == 1
    clock.refresh_from_db()
    assert (clock.due_at, clock.missed_at) == (at("01-07T08:00"), given["now"])
    with pytest.raises(RuleBroken, match="no calendar"):
        moving.behind_newest("NOWHERE")
    no_faults()


@pytest.mark.django_db
def test_a_policy_moves_its_clocks_and_tells_the_app_they_belong_to(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner in range(1, 5):
        service("01-05T09:00", Target.hours(18), owner=owner, policy_key="complaints.limit", policy_version=1)
    told: list[int] = []
    follower = moving.Follower(
        lock=lambda ids: {owner for owner in ids if owner != 2},  # somebody holds the second case
        changed=lambda clocks: told.extend(clock.owner_id for clock in clocks),
    )
    monkeypatch.setattr(moving, "_followers", {})
    moving.follow("CASE", follower)
    with pytest.raises(ValueError, match="twice"):
        moving.follow("CASE", moving.Follower(lock=set, changed=list.clear))

    def shorter(clock: Clock, rule: Rule) -> Rule:
        target = rule.target if clock.owner_id == 4 else Target.hours(9)
        return replace(rule, target=target, policy_version=2 if target.amount == 540 else 1)

    rows = Clock.objects.open().filter(policy_key="complaints.limit")
    after = 0
    pieces = []
    while (
        piece := moving.change_piece(
            rows, shorter, at=at("01-05T12:00"), actor=None, reason="POLICY", after=after, size=3
        )
    ).last:
        after = piece.last
        pieces.append(piece.changed)
    assert pieces == [2, 0] and told == [1, 3]
    assert [dues()[owner] for owner in (1, 2, 3, 4)] == [
        at("01-05T18:00"), at("01-06T18:00"), at("01-05T18:00"), at("01-06T18:00"),
    ]  # fmt: skip
    assert list(rows.order_by("pk").values_list("policy_version", flat=True)) == [2, 1, 2, 1]
    no_faults()


@pytest.mark.django_db(transaction=True)
def test_a_clock_another_holds_is_passed_over_and_two_movers_move_each_once() -> None:
    clocks = [service("01-05T09:00", Target.hours(24), owner=owner) for owner in range(6)]
    now = at("01-05T12:00")

    def move() -> int:
        """As often as it takes, two clocks at a time."""
        after, changed = 0, 0
        while (
            piece := moving.change_piece(rows, shorter, at=now, actor=None, reason="POLICY", after=after, size=2)
        ).last:
            after, changed = piece.last, changed + piece.changed
        return changed

    def shorter(_clock: Clock, rule: Rule) -> Rule:
        return replace(rule, target=Target.hours(9), policy_version=2)

    rows = Clock.objects.open().filter(owner_kind="CASE")
    with transaction.atomic():
        Clock.objects.select_for_update().get(pk=clocks[0].pk)
        assert race(move) == [5]
    assert sum(race(move, move)) == 1
    assert ClockEvent.objects.filter(type="RETARGET").count() == 6
    assert set(dues().values()) == {at("01-05T18:00")}
    no_faults()
