"""Messages a program has us send, in its own words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from customers import normal
from customers.models import ContactPoint, Customer
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import new_id
from foundation.rest.resources import Call, id_of
from outreach.lifecycle import Channel, MessageClass
from outreach.models import OutMessage
from outreach.services.messages import queue_message
from outreach.wordings import PROGRAM_NOTICE

WORK_RIGHT = "outreach.work"
LONGEST_WORDS = 2_000
FARTHEST = timedelta(days=60)
ADDRESSES = {Channel.SMS: ("phoneNumber", ContactPoint.Kind.MOBILE), Channel.EMAIL: ("email", ContactPoint.Kind.EMAIL)}


def send_words(data: dict[str, Any], call: Call) -> OutMessage:
    """Queue one message to one customer. The class stands in the characteristic `messageClass`; unsaid it is an offer,
    which needs the customer's consent: whether it leaves the gate decides, and tells in the answer.

    Raises NotAllowed "message.may_not_send", ValidationError, and what `queue_message` raises.
    """
    if not call.user.has_perm(WORK_RIGHT):
        raise NotAllowed("message.may_not_send", _("You do not send messages."))
    channel = data["messageType"].upper()  # ours are those of TMF in capitals
    if channel not in ADDRESSES:
        raise ValidationError({"messageType": [_("Messages leave as sms or email.")]})
    words = data["content"].strip()
    if not words:
        raise ValidationError({"content": [_("Write what is to be said.")]})
    at = data.get("scheduledSendTime")
    if at is not None and at > clock.now() + FARTHEST:
        raise ValidationError({"scheduledSendTime": [_("A message waits at most 60 days.")]})
    receiver = data["receiver"][0]
    customer = _customer(receiver, call)
    message = queue_message(
        customer=customer,
        message_class=_class(data.get("characteristic", [])),
        template=PROGRAM_NOTICE,
        params={"words": words},
        dedupe_key=f"program-{call.caller.client_id}-{new_id()}",
        channel=channel,
        to_contact_point=_point(receiver, customer, channel),
        not_before=max(at, clock.now()) if at is not None else None,
        actor=call.user,
    )
    assert message is not None  # its key is new
    return message


def _class(said: list[dict[str, Any]]) -> str:
    named = [one["value"] for one in said if one["name"].lower() == "messageclass"]
    kind = named[0].upper() if named else MessageClass.MARKETING.value
    if kind not in MessageClass.values:
        known = ", ".join(MessageClass.values)
        raise ValidationError({"characteristic": [_("messageClass is one of %(known)s.") % {"known": known}]})
    return kind


def _customer(receiver: dict[str, Any], call: Call) -> Customer:
    said = receiver.get("id") or (receiver.get("party") or {}).get("id") or ""
    key = id_of(said)
    customer = Customer.objects.in_scope_of(call.user).filter(pk=key).first() if key is not None else None
    if customer is None:
        raise ValidationError({"receiver": [_("There is no such customer within your scope.")]})
    return customer


def _point(receiver: dict[str, Any], customer: Customer, channel: str) -> ContactPoint | None:
    """The address named, which must be on file: nothing leaves to where the customer never was."""
    name, kind = ADDRESSES[Channel(channel)]
    said = receiver.get(name)
    if not said:
        return None
    try:
        value = normal.contact_value(kind, said)
    except RuleBroken as no:
        raise ValidationError({f"receiver[0].{name}": [no.message]}) from no
    point = customer.contact_points.filter(kind=kind, value=value, valid_to__isnull=True).first()
    if point is None:
        raise ValidationError({f"receiver[0].{name}": [_("This is not on file of the customer.")]})
    return point
