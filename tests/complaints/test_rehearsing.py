"""A rehearsal: drafts over recorded cases by the one engine of clocks, writing to no case and no clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from complaints.lifecycle import State
from complaints.models import Complaint, Rehearsal, RehearsalHour, RehearsalLine
from complaints.rehearsing import running
from complaints.rehearsing.reading import Load
from complaints.rehearsing.running import rehearse, start_rehearsal
from complaints.rehearsing.staff import Shift, draft_staffing
from complaints.services import answering, closing, grading, pausing
from foundation.calendars import services as calendars
from foundation.calendars.models import Clock
from foundation.calendars.moving import move_to_newest
from foundation.calendars.queries import STANDARD
from foundation.calendars.windows import read_windows
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import cancel_job
from foundation.policies.drafting import day_edit, draft_calendar, draft_policy, drop_draft, week_edit
from foundation.policies.services import set_policy
from tests.complaints.cases import Office, case, cause, moment, office, on, ready
from tests.factories import UnitFactory

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09", "CMP-28")]
HOUR = timedelta(hours=1)
# What a rehearsal writes: itself, its run, and who asked for it.
OWN = ("complaints_rehearsal", "job_", "audit_", "policy_draft")


def rehearsed(
    at: Office, left: list[Any] = (), right: list[Any] = (), days: tuple[int, int] | None = None
) -> Rehearsal:
    first, last = days or (1, clock.today().day)
    made = start_rehearsal(
        actor=at.boss,
        title="Trial",
        from_day=date(2026, 3, first),
        to_day=date(2026, 3, last),
        left=[draft.pk for draft in left],
        right=[draft.pk for draft in right],
    )
    return rehearse(made.pk)


def digests() -> dict[str, str]:
    """What stands in every table that is none of a rehearsal's own."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not table.startswith(OWN):
                cursor.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM \"{table}\" t")
                found[table] = cursor.fetchone()[0]
    return found


def lines(rehearsal: Rehearsal, kind: str = "service") -> dict[int, RehearsalLine]:
    return {one.complaint_id: one for one in rehearsal.lines.filter(kind=kind).order_by("pk")}


def story() -> tuple[Office, dict[str, Complaint]]:
    """Cases of March with everything that can happen to a service clock."""
    with on(2, 10):
        at = office()
        found = {
            "simple": ready(at, State.INVESTIGATING),
            "cross": ready(at, State.INVESTIGATING, path="CROSS_UNIT"),
            "works": ready(at, State.INVESTIGATING, path="WORKS"),
            "paused": ready(at, State.INVESTIGATING),
            "raised": ready(at, State.INVESTIGATING, path="CROSS_UNIT"),
            "skip": ready(at, State.INVESTIGATING, grade="SKIP_LEVEL"),
            "answered": ready(at, State.SOLUTION_PROPOSED),
            "closed": ready(at, State.CALLBACK),
            "written": ready(at, State.REGISTERED, channel="LETTER"),
        }
    with on(2, 15):
        grading.change_grade(found["raised"].pk, actor=at.boss, grade="MAJOR", reason_code="SAFETY")
        pausing.pause_complaint(found["paused"].pk, actor=at.handler, reason="CUSTOMER_INFO", evidence="asked")
    with on(3, 11):
        pausing.resume_complaint(found["paused"].pk, actor=at.handler)
        answering.decide_complaint(found["answered"].pk, actor=at.handler, words="Paid back.")
        done = closing.close_complaint(
            found["closed"].pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Check first"
        )
    with on(3, 12):
        closing.reopen_complaint(done.pk, actor=at.agent, words="Again")
    return at, found


def test_what_is_in_force_gives_what_is_recorded_and_nothing_is_written():
    at, _found = story()
    with on(6, 12):
        calendars.set_day(STANDARD, date(2026, 3, 9), "CLOSED", actor=at.boss)
        assert move_to_newest(STANDARD, at=clock.now(), actor=at.boss) > 0
        before = digests()
        made = rehearsed(at)
        assert digests() == before
        stored = {
            row.pk: (row.due_at, row.is_late(clock.now()))
            for row in Clock.objects.filter(owner_kind="CASE").exclude(kind="silence")
        }
        assert {one.clock_id: (one.due_left, one.late_left) for one in made.lines.all()} == stored
        assert {one.clock_id: (one.due_right, one.late_right) for one in made.lines.all()} == stored
        assert (made.cases, made.figures["kinds"]["service"]["changed"]) == (Complaint.objects.count(), 0)
        # Nothing comes of doing it again, and another one gives the same.
        again = rehearse(made.pk)
        assert again.finished_at == made.finished_at and again.lines.count() == len(stored)
        other = rehearsed(at)
        assert as_rows(other) == as_rows(made) and other.figures == made.figures


