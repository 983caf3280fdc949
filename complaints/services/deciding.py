"""What waits for somebody's yes in a case: who decides, by when, and who does when they do not (D§3.2, 10.7, 23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from complaints.lifecycle import Deed, SeatWhy
from complaints.models import AppealCase, Approval, Complaint, Seat
from complaints.models.deciding import Waiting
from complaints.services.ground import APPROVE_RIGHT, remember, ring, seat, unseat
from complaints.watching.ladder import GRAVE
from complaints.watching.taking import DEPT_HEAD, DIRECTOR, GM, Superiors
from complaints.watching.waiting import waiting_rows
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.policies.reading import policy
from staff.absence import team_lead_of
from staff.models import User
from staff.policies import settlement_limit
from staff.rights import roles_of

# Whose approval an answer to the authority needs (D§11.2).
APPROVERS = frozenset({"DEPT_HEAD", "DIRECTOR", "GM"})


def decide_by(case: Complaint, person: User, now: datetime) -> datetime:
    """By when `person` decides: working minutes of their unit, of a grave case minutes of day and night."""
    if case.grade in GRAVE:
        moment: datetime = now + policy("complaints.approval.decide_major", unit=person.unit)
        return moment
    minutes = policy("complaints.approval.decide_minutes", unit=person.unit)
    return add_working(now, minutes, calendar_for(person.unit.calendar_code))


def ask_of(row: Waiting, case: Complaint, person: User | None, asker: User, now: datetime) -> None:
    """Let a new request wait for `person`; with nobody, whoever may decide within the asker's own time. The caller
    saves or creates the row."""
    row.asked_of, row.undecided_at, row.at_top = person, None, False
    row.decide_by = decide_by(case, person or asker, now)


def nearest(start: User, now: datetime, may: Callable[[User], bool], but: set[int]) -> User | None:
    """The nearest present lead or head above `start`, not one of `but`, for whom `may` holds."""
    passed = {start.pk, *but}
    while (person := team_lead_of(start, now, but=passed)) is not None:
        if may(person):
            return person
        passed.add(person.pk)
    return None


def may_decide(row: Any, person: User) -> bool:
    """Whether the person has the authority for this decision, wherever the case lies."""
    if not person.is_active or not person.has_perm(APPROVE_RIGHT) or person.pk in _own(row):
        return False
    if isinstance(row, Approval):
        limit = settlement_limit(person)
        return limit is None or limit >= row.matter_amount
    return not isinstance(row, AppealCase) or bool(APPROVERS & set(roles_of(person)))


@transaction.atomic
def pass_up(model: type[Any], key: int, now: datetime) -> bool:
    """Nobody decided in time: the next one above with the authority decides, whoever was asked and who asked hear of
    it. With nobody left the director and the general manager know, and it stays theirs to see to. Once per moment;
    False when it was decided meanwhile or another worker was first."""
    case_id = _case_id(model, key)
    # The lock of the case first, as everywhere; a taken one is left to the next tick.
    held = Complaint.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=case_id, closed_at=None)
    if not held.exists():
        return False
    row = undecided(model, now).filter(pk=key).select_related("asked_of__unit").first()
    if row is None:
        return False
    case = Complaint.objects.select_related("owner__unit", "handler__unit", "work_unit").get(pk=case_id)
    asker = User.objects.select_related("unit").get(pk=_asker_id(row))
    before = row.asked_of
    person = next_above(row, case, before or asker, now)
    row.undecided_at = row.undecided_at or now
    late_since = row.decide_by or now
    told = {one.pk: one for one in (before, asker) if one is not None and one.is_active}
    if person is not None:
        row.asked_of, row.decide_by = person, decide_by(case, person, now)
        seat(case, person, SeatWhy.APPROVAL)
        ring(case, person, "to_approve", f"{row.ref}-{person.pk}", until_at=row.decide_by.isoformat())
        told.pop(person.pk, None)
        for one in told.values():
            ring(case, one, "approval_passed", f"{row.ref}-{person.pk}", name=person.name)
    else:
        row.at_top = True
        superiors = Superiors(now)
        top = [superiors.holder(role, case.work_unit, case.about_staff_id) for role in (DIRECTOR, GM)]
        for one in (told | {found.pk: found for found in top if found is not None}).values():
            if one.pk not in (case.owner_id, case.handler_id):
                seat(case, one, SeatWhy.RAISED)
            ring(case, one, "approval_late", row.ref, until_at=late_since.isoformat())
    row.save(update_fields=["asked_of", "decide_by", "undecided_at", "at_top"])
    remember(case, Deed.ESCALATED, actor=None, detail={"to": person.pk if person is not None else None})
    return True


def undecided(model: type[Any], now: datetime) -> QuerySet[Any]:
    """The decisions of one kind that are late; those asked before they had a moment are."""
    rows = next(one for one in waiting_rows() if one.model is model)
    open_cases = {"solution__complaint__closed_at": None} if model is Approval else {"complaint__closed_at": None}
    return rows.filter(Q(decide_by__lte=now) | Q(decide_by=None), at_top=False, **open_cases)


def next_above(row: Any, case: Complaint, start: User, now: datetime) -> User | None:
    """Who decides when `start` does not: the nearest above with the authority who was not asked yet."""
    asked = set(Seat.objects.filter(complaint=case, why=SeatWhy.APPROVAL).values_list("user", flat=True))
    but = {*asked, *_own(row), start.pk, *([case.about_staff_id] if case.about_staff_id else [])}
    found = nearest(start, now, lambda one: may_decide(row, one), but)
    if found is not None:
        return found
    superiors = Superiors(now)
    holders = [superiors.holder(role, case.work_unit, case.about_staff_id) for role in (DEPT_HEAD, DIRECTOR, GM)]
    return next((one for one in holders if one is not None and one.pk not in but and may_decide(row, one)), None)


def asked_of(person: User) -> list[QuerySet[Any]]:
    """What waits for this person's decision."""
    return [rows.filter(asked_of=person) for rows in waiting_rows()]


def give_decisions(person: User, to: User, now: datetime) -> int:
    """Let `to` decide on what waited for `person`, where they have the authority, else the next one above; how many."""
    moved = 0
    for rows in asked_of(person):
        for row in rows:
            case = Complaint.objects.select_related("owner__unit", "work_unit").get(pk=_case_id(type(row), row.pk))
            unseat(case, SeatWhy.APPROVAL, person)
            barred = case.about_staff_id == to.pk or not may_decide(row, to)
            taker = next_above(row, case, person, now) if barred else to
            row.asked_of = taker
            row.decide_by = decide_by(case, taker or person, now)
            row.save(update_fields=["asked_of", "decide_by"])
            if taker is not None:
                seat(case, taker, SeatWhy.APPROVAL)
                ring(case, taker, "to_approve", f"{row.ref}-{taker.pk}", until_at=row.decide_by.isoformat())
            moved += 1
    return moved


def _own(row: Any) -> set[int]:
    """Who asked for it or wrote it: nobody decides on their own (D§3.2)."""
    if isinstance(row, Approval):
        return {row.asked_by_id, row.solution.by_id}
    return {_asker_id(row)}


def _asker_id(row: Any) -> int:
    key: int | None = row.response_by_id if isinstance(row, AppealCase) else row.asked_by_id
    assert key is not None  # of `waiting_rows` none is without
    return key


def _case_id(model: type[Any], key: int) -> int:
    name = "solution__complaint_id" if model is Approval else "complaint_id"
    return int(model.objects.values_list(name, flat=True).get(pk=key))
