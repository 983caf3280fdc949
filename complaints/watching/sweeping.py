"""The clock's work on complaints: what reached a mark goes up the org tree, each once (D§10.7, 23).

A sweep looks into the index of due marks, so it costs what is due, not what is open. It takes a chunk of marks and the
cases they belong to, both with SKIP LOCKED, decides in memory to whom each goes, and writes a chunk in a few
statements.
Killed half-way it leaves nothing behind and the next one begins anew; a late one records its real time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from django.db import DatabaseError, connection, transaction

from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models import Complaint, EscalationTold
from complaints.services.pooling import back_to_pool, to_coordinator
from complaints.watching.ladder import GRADE_MARK, Rung, rung_of
from complaints.watching.rows import (
    CaseNow,
    Raised,
    Telling,
    write_bells,
    write_cases,
    write_escalations,
    write_history,
    write_tellings,
)
from complaints.watching.taking import GM, HANDLER, LEAD, Superiors
from complaints.watching.telling import mail_superiors, tell_customers
from foundation.audit.services import record
from foundation.calendars.clocks import mark_missed
from foundation.calendars.marks import DueMark, claim_marks
from foundation.calendars.models import Clock, ClockMark
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import next_window
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, User

log = structlog.get_logger(__name__)
CHUNK = 2_000
MOST = 20_000


class ClockNow(NamedTuple):
    """How the clock of a mark stands."""

    state: str
    due_at: datetime | None
    missed_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in ("RUNNING", "PAUSED")

    def is_over(self, now: datetime) -> bool:
        """Past its moment already."""
        return self.missed_at is not None or (self.due_at is not None and self.due_at < now)


def sweep(now: datetime, *, most: int = MOST) -> int:
    """Act on every mark that is due, at most `most`; returns how many. Any number of these may run at once."""
    mark_missed(now, owner_kind=OWNER_KIND)
    done, superiors = 0, Superiors(now)
    while done < most:
        taken = sweep_chunk(now, superiors=superiors)
        done += taken
        if taken < CHUNK:
            break
    return done


@transaction.atomic
def sweep_chunk(now: datetime, size: int = CHUNK, superiors: Superiors | None = None) -> int:
    """Take and act on one chunk of due marks; how many were acted on. Marks of cases somebody holds at this moment stay
    due. `superiors`: what the chunks before have asked."""
    marks = claim_marks(now, owner_kind=OWNER_KIND, limit=size)
    if not marks:
        return 0
    # Whoever acts on a case holds it before its clock and marks; waiting for one here would be a deadlock.
    cases = _hold({mark.owner_id for mark in marks})
    busy = [mark.id for mark in marks if mark.owner_id not in cases]
    if busy:
        ClockMark.objects.filter(pk__in=busy).update(passed_at=None)
    mine = [mark for mark in marks if mark.owner_id in cases]
    clocks = _clocks({mark.clock_id for mark in mine})
    superiors, people = superiors or Superiors(now), _people(cases.values())
    superiors.know_leads(people.values())
    units = OrgUnit.objects.in_bulk({case.work_unit_id for case in cases.values()})
    raised = []
    for mark in mine:
        case, standing = cases[mark.owner_id], clocks[mark.clock_id]
        rung = None if case.closed else rung_of(mark.kind, mark.unit, mark.amount, case.grade)
        if rung is None:
            continue
        one = Raised(
            case, mark.kind, mark.clock_id, mark.unit, mark.amount, mark.round, mark.due_at, standing.due_at, rung
        )
        quiet = _is_overtaken(rung, mark.amount, standing, now)
        one.told = _told(one, superiors, people, units[case.work_unit_id], now, quiet=quiet)
        raised.append(one)
    write(raised, now)
    tell_customers([one for one in raised if one.rung.customer and clocks[one.clock_id or 0].is_open], now)
    _act(mine, cases, clocks, now)
    return len(mine)


@transaction.atomic
def bring_up_grave(now: datetime, size: int = CHUNK) -> int:
    """Bring major and skip-level cases to the director as soon as they are that (D§10.7), and to the general manager
    where half of the limit is over by then; how many."""
    due = Complaint.objects.to_bring_up().order_by("pk").values_list("pk", flat=True)[:size]
    cases = _hold(set(due))
    cases = {key: case for key, case in cases.items() if rung_of(ClockKind.SERVICE, "P", GRADE_MARK, case.grade)}
    if not cases:
        return 0
    superiors, people = Superiors(now), _people(cases.values())
    units = OrgUnit.objects.in_bulk({case.work_unit_id for case in cases.values()})
    past_half = _past_half(cases)
    raised = []
    for case in cases.values():
        rung = rung_of(ClockKind.SERVICE, "P", GRADE_MARK, case.grade)
        assert rung is not None
        if case.id in past_half:
            rung = Rung((*rung.roles, GM), at_once=True)
        one = Raised(case, ClockKind.SERVICE, None, "P", GRADE_MARK, 1, now, case.service_due_at, rung)
        one.told = _told(one, superiors, people, units[case.work_unit_id], now)
        raised.append(one)
    write(raised, now)
    return len(raised)


def write(raised: Sequence[Raised], now: datetime) -> None:
    """All rows of these escalations, each once."""
    # Cases whose grade was raised twice are there already; what is to be brought up is then done with all the same.
    fresh = write_escalations(raised, now) if raised else []
    write_cases([*fresh, *(one for one in raised if one.mark == GRADE_MARK and one not in fresh)], now)
    if not fresh:
        return
    write_tellings(fresh, now)
    write_history(fresh, now)
    mail_superiors([one for one in fresh if one.rung.at_once])
    record(
        "complaint.sweep",
        target=("complaints.escalation", "sweep"),
        actor=None,
        detail={"count": len(fresh), "told": sum(len(one.told) for one in fresh)},
    )


@transaction.atomic
def ring_waiting(now: datetime, size: int = CHUNK) -> int:
    """Ring the bells that waited for somebody's working hours; those overtaken meanwhile do not ring. How many rang."""
    waiting = list(
        EscalationTold.objects.alert_due(now)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("escalation__complaint")
        .order_by("tell_at", "pk")[:size]
    )
    if not waiting:
        return 0
    clocks = _clocks({told.escalation.clock_id for told in waiting if told.escalation.clock_id})
    ringing, silent = [], []
    for told in waiting:
        row = told.escalation
        case = case_now(row.complaint)
        rung = rung_of(row.clock_kind, row.unit, row.mark, case.grade) or Rung((HANDLER,))
        standing = clocks.get(row.clock_id or 0)
        over = standing is not None and _is_overtaken(rung, row.mark, standing, now)
        if case.closed or over:
            silent.append(told.pk)
            continue
        limit_at = standing.due_at if standing is not None else case.service_due_at
        one = Raised(
            case, row.clock_kind, row.clock_id, row.unit, row.mark, row.target_version, row.due_at, limit_at, rung
        )
        one.id = row.pk
        ringing.append((told.pk, one, told.person_id))
    write_bells([(one, person) for _pk, one, person in ringing])
    EscalationTold.objects.filter(pk__in=[pk for pk, _one, _person in ringing]).update(told_at=now)
    EscalationTold.objects.filter(pk__in=silent).update(tell_at=None)
    return len(ringing)