def as_rows(rehearsal: Rehearsal) -> tuple[list[Any], list[Any]]:
    skip = {"id", "rehearsal_id"}
    return tuple(
        [{name: value for name, value in row.items() if name not in skip} for row in rows.order_by("pk").values()]
        for rows in (rehearsal.lines, rehearsal.hours.order_by("kind", "unit_id", "hour"))
    )  # type: ignore[return-value]  # two lists, as it says


def test_drafts_of_policies_and_calendars_change_due_moments_and_misses_by_their_own_rules():
    at, found = story()
    with on(6, 12):
        shorter = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss, note="Try a day")
        made = rehearsed(at, right=[shorter])
        of = {name: lines(made)[one.pk] for name, one in found.items() if name not in ("closed", "written")}
        assert (of["simple"].due_left, of["simple"].due_right) == (moment(4, 10), moment(3, 10))
        assert (of["paused"].due_left, of["paused"].due_right) == (moment(5, 6), moment(4, 6))  # 20 h stood still
        assert (of["answered"].late_left, of["answered"].late_right) == (False, True)  # answered after 25 hours
        assert (of["cross"].due_left, of["raised"].due_left) == (of["cross"].due_right, of["raised"].due_right)
        # Reopened: half of the two days, 24 h; half of one day is below the floor.
        reopened = made.lines.filter(complaint=found["closed"], kind="service").last()
        assert reopened.due_left == reopened.due_right == moment(4, 12)
        service = made.figures["kinds"]["service"]
        assert (service["sooner"], service["later"], service["newly"], service["rescued"]) == (3, 0, 1, 0)
        assert (service["late_left"], service["late_right"]) == (4, 5)
        # The same draft on both sides changes nothing; two drafts against each other.
        longer = draft_policy("complaints.limit.simple", 96 * HOUR, actor=at.boss)
        assert rehearsed(at, [shorter], [shorter]).figures["kinds"]["service"]["changed"] == 0
        both = lines(rehearsed(at, [shorter], [longer]))[found["simple"].pk]
        assert (both.due_left, both.due_right, both.late_right) == (moment(3, 10), moment(6, 10), True)
        of_half = rehearsed(at, right=[longer]).lines.filter(complaint=found["closed"], kind="service").last()
        assert of_half.due_right == moment(3, 12) + 48 * HOUR
        # Fewer hours a day: working clocks only.
        half_days = draft_calendar(STANDARD, week_edit([read_windows("09:00-12:00")] * 5 + [(), ()]), actor=at.boss)
        days = rehearsed(at, right=[half_days])
        cross = lines(days)[found["cross"].pk]
        assert (cross.due_left, cross.due_right) == (moment(9, 10), moment(23, 10))  # 45 h at 3 a day, 2 on the first
        assert lines(days)[found["simple"].pk].due_right == moment(4, 10)
        # The law, by its version of the day of receipt; skip-level by its own two policies.
        law = [{"rule": "GB", "use": True, "from": "2000-01-01", "weeks": 8}]
        britain = draft_policy("complaints.statutory", law, actor=at.boss)
        sooner = draft_policy("complaints.limit.authority_days", 5, actor=at.boss)
        made = rehearsed(at, right=[britain, sooner])
        assert lines(made, "statutory")[found["simple"].pk].due_right == moment(2, 0) + timedelta(days=57, seconds=-1)
        skip = lines(made)[found["skip"].pk]
        assert (skip.due_left, skip.due_right) == (moment(11, 9), moment(5, 9))
        # A unit's own value: another unit's draft is nothing to these cases.
        elsewhere = draft_policy(
            "complaints.limit.simple", HOUR, actor=at.boss, scope="UNIT", scope_ref=UnitFactory(function="HALL").pk
        )
        here = draft_policy("complaints.limit.simple", HOUR, actor=at.boss, scope="UNIT", scope_ref=at.unit.pk)
        assert rehearsed(at, right=[elsewhere]).figures["kinds"]["service"]["changed"] == 0
        assert lines(rehearsed(at, right=[here]))[found["simple"].pk].due_right == moment(2, 11)
        assert Complaint.objects.get(pk=found["simple"].pk).service_due_at == moment(4, 10)


