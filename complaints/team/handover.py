"""Complaints as work that can be given away all at once when a person leaves or is absent (D§3.3, 26)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Deed, HandoverRole, PartState, SeatWhy
from complaints.models import Complaint, Measure, Order, Part, Promise
from complaints.models.cases import PART_RIGHT, VIEW_RIGHT, ComplaintQuerySet
from complaints.services.deciding import asked_of, give_decisions
from complaints.services.ground import locked_case, remember, ring, seat, unseat
from complaints.services.handing import WORKED_ON, order_to
from complaints.watching.taking import who_do_parts
from foundation.common import clock
from outreach.services import notify
from staff.handover import register_work
from staff.models import User


def _owed_by(person: User) -> list[tuple[QuerySet[Any], SeatWhy]]:
    """What else somebody owes in cases: promises, measures of solutions in force, replies to orders."""
    measures = Measure.objects.filter(owner=person, done_at=None, solution__dropped_at=None)
    return [
        (Promise.objects.open().filter(owner=person), SeatWhy.MEASURE),
        (measures.filter(solution__complaint__closed_at=None), SeatWhy.MEASURE),
        (Order.objects.open().filter(to=person, complaint__closed_at=None), SeatWhy.ORDER),
    ]


def count_open(user: User) -> int:
    """How many open cases the user answers for or works on, and what they owe in others."""
    owed = [rows.order_by().values_list("pk") for rows, _why in _owed_by(user)]
    return _open_of(user).values_list("pk").union(*owed, all=True).count()


def _open_of(person: User) -> ComplaintQuerySet:
    """Nothing is owed for a record of the past: only who works on one has it."""
    return Complaint.objects.open().filter(Q(owner=person, source="") | Q(handler=person))


def move_all(person: User, to: User, actor: User) -> int:
    """Give every open case of `person` to `to` by order, the part each had in it, in the caller's transaction; how
    many. Customers are told of a new owner; the bell rings once for all. Raises what `order_to` raises."""
    rows = _open_of(person).order_by("pk")
    moved = []
    for key in rows.values_list("pk", flat=True):
        case = locked_case(key)
        if case.handler_id == person.pk and to.pk != case.handler_id:
            if case.state in WORKED_ON:
                order_to(case, actor=actor, role=HandoverRole.HANDLER, to=to, quiet=True, anywhere=True)
            else:
                case.handler = to
                case.save(update_fields=["handler"])
        if case.owner_id == person.pk:
            order_to(case, actor=actor, role=HandoverRole.OWNER, to=to, quiet=True, anywhere=True)
        moved.append(case)
    owed = _move_owed(person, to)
    if moved and to.pk != actor.pk:
        notify(
            to,
            "complaint.ordered_to",
            subject_ref=moved[0],
            params={"number": moved[0].number},
            dedupe_key=f"many-{moved[0].ref}-{len(moved)}-{person.pk}",
        )
    return len(moved) + owed


def _move_owed(person: User, to: User) -> int:
    """Give to `to` what `person` owes in cases of whomever, with the seat that lets it be seen; of what is about `to`
    their lead hears when it falls due. How much."""
    moved = 0
    for rows, why in _owed_by(person):
        for row in rows.select_related("solution__complaint" if rows.model is Measure else "complaint"):
            case = row.solution.complaint if isinstance(row, Measure) else row.complaint
            if case.about_staff_id == to.pk:
                continue
            name = "to" if isinstance(row, Order) else "owner"
            setattr(row, name, to)
            row.save(update_fields=[name])
            seat(case, to, why)
            unseat(case, why, person)
            moved += 1
    return moved


def parts_of(person: User) -> QuerySet[Part]:
    """The open parts of cases the person works on."""
    return Part.objects.open().filter(handler=person, complaint__closed_at=None)


def count_parts(user: User) -> int:
    """How many open parts of cases the user works on."""
    return parts_of(user).count()


def move_parts(person: User, to: User, actor: User) -> int:
    """Give every open part of `person` to `to`, in the caller's transaction; how many. Their time runs on. Of a
    complaint about `to` it waits for the unit again."""
    moved = 0
    for key, case_id in parts_of(person).order_by("complaint", "pk").values_list("pk", "complaint_id"):
        case = locked_case(case_id)
        part = Part.objects.select_related("unit").get(pk=key)
        barred = case.about_staff_id == to.pk
        part.handler = None if barred else to
        if barred:
            part.state, part.accepted_at = PartState.OPEN, None
        part.save(update_fields=["handler", "state", "accepted_at"])
        takers = who_do_parts(part.unit, clock.now(), but=(to.pk, person.pk)) if barred else [to]
        for taker in takers:
            if taker.pk != actor.pk:
                until = part.due_at.isoformat() if part.due_at else ""
                ring(case, taker, "part_given", f"{part.ref}-{person.pk}", part=str(part.pk), until_at=until)
        remember(case, Deed.PART_PASSED, actor=actor, detail={"unit": part.unit_id, "old": person.pk, "to": to.pk})
        moved += 1
    return moved


def count_decisions(user: User) -> int:
    """How much waits for the user's yes or no in complaints."""
    first, *others = [rows.order_by().values("pk") for rows in asked_of(user)]
    return int(first.union(*others, all=True).count())


def move_decisions(person: User, to: User, _actor: User) -> int:
    """Let `to` decide what waited for `person`; what is above the authority of `to` goes to the next one above."""
    return give_decisions(person, to, clock.now())


def register() -> None:
    """Make the kinds known."""
    register_work("complaints", count_open, move_all, label=_("Complaints"), right="complaints.work")
    register_work("complaint_parts", count_parts, move_parts, label=_("Parts of complaints"), right=PART_RIGHT)
    register_work(
        "complaint_decisions", count_decisions, move_decisions, label=_("Approvals of complaints"), right=VIEW_RIGHT
    )
