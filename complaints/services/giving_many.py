"""Giving many cases that are being worked on to other people by order: the same rules and the same rows as
`handing.order_case`, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Max
from django.utils.translation import gettext as _

from complaints.lifecycle import OWNER_KIND, Act, Deed, HandoverRole, HandoverState, SeatWhy, move_for
from complaints.models import Complaint, Handover, Seat
from complaints.services.clocks import CaseClocks
from complaints.services.ground import (
    ASSIGN_RIGHT,
    COORDINATE_RIGHT,
    behalf,
    bell_of,
    check_open,
    check_right,
    check_sees,
    check_worker,
)
from complaints.services.handing import WORKED_ON
from complaints.services.holding import most_passes, whom
from complaints.services.memory import memory_of, remember_many
from complaints.services.telling_many import Telling, tell_customers
from foundation.calendars.clock_queries import clocks_of
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.services import notify_many
from staff.models import User
from staff.rights import sight_of


@dataclass(frozen=True)
class Gift:
    """One case and who gets it."""

    case: Complaint
    to: User
    reason: str


def fits(case: Complaint, to: User | None) -> bool:
    """Whether giving the case is an order of the kind made here: somebody works on it, so no step of the table."""
    return to is not None and case.state in WORKED_ON and move_for(case.state, Act.ASSIGN) is None


def locked_cases(case_ids: Sequence[int]) -> dict[int, Complaint]:
    """The cases under their locks, taken in one order, with what acts need: two statements."""
    rows = Complaint.objects.select_for_update(no_key=True).filter(pk__in=case_ids).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    related = ("owner__unit", "handler__unit", "work_unit", "customer__facts", "topic")
    return Complaint.objects.select_related(*related).in_bulk(ids)


def readings_of(cases: Sequence[Complaint], actor: User) -> dict[int, dict[str, dict[str, int]]]:
    """How the clocks of each case stand (`ground.remember`): one statement for all."""
    clocks: dict[int, dict[str, Clock]] = {case.pk: {} for case in cases}
    for one in clocks_of(OWNER_KIND, list(clocks), open_only=True):
        clocks[one.owner_id][one.kind] = one
    found = {}
    for case in cases:
        held = CaseClocks(case, at=clock.now(), actor=actor, new=True)
        held.open = clocks[case.pk]
        found[case.pk] = held.readings()
    return found


def give_many(gifts: Sequence[Gift], *, actor: User, absent: set[int]) -> dict[int, RuleBroken]:
    """Give locked cases (those that `fits`) to their new handlers, in the caller's transaction: why some were refused,
    by case; the others have a hand-over, history, audit entry, timeline line, bells and message each, as if ordered one
    by one. Nobody of `absent` gets one."""
    now, refused = clock.now(), dict[int, RuleBroken]()
    good: list[Gift] = []
    for gift in gifts:
        try:
            _check(gift, actor, absent)
        except RuleBroken as no:
            refused[gift.case.pk] = no
        else:
            good.append(gift)
    if good:
        _give(good, actor, now)
    return refused


def _check(gift: Gift, actor: User, absent: set[int]) -> None:
    """As `handing.order_case` looks, and that the new handler is there."""
    case, to = gift.case, gift.to
    check_sees(case, actor)
    check_right(case, actor, ASSIGN_RIGHT)
    check_open(case)
    if to.pk != actor.pk and not sight_of(actor, ASSIGN_RIGHT).covers(unit_no=to.unit.no, owner_id=to.pk):
        raise NotAllowed(
            "complaint.out_of_reach", _("This person does not work in your area: choose somebody who does.")
        )
    check_worker(case, to)
    if to.pk in absent:
        raise RuleBroken("complaint.absent", _("%(name)s is absent: choose another colleague.") % {"name": to.name})
    if to.pk == case.handler_id:
        raise RuleBroken("complaint.same_person", _("This person has it already."))
    if to.unit.no != case.work_unit_no and case.passes >= most_passes() and not actor.has_perm(COORDINATE_RIGHT):
        words = _("It went between units too often: the coordinator decides which unit is responsible.")
        raise RuleBroken("complaint.passes_used", words)


def _give(gifts: list[Gift], actor: User, now: datetime) -> None:
    ids = [gift.case.pk for gift in gifts]
    offers = Handover.objects.open().filter(complaint__in=ids, role=HandoverRole.HANDLER)
    offered = list(offers.values_list("complaint", flat=True))
    if offered:
        offers.update(state=HandoverState.WITHDRAWN, decided_at=now)
        Seat.objects.filter(complaint__in=offered, why=SeatWhy.OFFER).delete()
    rows = Handover.objects.filter(complaint__in=ids, role=HandoverRole.HANDLER).order_by()
    last = dict(rows.values_list("complaint").annotate(last=Max("number")))
    readings = readings_of([gift.case for gift in gifts], actor)
    orders, memories, notices = [], [], []
    for gift in gifts:
        case, to, old = gift.case, gift.to, gift.case.handler
        if to.unit.no != case.work_unit_no:
            case.passes += 1
        case.handler, case.work_unit, case.work_unit_no = to, to.unit, to.unit.no
        case.version += 1
        order = Handover(
            complaint=case,
            role=HandoverRole.HANDLER,
            number=last.get(case.pk, 0) + 1,
            by=actor,
            old=old,
            to=to,
            taken_by=to,
            state=HandoverState.ACCEPTED,
            ordered=True,
            reason=gift.reason.strip()[:400],
            made_at=now,
            until=now,
            decided_at=now,
        )
        orders.append(order)
        memories.append(
            memory_of(
                case,
                Deed.ORDERED,
                actor=actor,
                stands_for=behalf(case, actor),
                readings=readings[case.pk],
                reason=gift.reason,
                detail=whom(order),
            )
        )
        if to.pk != actor.pk:
            notices.append(bell_of(case, to, "ordered_to", order.ref))
        if old is not None and old.pk not in (actor.pk, to.pk):
            notices.append(bell_of(case, old, "taken_away", order.ref))
    Handover.objects.bulk_create(orders, batch_size=1_000)
    _save([gift.case for gift in gifts])
    remember_many(memories)
    notify_many([one for one in notices if one is not None])
    tell_customers(
        [Telling(gift.case, "complaint_new_handler", order.ref) for gift, order in zip(gifts, orders, strict=True)],
        actor=actor,
    )


def _save(cases: list[Complaint]) -> None:
    """Who works on each now: one UPDATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE complaints_complaint c SET handler_id = r.handler, work_unit_id = r.unit, work_unit_no = r.no,"
            " passes = r.passes, version = r.version"
            " FROM unnest(%s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::smallint[], %s::integer[])"
            " AS r(id, handler, unit, no, passes, version) WHERE c.id = r.id",
            [
                [case.pk for case in cases],
                [case.handler_id for case in cases],
                [case.work_unit_id for case in cases],
                [case.work_unit_no for case in cases],
                [case.passes for case in cases],
                [case.version for case in cases],
            ],
        )
