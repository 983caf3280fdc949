"""What the gate must know of a claimed batch: recipients, addresses, blocks, rules. A fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from customers.ages import is_minor
from customers.models import Consent, ConsentChannel, ContactBlock, ContactPoint, ContactTime, Customer, Purpose
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach import policies
from outreach.gate import MINDS_WISHES, Block, GateInput, Unwanted
from outreach.lifecycle import Channel, MessageClass
from outreach.models import OutMessage
from outreach.outsiders import Outsider, outsiders_of
from outreach.wording import template_called
from staff.models import User

CONTACT_KIND = {Channel.SMS: ContactPoint.Kind.MOBILE, Channel.EMAIL: ContactPoint.Kind.EMAIL}
# What must be agreed to for a message (D§5.6, D§5.7). A file for another carrier is on no channel a customer was asked
# about: nothing that needs consent leaves there.
PURPOSE = {
    MessageClass.MARKETING: Purpose.MARKETING,
    MessageClass.SURVEY: Purpose.SURVEY,
    MessageClass.CARE: Purpose.CARE_GREETING,
}
CONSENT_CHANNEL = {Channel.SMS: ConsentChannel.SMS, Channel.EMAIL: ConsentChannel.EMAIL}
Agreed = dict[tuple[int, str, str], Consent]


@dataclass(frozen=True)
class Case:
    """One claimed message with what the gate is asked, to whom and where it would go, and the consent it goes on."""

    message: OutMessage
    given: GateInput
    recipient: Customer | User | Outsider | None
    address: str
    consent_id: int | None = None


def cases_of(claimed: list[OutMessage], now: datetime) -> list[Case]:
    """The cases of a batch, in its order; `staff` must be selected with the messages."""
    wanted = {message.customer_id for message in claimed if message.customer_id}
    customers = Customer.objects.in_bulk(wanted)
    blocks, rules, day = _blocks(wanted, now), policies.gate_rules(now), clock.today(now)
    points = _contact_points(wanted, day)
    agreed, unwanted = _agreed(claimed), _unwanted(claimed)
    outside = outsiders_of(message.outsider for message in claimed if message.outsider)
    found = []
    for message in claimed:
        customer = customers.get(message.customer_id or 0)
        outsider = outside.get(message.outsider or "")
        recipient: Customer | User | Outsider | None = message.staff if message.staff_id else customer or outsider
        on_file = points.get(message.customer_id or 0, [])
        address = _address(message, customer, [point for point in on_file if not point.do_not_use])
        address = outsider.address(message.channel) if outsider is not None else address
        consent = _consent_of(message, agreed)
        given = GateInput(
            message_class=message.message_class,
            at=now,
            to_staff=bool(message.staff_id),
            recipient_exists=recipient is not None and getattr(recipient, "is_active", True),
            status=customer.status if customer else "",
            minor=customer is not None and is_minor(customer, day),
            consent="UNKNOWN" if consent is None else "EXPIRED" if consent.has_lapsed(day) else consent.state,
            blocks=tuple(blocks.get(message.customer_id or 0, ())),
            has_address=bool(address),
            barred=not address and bool(_address(message, customer, on_file)),
            urgent=message.urgent,
            legal=_is_legal(message.template),
            expires_at=message.expires_at,
            windows=rules.windows,
            holidays=rules.holidays,
            unwanted=tuple(unwanted.get(message.customer_id or 0, ())),
        )
        found.append(Case(message, given, recipient, address, consent.pk if consent else None))
    return found


def _agreed(claimed: list[OutMessage]) -> Agreed:
    """The consents that messages of the batch need; not asked for when none needs one."""
    asked = {message.customer_id for message in claimed if message.customer_id and message.message_class in PURPOSE}
    if not asked:
        return {}
    rows = Consent.objects.filter(customer__in=asked, purpose__in=PURPOSE.values())
    return {(row.customer_id, row.purpose, row.channel): row for row in rows}


def _consent_of(message: OutMessage, agreed: Agreed) -> Consent | None:
    if message.message_class not in PURPOSE or message.channel not in CONSENT_CHANNEL:
        return None
    purpose, channel = PURPOSE[MessageClass(message.message_class)], CONSENT_CHANNEL[Channel(message.channel)]
    return agreed.get((message.customer_id or 0, purpose, channel))


def _blocks(customer_ids: set[int], now: datetime) -> dict[int, list[Block]]:
    found: dict[int, list[Block]] = {}
    for block in ContactBlock.objects.filter(customer__in=customer_ids, starts_at__lte=now):
        if block.holds(now):
            found.setdefault(block.customer_id, []).append(Block(block.reason, frozenset(block.classes)))
    return found


def _unwanted(claimed: list[OutMessage]) -> dict[int, list[Unwanted]]:
    """Times not wanted by customer; not asked for when no message of the batch minds them."""
    asked = {
        message.customer_id for message in claimed if message.customer_id and message.message_class in MINDS_WISHES
    }
    found: dict[int, list[Unwanted]] = {}
    for row in ContactTime.objects.filter(customer__in=asked, wish=ContactTime.Wish.AVOID) if asked else ():
        found.setdefault(row.customer_id, []).append(Unwanted(ContactTime.WEEKDAYS[row.days], *row.minutes))
    return found


def _contact_points(customer_ids: set[int], day: date) -> dict[int, list[ContactPoint]]:
    """The contact points that hold, by customer, the primary one first; those marked not to be used as well."""
    found: dict[int, list[ContactPoint]] = {}
    current = ContactPoint.objects.filter(customer__in=customer_ids, valid_from__lte=day)
    for point in current.order_by("-is_primary", "pk"):
        if point.valid_to is None or point.valid_to >= day:
            found.setdefault(point.customer_id, []).append(point)
    return found


def _address(message: OutMessage, customer: Customer | None, points: list[ContactPoint]) -> str:
    if message.staff_id:
        return message.staff.email if message.staff else ""
    if customer is None:
        return ""
    if message.contact_point_id:
        return next((point.value for point in points if point.pk == message.contact_point_id), "")
    kind = CONTACT_KIND.get(Channel(message.channel))
    if kind is None:
        return customer.number
    return next((point.value for point in points if point.kind == kind), "")


def _is_legal(name: str) -> bool:
    try:
        return template_called(name).legal
    except RuleBroken:  # a wording taken out of the code after the message was queued
        return False
