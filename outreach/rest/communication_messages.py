"""TMF681: a message to a customer as a communication message. It leaves through the same gate as every other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from foundation.common import clock
from foundation.rest.filters import Filter, Indexed, Of, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource, id_of
from foundation.rest.shapes import REFERENCE, code, listing, moment, text, thing
from foundation.rest.spelling import camel, iso
from outreach.gate import Decision, decide
from outreach.lifecycle import Channel, MessageState
from outreach.models import MessageText, OutMessage
from outreach.recipients import cases_of
from outreach.rest.writes import LONGEST_WORDS, send_words
from staff.masking import masked, masked_name

STATES: dict[str, tuple[Any, ...]] = {
    "initial": (MessageState.QUEUED,),
    "inProgress": (MessageState.SENDING,),
    "completed": (MessageState.SENT, MessageState.DELIVERED),
    "cancelled": (MessageState.SUPPRESSED,),
    "failed": (MessageState.FAILED, MessageState.UNDELIVERED, MessageState.UNKNOWN),
}
STATE: dict[str, str] = {str(state): word for word, states in STATES.items() for state in states}
TYPES: dict[str, tuple[Any, ...]] = {camel(channel): (channel,) for channel in Channel.values}
_RECEIVER = thing(
    {
        "id": text(40),
        "name": text(200),
        "phoneNumber": text(40),
        "email": text(254),
        "party": REFERENCE,
        "@type": text(60),
    }
)
_SENDER = thing({"id": text(80), "name": text(200), "phoneNumber": text(40), "email": text(254), "@type": text(60)})
_CHARACTERISTIC = thing({"name": text(60), "value": text(200), "@type": text(60)}, "name", "value")


@dataclass
class Beside:
    """What a page of messages needs beside its rows: words as they left, and what the gate says of those that wait."""

    call: Call
    texts: dict[int, MessageText] = field(default_factory=dict)
    gate: dict[int, Decision] = field(default_factory=dict)


def _content(row: OutMessage, beside: Beside) -> str | None:
    """The words, to whom may read names and numbers."""
    if not beside.call.sees_personal:
        return None
    left = beside.texts.get(row.pk)
    return left.body if left is not None else row.params.get("words")


def _subject(row: OutMessage, beside: Beside) -> str | None:
    left = beside.texts.get(row.pk)
    return (left.subject or None) if left is not None and beside.call.sees_personal else None


def _receiver(row: OutMessage, beside: Beside) -> list[dict[str, Any]]:
    assert row.customer is not None  # `rows` holds no others
    clear, left = beside.call.sees_personal, beside.texts.get(row.pk)
    named = masked_name(row.customer.name, row.customer.customer_type, clear=clear)
    found = {"id": row.customer.ref, "name": named, "@type": "Receiver"}
    if left is not None and row.channel == Channel.SMS:
        found["phoneNumber"] = masked("phone", left.address, clear=clear)
    if left is not None and row.channel == Channel.EMAIL:
        found["email"] = masked("email", left.address, clear=clear)
    return [found]


def _characteristics(row: OutMessage, beside: Beside) -> list[dict[str, Any]]:
    """The class, what the gate says or said, and why a message did not leave or arrive."""
    told = {"messageClass": row.message_class}
    now = beside.gate.get(row.pk)
    if now is not None:
        told |= {"gate": now.verdict.value.lower(), "gateReason": now.reason}
    elif row.state == MessageState.SUPPRESSED:
        told |= {"gate": "suppressed", "gateReason": row.reason}
    elif row.reason:
        told["reason"] = row.reason
    return [{"name": name, "value": value, "@type": "Characteristic"} for name, value in told.items() if value]


class CommunicationMessage(Resource):
    base = "communicationManagement"
    api = name = "communicationMessage"
    kind = "CommunicationMessage"
    about = "A message to a customer by text message or e-mail, from its queue to its arrival (TMF681)."
    reads = "outreach.view"
    verbs = ("GET", "POST")
    attributes: ClassVar = {
        "content": Attribute(_content, text(LONGEST_WORDS), mandatory=True, create_only=True),
        "subject": Attribute(_subject, text(200), server=True),
        "description": Attribute(lambda row, _b: row.template, text(60), server=True),
        "messageType": Attribute(lambda row, _b: camel(row.channel), code(*TYPES), mandatory=True, create_only=True),
        "state": Attribute(lambda row, _b: STATE[row.state], code(*STATES), server=True),
        "scheduledSendTime": Attribute(lambda row, _b: iso(row.not_before), moment(), create_only=True),
        "sendTime": Attribute(lambda row, _b: iso(row.sent_at), moment(), server=True),
        "tryTimes": Attribute(lambda row, _b: row.tries, {"type": "integer"}, server=True),
        "receiver": Attribute(_receiver, listing(_RECEIVER, 1), mandatory=True, create_only=True),
        "sender": Attribute(lambda _row, _b: {"id": "careline", "@type": "Sender"}, _SENDER, create_only=True),
        "characteristic": Attribute(_characteristics, listing(_CHARACTERISTIC, 20), create_only=True),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "state": WithinCustomer("state", Of.CODE, codes=STATES),
        "messageType": WithinCustomer("channel", Of.CODE, codes=TYPES),
        "sendTime": WithinCustomer("sent_at", Of.MOMENT),
        "receiver.id": Indexed(lambda wanted: _of_customers(wanted), pins_customer=True),
    }

    def rows(self, user: Any) -> QuerySet[Any]:
        seen = OutMessage.objects.visible_to(user).filter(customer__isnull=False)
        return seen.select_related("customer")

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        beside = Beside(call)
        if wanted & {"content", "subject", "receiver"}:
            beside.texts = MessageText.objects.in_bulk([row.pk for row in rows])
        waiting = [row for row in rows if row.state == MessageState.QUEUED]
        if "characteristic" in wanted and waiting:
            beside.gate = {case.message.pk: decide(case.given) for case in cases_of(waiting, clock.now())}
        return beside

    def customer_of(self, row: Any) -> int | None:
        return row.customer_id

    def create(self, data: dict[str, Any], call: Call) -> Any:
        return send_words(data, call)


def _of_customers(wanted: list[Any]) -> Q:
    return Q(customer__in=[key for one in wanted if (key := id_of(one)) is not None])