def test_the_past_is_read_by_what_is_in_force_now_and_stays_the_same_when_that_changes():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)
    with on(3, 10):
        set_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
    with on(4, 9):
        made = start_rehearsal(
            actor=at.boss, title="A", from_day=date(2026, 3, 1), to_day=date(2026, 3, 4), left=[], right=[]
        )
    with on(4, 11):
        set_policy("complaints.limit.simple", HOUR, actor=at.boss)
        answer = lines(rehearse(made.pk))[one.pk]  # as of the 4th, 9:00
        assert (answer.due_left, answer.late_left) == (moment(3, 10), True)
        # Received on the 1st only: nothing; by day of receipt in the business zone.
        assert (rehearsed(at, days=(1, 1)).cases, rehearsed(at, days=(2, 2)).cases) == (0, 1)


def test_a_unit_whose_hours_are_over_is_rehearsed_day_and_night_as_its_clocks_run():
    with on(2, 10):
        at = office()
        calendars.set_day(STANDARD, date(2026, 3, 3), "OPEN", windows=[(540, 600)], actor=at.boss)
        calendars.change_calendar(STANDARD, weekly=[()] * 7, actor=at.boss)
        for day in (3, 4, 5, 6):
            calendars.clear_day(STANDARD, date(2026, 3, day), layer="table", actor=at.boss)
    with on(12, 10):
        one = ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        days = draft_policy("complaints.limit.cross_unit", 7, actor=at.boss)
        line = lines(rehearsed(at, right=[days]))[one.pk]
        assert (line.due_left, line.due_right) == (one.service_due_at, moment(19, 10))


def test_records_of_the_past_have_due_moments_only():
    with on(2, 10):
        at = office()
        old = case(at, State.CLOSED, source="REGULATOR", source_no="7", received_at=moment(1, 23, 59))
        known = case(at, State.CLOSED, source="REGULATOR", source_no="8", received_at=moment(1), answered_at=moment(5))
        day = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
    with on(20, 10):
        made = rehearsed(at, right=[day])
        line, told = lines(made)[old.pk], lines(made)[known.pk]
        assert (line.due_left, line.due_right) == (moment(3, 23, 59), moment(2, 23, 59))
        assert (line.late_left, line.late_right, line.clock_id) == (None, None, None)
        assert (told.late_left, told.late_right) == (True, True)
        assert lines(made, "statutory")[old.pk].due_left == moment(17) - timedelta(hours=10, seconds=1)
        assert made.figures["kinds"]["service"]["unknown"] == 1
        assert Clock.objects.count() == 0


def test_a_staffing_rule_says_who_comes_through_when_and_what_waits():
    with on(2, 9):
        at = office()
    for minute in (0, 10, 20, 30):
        with on(2, 9, minute):
            ready(at, State.INVESTIGATING)
    with on(2, 17, 30):
        last = ready(at, State.INVESTIGATING)
    with on(4, 10):
        one = draft_staffing(at.unit, minutes=60, shifts=[Shift(1, (0, 1, 2, 3, 4), ((540, 1080),))], actor=at.boss)
        two = draft_staffing(at.unit, minutes=60, shifts=[Shift(2, (0, 1, 2, 3, 4), ((540, 1080),))], actor=at.boss)
        made = rehearsed(at, [one], [two])
        firsts = list(made.lines.filter(first=True).order_by("received_at"))
        assert [row.done_left for row in firsts] == [moment(2, hour) for hour in (10, 11, 12, 13)] + [moment(3, 9, 30)]
        assert [row.done_right for row in firsts] == [
            moment(2, 10), moment(2, 10, 10), moment(2, 11), moment(2, 11, 10), moment(3, 9, 30),
        ]  # fmt: skip
        assert firsts[-1].complaint_id == last.pk
        hours = {row.hour: (row.received, row.left, row.right) for row in made.hours.filter(kind="")}
        assert hours == {
            moment(2, 9): (4, 0, 0),
            moment(2, 10): (0, 1, 2),
            moment(2, 11): (0, 1, 2),
            moment(2, 12): (0, 1, 0),
            moment(2, 13): (0, 1, 0),
            moment(2, 17): (1, 0, 0),
            moment(3, 9): (0, 1, 1),
        }
        assert Complaint.objects.filter(handler=at.handler).count() == 5


