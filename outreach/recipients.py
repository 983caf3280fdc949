"""What the gate must know of a claimed batch: recipients, addresses, blocks, rules. A fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from customers.models import ContactBlock, ContactPoint, Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach import policies
from outreach.gate import Block, GateInput
from outreach.lifecycle import Channel
from outreach.models import OutMessage
from outreach.wording import template_called
from staff.models import User

CONTACT_KIND = {Channel.SMS: ContactPoint.Kind.MOBILE, Channel.EMAIL: ContactPoint.Kind.EMAIL}
GROWN_UP = 18


@dataclass(frozen=True)
class Case:
    """One claimed message with what the gate is asked, and to whom and where it would go."""

    message: OutMessage
    given: GateInput
    recipient: Customer | User | None
    address: str


def cases_of(claimed: list[OutMessage], now: datetime) -> list[Case]:
    """The cases of a batch, in its order; `staff` must be selected with the messages."""
    wanted = {message.customer_id for message in claimed if message.customer_id}
    customers = Customer.objects.in_bulk(wanted)
    blocks, points, rules = _blocks(wanted, now), _contact_points(wanted, now), policies.gate_rules(now)
    found = []
    for message in claimed:
        customer = customers.get(message.customer_id or 0)
        recipient: Customer | User | None = message.staff if message.staff_id else customer
        address = _address(message, customer, points)
        given = GateInput(
            message_class=message.message_class,
            at=now,
            to_staff=bool(message.staff_id),
            recipient_exists=recipient is not None and getattr(recipient, "is_active", True),
            status=customer.status if customer else "",
            minor=customer is not None and is_minor(customer, now),
            blocks=tuple(blocks.get(message.customer_id or 0, ())),
            has_address=bool(address),
            urgent=message.urgent,
            legal=_is_legal(message.template),
            expires_at=message.expires_at,
            windows=rules.windows,
            holidays=rules.holidays,
        )
        found.append(Case(message, given, recipient, address))
    return found


def is_minor(customer: Customer, now: datetime) -> bool:
    """Under 18 in full years; somebody born on 29 February ages on 1 March in common years (D§1.11). An unknown
    birth date counts as grown up."""
    if customer.birth_date is None or customer.customer_type != Customer.Type.PERSON:
        return False
    day, born = clock.today(now), customer.birth_date
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day)) < GROWN_UP


def _blocks(customer_ids: set[int], now: datetime) -> dict[int, list[Block]]:
    found: dict[int, list[Block]] = {}
    for block in ContactBlock.objects.filter(customer__in=customer_ids, starts_at__lte=now):
        if block.holds(now):
            found.setdefault(block.customer_id, []).append(Block(block.reason, frozenset(block.classes)))
    return found


def _contact_points(customer_ids: set[int], now: datetime) -> dict[int, list[ContactPoint]]:
    """Usable contact points by customer, the primary one first."""
    day = clock.today(now)
    found: dict[int, list[ContactPoint]] = {}
    usable = ContactPoint.objects.filter(customer__in=customer_ids, do_not_use="", valid_from__lte=day)
    for point in usable.order_by("-is_primary", "pk"):
        if point.valid_to is None or point.valid_to >= day:
            found.setdefault(point.customer_id, []).append(point)
    return found


def _address(message: OutMessage, customer: Customer | None, points: dict[int, list[ContactPoint]]) -> str:
    if message.staff_id:
        return message.staff.email if message.staff else ""
    if customer is None:
        return ""
    if message.contact_point_id:
        return next((p.value for p in points.get(customer.pk, ()) if p.pk == message.contact_point_id), "")
    kind = CONTACT_KIND.get(Channel(message.channel))
    if kind is None:
        return customer.number
    return next((point.value for point in points.get(customer.pk, ()) if point.kind == kind), "")


def _is_legal(name: str) -> bool:
    try:
        return template_called(name).legal
    except RuleBroken:  # a wording taken out of the code after the message was queued
        return False