_COLUMNS = (
    "id", "number", "state", "grade", "owner_id", "handler_id", "about_staff_id", "work_unit_id", "customer_id",
    "channel", "parent_id", "is_parent", "closed_at", "service_due_at", "statutory_due_at",
)  # fmt: skip


def case_now(case: Complaint) -> CaseNow:
    """What a sweep must know of a case."""
    values = [getattr(case, name) for name in _COLUMNS]
    values[_COLUMNS.index("closed_at")] = case.closed_at is not None
    return CaseNow(*values)


def _hold(ids: Iterable[int]) -> dict[int, CaseNow]:
    """The cases nobody else holds, under their lock, without records of the past."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT {", ".join("closed_at IS NOT NULL" if name == "closed_at" else name for name in _COLUMNS)}
                FROM complaints_complaint WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED""",
            [list(ids)],
        )
        return {row[0]: CaseNow(*row) for row in cursor.fetchall()}


def _clocks(ids: Iterable[int]) -> dict[int, ClockNow]:
    rows = Clock.objects.filter(pk__in=set(ids)).values_list("pk", "state", "due_at", "missed_at")
    return {key: ClockNow(state, due_at, missed_at) for key, state, due_at, missed_at in rows}


def _people(cases: Iterable[CaseNow]) -> dict[int, User]:
    wanted = {person for case in cases for person in (case.handler_id, case.owner_id) if person}
    return {user.pk: user for user in User.objects.filter(pk__in=wanted).select_related("unit")}