def test_what_was_open_when_the_period_began_is_part_of_its_load_and_of_nothing_else(client_for: Any):
    with on(2, 10):
        at = office()
        waits, answered, late = (ready(at, state) for state in ("INVESTIGATING", "SOLUTION_PROPOSED", "INVESTIGATING"))
        works = ready(at, State.INVESTIGATING, path="WORKS")
        over, quiet = ready(at, State.CALLBACK), ready(at, State.CALLBACK)
        case(at, State.ACKNOWLEDGED, source="REGULATOR", source_no="9")
    with on(3, 11):
        answering.decide_complaint(answered.pk, actor=at.handler, words="Paid back.")
        closing.close_complaint(over.pk, actor=at.handler, cause=cause(), responsible_unit=at.unit, lesson="Check")
    with on(4, 9, 30):
        new = ready(at, State.INVESTIGATING)
    with on(10, 10):
        before = digests()
        day = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
        one = draft_staffing(at.unit, minutes=60, shifts=[Shift(1, (0, 1, 2, 3, 4), ((540, 1080),))], actor=at.boss)
        made = rehearsed(at, right=[day, one], days=(4, 9))
        assert {name: value for name, value in digests().items() if before[name] != value} == {}
        assert (made.cases, made.figures["kinds"]["service"]["all"]) == (1, 1)
        old = {row.complaint_id: row for row in made.lines.filter(carried=True, kind="service")}
        # Answered or over: no service clock left. Due on the 4th before, on the 3rd after: due in the load before only.
        assert set(old) == {waits.pk, late.pk, works.pk} and made.figures["carried"] == 4
        assert (old[waits.pk].due_left, old[waits.pk].due_right) == (moment(4, 10), moment(3, 10))
        assert made.lines.filter(complaint=answered, kind="callback", first=False).exists()
        assert not made.lines.filter(complaint__in=[over, quiet]).exists()
        load = Load(made, "service")
        days = {clock.today(row.start).day: row for row in load.days(date(2026, 3, 1)) if row.start}
        assert [days[4].received.number, days[4].due["left"].number, days[4].due["right"].number] == [1, 2, 0]
        assert days[5].due["right"].number == 1 and days[6].due["left"].number == 1
        # Three waited: one after the other from the 4th at nine, then the new one.
        done = made.lines.filter(first=True).order_by("received_at", "pk").values_list("complaint_id", "done_right")
        assert dict(done) == {
            waits.pk: moment(4, 10), late.pk: moment(4, 11), works.pk: moment(4, 12), new.pk: moment(4, 13),
        }  # fmt: skip
        hours = {clock.today(row.start).day: row for row in load.hours(date(2026, 3, 4)) if row.start}
        assert hours[4].waiting["right"].number == 0 and days[4].through["right"].number == 4
        early = {row.start: row.waiting["right"].number for row in load.hours(date(2026, 3, 4))}
        assert [early[moment(4, hour)] for hour in (0, 8, 9, 10, 12)] == [3, 3, 4, 3, 1]
        # Every number opens its lines, and the page says what it counts.
        client = client_for(at.boss)
        url = f"/complaints/rehearsals/{made.ref}/"
        for query in ("", "&day=2026-03-04", "&by=hour"):
            page = client.get(f"{url}?kind=service{query}")
            assert page.status_code == 200
            for row in page.context["rows"]:
                for cell in (row.received, *row.due.values(), *row.through.values(), *row.waiting.values()):
                    if cell.number:
                        opened = client.get(f"{url}cases/?{cell.query}").context["page"].items
                        assert len(opened) == cell.number, cell.query
        text = client.get(f"{url}?kind=service").content.decode()
        assert "4 cases that were open when the period began" in text and "parts given to other units" in text
        listed = client.get(f"{url}cases/?kind=service&what=carried").context["page"].items
        assert sorted(row.complaint_id for row in listed) == sorted([waits.pk, answered.pk, late.pk, works.pk])
        assert len(client.get(f"{url}cases/?kind=service&what=all").context["page"].items) == 1
        alone = rehearsed(at, right=[day], days=(5, 5))  # nothing came: its load stands all the same
        assert (
            alone.cases == 0
            and "No complaint was received" not in client.get(f"/complaints/rehearsals/{alone.ref}/").content.decode()
        )


