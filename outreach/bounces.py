"""A message that came back for good tells the archive that nobody is reached there any more (D§5.4)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from customers.models import ContactPoint, Customer
from customers.services import note_bounce
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.lifecycle import MESSAGE_MOVES, MESSAGE_OPEN, MessageState
from outreach.models import MessageMove, MessageText, OutMessage
from outreach.models.messages import message_floor
from outreach.services.rescuing import note_arrived, note_outcomes


@transaction.atomic
def report_undelivered(message_id: int, *, detail: str = "", for_good: bool = True) -> OutMessage:
    """The carrier says that a message did not arrive; `for_good`: nor will another one there.

    Raises OutMessage.DoesNotExist; RuleBroken("message.cannot_move") unless it was sent or its outcome unknown.
    """
    message = OutMessage.objects.select_for_update(no_key=True).get(pk=message_id, pk__gte=message_floor())
    under_way = message.state in MESSAGE_OPEN and message.in_flight_at is None  # none left that anybody could tell of
    if under_way or MessageState.UNDELIVERED not in MESSAGE_MOVES[message.state]:
        raise RuleBroken("message.cannot_move", _("Only a message that left can come back."))
    MessageMove.objects.create(
        message_id=message.pk, old=message.state, new=MessageState.UNDELIVERED, detail=detail[:200]
    )
    message.state, message.sent_at = MessageState.UNDELIVERED, message.sent_at or message.in_flight_at
    message.in_flight_at = None
    message.save(update_fields=["state", "sent_at", "in_flight_at"])
    record("message.undelivered", target=message, actor=None, customer_id=message.customer_id)
    if message.customer_id:
        params = {"class": message.message_class, "channel": message.channel, "template": message.template}
        add_line(message.customer_id, "message.undelivered", ref_id=message.pk, params=params)
    if for_good:
        note_bounced([message])
    note_outcomes([message], clock.now())
    return message


@transaction.atomic
def report_delivered(message_id: int) -> OutMessage:
    """The carrier says that a message arrived. Raises as `report_undelivered`."""
    message = OutMessage.objects.select_for_update(no_key=True).get(pk=message_id, pk__gte=message_floor())
    if not report_all_delivered([message_id]):
        raise RuleBroken("message.cannot_move", _("Only a message that left can arrive."))
    message.state = MessageState.DELIVERED
    return message


@transaction.atomic
def report_all_delivered(message_ids: Collection[int]) -> int:
    """The set form of `report_delivered`: those that left arrived, the others stay as they are; how many arrived."""
    may = [state for state, moves in MESSAGE_MOVES.items() if MessageState.DELIVERED in moves]
    rows = OutMessage.objects.filter(pk__in=message_ids, pk__gte=message_floor(), state__in=may)
    rows = rows.exclude(state__in=MESSAGE_OPEN, in_flight_at__isnull=True)
    told = rows.only("state", "customer_id", "message_class", "channel", "template")
    held = {row.pk: row for row in told.select_for_update(no_key=True).order_by("pk")}
    MessageMove.objects.bulk_create(
        MessageMove(message_id=pk, old=row.state, new=MessageState.DELIVERED) for pk, row in held.items()
    )
    for row in held.values():
        if row.customer_id and row.state in MESSAGE_OPEN:  # that it left was never told
            params = {"class": row.message_class, "channel": row.channel, "template": row.template, "reason": ""}
            add_line(row.customer_id, "message.sent", ref_id=row.pk, params=params)
    rows.filter(pk__in=held).update(
        state=MessageState.DELIVERED, sent_at=Coalesce("sent_at", "in_flight_at"), in_flight_at=None
    )
    note_arrived(held, clock.now())
    return len(held)


def note_bounced(messages: Iterable[OutMessage]) -> None:
    """Mark where these messages to customers went to: there is nobody."""
    mine = [message for message in messages if message.customer_id]
    if not mine:
        return
    went = dict(MessageText.objects.filter(pk__in=[m.pk for m in mine]).values_list("message_id", "address"))
    for message in sorted(mine, key=lambda message: message.customer_id or 0):
        there = ContactPoint.objects.filter(
            customer_id=message.customer_id or 0, value=went.get(message.pk, ""), valid_to__isnull=True
        ).exclude(customer__status=Customer.Status.ANONYMISED)
        for point_id in there.values_list("pk", flat=True):
            note_bounce(point_id)