def _past_half(cases: Iterable[int]) -> set[int]:
    passed = ClockMark.objects.filter(
        clock__owner_kind=OWNER_KIND,
        clock__owner_id__in=list(cases),
        clock__kind=ClockKind.SERVICE,
        clock__state__in=("RUNNING", "PAUSED"),
        unit="P",
        amount=50,
        passed_at__isnull=False,
    )
    return set(passed.values_list("clock__owner_id", flat=True))


def _told(
    one: Raised,
    superiors: Superiors,
    people: dict[int, User],
    unit: OrgUnit,
    now: datetime,
    *,
    quiet: bool = False,
) -> list[Telling]:
    """Whom a mark goes to, each person once, in the highest of their roles. A member of a group goes to nobody: the
    group's parent carries the clock (D§26)."""
    case = one.case
    if case.parent_id is not None:
        return []
    found: dict[int, str] = {}
    worker = people.get(case.handler_id or case.owner_id)
    for role in one.rung.roles:
        person: User | None = None
        if role == HANDLER:
            person = superiors.stand_in(worker, case.id) if worker is not None else None
            if person is None or person.pk == case.about_staff_id:
                person = superiors.holder(LEAD, unit, case.about_staff_id)
        elif role == LEAD and worker is not None and case.handler_id is not None:
            person = superiors.lead_of(worker, case.about_staff_id)
        else:
            person = superiors.holder(role, unit, case.about_staff_id)
        if person is not None and person.pk != case.about_staff_id:
            found[person.pk] = role
            people.setdefault(person.pk, person)
    told = []
    for key, role in found.items():
        tell_at = None if quiet else now if one.rung.at_once else _hours(people[key].unit, superiors)
        told.append(Telling(key, role, tell_at))
    return told


def _is_overtaken(rung: Rung, mark: int, standing: ClockNow, now: datetime) -> bool:
    """Whether a bell has lost its meaning: the duty is done, or it reminds of a moment that has passed (D§1.10)."""
    return not standing.is_open or (rung.reminds and mark < 100 and standing.is_over(now))


def _hours(unit: OrgUnit, superiors: Superiors) -> datetime:
    """When work is done next in the unit."""
    return superiors.kept(("hours", unit.pk), lambda: _opens(unit, superiors.at))


def _opens(unit: OrgUnit, now: datetime) -> datetime:
    try:
        return next_window(now, calendar_for(unit.calendar_code)).opens
    except RuleBroken:  # a calendar that never opens again must not keep anybody in the dark
        return now


# What the clock does besides telling, by (kind of clock); each takes the id of a case this transaction holds.
ACTS: dict[str, Callable[[int, datetime], object]] = {
    ClockKind.ACCEPT: back_to_pool,
    ClockKind.ASSESS: to_coordinator,
}


def _act(marks: Sequence[DueMark], cases: dict[int, CaseNow], clocks: dict[int, ClockNow], now: datetime) -> None:
    for mark in marks:
        act = ACTS.get(mark.kind)
        standing = clocks[mark.clock_id]
        if act is None or mark.amount != 100 or not standing.is_open or cases[mark.owner_id].closed:
            continue
        try:
            with transaction.atomic():
                act(mark.owner_id, now)
        except DatabaseError:
            raise
        except Exception:  # one case that cannot go on must not hold up the promises behind it
            log.exception("complaint_clock_failed", case=mark.owner_id, clock=mark.kind)