def test_who_may_and_what_is_refused():
    with on(10, 10):
        at = office()
        good = {"title": "A", "from_day": date(2026, 3, 1), "to_day": date(2026, 3, 10), "left": [], "right": []}
        draft = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
        twin = draft_policy("complaints.limit.simple", 36 * HOUR, actor=at.boss)
        gone = drop_draft(draft_policy("complaints.progress", 24 * HOUR, actor=at.boss).pk, actor=at.boss)

        def refused(actor: Any = at.boss, **how: Any) -> str:
            with pytest.raises(RuleBroken) as no:
                start_rehearsal(actor=actor, **{**good, **how})
            assert not Rehearsal.objects.exists() and not JobRun.objects.exists()
            return no.value.code

        with pytest.raises(NotAllowed):
            start_rehearsal(actor=at.lead, **good)
        assert refused(title=" ") == refused(title="x" * 81) == "complaint.rehearsal_title"
        assert refused(from_day=date(2026, 3, 11)) == refused(to_day=date(2026, 3, 11)) == "complaint.rehearsal_period"
        assert refused(from_day=date(2022, 3, 1)) == "complaint.rehearsal_period"
        assert refused(right=[draft.pk, twin.pk]) == "complaint.drafts_clash"
        assert refused(right=[gone.pk]) == refused(left=[4711]) == "complaint.rehearsal_draft"
        with pytest.raises(RuleBroken, match="no working time left"):
            draft_calendar(STANDARD, week_edit([()] * 7), actor=at.boss)
        with pytest.raises(RuleBroken) as no:
            draft_calendar(STANDARD, day_edit(date(2026, 3, 12), ""), actor=at.boss)
        assert no.value.code == "calendars.same"
        for shifts, minutes in ([], 30), ([Shift(0, (0,), ((540, 600),))], 30), ([Shift(1, (), ())], 30):
            with pytest.raises(RuleBroken, match="shift"):
                draft_staffing(at.unit, minutes=minutes, shifts=shifts, actor=at.boss)


def test_killed_taken_over_and_cancelled_it_counts_every_case_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(running, "PIECE", 2)
    with on(2, 10):
        at = office()
        for _one in range(5):
            ready(at, State.INVESTIGATING)
    with on(3, 10):
        made = start_rehearsal(
            actor=at.boss, title="A", from_day=date(2026, 3, 1), to_day=date(2026, 3, 3), left=[], right=[]
        )
        real, calls = running.lines_of, []

        def cut(*given: Any) -> Any:
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt  # the worker is killed in its second piece
            return real(*given)

        monkeypatch.setattr(running, "lines_of", cut)
        with pytest.raises(KeyboardInterrupt):
            rehearse(made.pk)
        made.refresh_from_db()
        assert (made.cases, made.finished_at) == (2, None)
        run = JobRun.objects.get(pk=made.run_id)
        assert claim_and_run(run.pk) is True
        made.refresh_from_db(), run.refresh_from_db()
        assert (made.cases, run.state, run.counts) == (5, "DONE", {"cases": 5})
        assert made.lines.filter(first=True).count() == 5
        # Cancelled while it waits: it never begins, and says so by having no figures.
        other = start_rehearsal(
            actor=at.boss, title="B", from_day=date(2026, 3, 1), to_day=date(2026, 3, 3), left=[], right=[]
        )
        cancel_job(other.run_id, actor=at.boss)
        assert claim_and_run(other.run_id) is False
        assert not RehearsalLine.objects.filter(rehearsal=other).exists()
        assert not RehearsalHour.objects.filter(rehearsal=other).exists()
