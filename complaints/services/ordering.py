"""A lead urges or orders (督办): to whom, what, the reply due."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, SeatWhy
from complaints.models import Complaint, Order
from complaints.services.ground import (
    ASSIGN_RIGHT,
    COORDINATE_RIGHT,
    case_for,
    check_open,
    locked_case,
    remember,
    ring,
    seat,
    unseat,
)
from complaints.services.saying import whole
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from staff.rights import acted_for


@transaction.atomic
def order_reply(case_id: int, *, actor: User, to: User, text: str, due_at: datetime) -> Order:
    """Order `to` to act and to reply by `due_at`. A lead of the case or the coordinator does.

    Raises as `case_for`; RuleBroken "complaint.ended", "complaint.order_what", "complaint.order_when",
    "complaint.about_them", "complaint.same_person", "complaint.too_long".
    """
    right = ASSIGN_RIGHT if actor.has_perm(ASSIGN_RIGHT) else COORDINATE_RIGHT
    case = case_for(case_id, actor, right)
    check_open(case)
    if not text.strip():
        raise RuleBroken("complaint.order_what", _("Say what is ordered."))
    if due_at <= clock.now():
        raise RuleBroken("complaint.order_when", _("The reply is due in the future: name a later moment."))
    if to.pk == case.about_staff_id:
        raise RuleBroken("complaint.about_them", _("The complaint is about this person: choose another one."))
    if to.pk == actor.pk or not to.is_active:
        raise RuleBroken("complaint.same_person", _("An order goes to a colleague."))
    order = Order.objects.create(complaint=case, by=actor, to=to, text=whole(text), due_at=due_at)
    seat(case, to, SeatWhy.ORDER)
    remember(case, Deed.REPLY_ORDERED, actor=actor, detail={"to": to.pk, "due_at": due_at.isoformat()})
    ring(case, to, "order", order.ref, until_at=due_at.isoformat())
    return order


@transaction.atomic
def reply_to_order(order_id: int, *, actor: User, text: str) -> Order:
    """Reply to it; who ordered is told. Raises NotAllowed "complaint.order_not_yours"; RuleBroken
    "complaint.order_replied", "complaint.order_withdrawn", "complaint.order_no_reply", "complaint.too_long"."""
    case = locked_case(int(Order.objects.values_list("complaint_id", flat=True).get(pk=order_id)))
    order = Order.objects.select_related("to", "by").get(pk=order_id)
    if actor.pk != order.to_id and order.to_id not in acted_for(actor):
        raise NotAllowed("complaint.order_not_yours", _("This order is for somebody else."))
    if order.withdrawn_at is not None:
        raise RuleBroken("complaint.order_withdrawn", _("This order was taken back: no reply is owed."))
    if order.replied_at is not None:
        raise RuleBroken("complaint.order_replied", _("This order was replied to already."))
    if not text.strip():
        raise RuleBroken("complaint.order_no_reply", _("Write the reply."))
    order.reply, order.replied_at = whole(text), clock.now()
    order.save(update_fields=["reply", "replied_at"])
    _leave(case, order)
    remember(case, Deed.ORDER_ANSWERED, actor=actor, detail={"to": order.by_id})
    ring(case, order.by, "order_replied", order.ref)
    return order


@transaction.atomic
def withdraw_order(order_id: int, *, actor: User) -> Order:
    """Take an order back that has no reply yet: none is owed any more, who owed it is told. Who ordered does it.

    Raises NotAllowed "complaint.order_not_yours"; RuleBroken "complaint.order_replied", "complaint.order_withdrawn".
    """
    case = locked_case(int(Order.objects.values_list("complaint_id", flat=True).get(pk=order_id)))
    order = Order.objects.select_related("to", "by").get(pk=order_id)
    if actor.pk != order.by_id:
        raise NotAllowed("complaint.order_not_yours", _("Somebody else gave this order."))
    if order.replied_at is not None:
        raise RuleBroken("complaint.order_replied", _("This order was replied to already."))
    if order.withdrawn_at is not None:
        raise RuleBroken("complaint.order_withdrawn", _("This order was taken back: no reply is owed."))
    order.withdrawn_at = clock.now()
    order.save(update_fields=["withdrawn_at"])
    _leave(case, order)
    remember(case, Deed.ORDER_WITHDRAWN, actor=actor, detail={"to": order.to_id})
    ring(case, order.to, "order_withdrawn", order.ref)
    return order


def _leave(case: Complaint, order: Order) -> None:
    """The seat goes with the last order to somebody."""
    if not Order.objects.open().filter(complaint=case, to=order.to).exists():
        unseat(case, SeatWhy.ORDER, order.to)
