"""Complaints as work that can be given away all at once when a person leaves or is absent (D§3.3, 26)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import HandoverRole, SeatWhy
from complaints.models import Complaint, Measure, Order, Promise
from complaints.models.cases import ComplaintQuerySet
from complaints.services.ground import locked_case, seat, unseat
from complaints.services.handing import WORKED_ON, order_to
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


def register() -> None:
    """Make the kind known."""
    register_work("complaints", count_open, move_all, label=_("Complaints"), right="complaints.work")
