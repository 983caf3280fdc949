"""Facts other apps push down, and what forbids contact (design §2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import ContactBlock, CustomerFacts
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

MESSAGE_CLASSES = frozenset({"SERVICE", "REMINDER", "CARE", "MARKETING", "SURVEY"})


@transaction.atomic
def update_facts(customer_id: int, **values: Any) -> CustomerFacts:
    """Set columns of the customer's facts (a narrow row of its own: no version, no history; jobs rewrite it nightly).

    Raises ValueError for a column there is none of.
    """
    known = {field.name for field in CustomerFacts._meta.concrete_fields} - {"customer"}
    if unknown := set(values) - known:
        raise ValueError(f"facts have no {sorted(unknown)}")
    facts, _made = CustomerFacts.objects.update_or_create(customer_id=customer_id, defaults=values)
    return facts


@transaction.atomic
def block_contact(
    customer_id: int,
    *,
    actor: User | None,
    reason: str,
    classes: list[str],
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> ContactBlock:
    """Forbid classes of messages to the customer, from now or `starts_at` on; the gate reads it at sending.

    Raises RuleBroken customers.bad_code, customers.impossible_date (an end before the beginning).
    """
    if reason not in ContactBlock.Reason.values or not classes or not set(classes) <= MESSAGE_CLASSES:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Reason")})
    begins = starts_at or clock.now()
    if ends_at is not None and ends_at <= begins:
        raise RuleBroken("customers.impossible_date", _("The end must lie after the beginning."))
    customer = locked(customer_id)
    block = ContactBlock.objects.create(
        customer=customer, reason=reason, classes=sorted(set(classes)), starts_at=begins, ends_at=ends_at
    )
    remember(
        customer,
        "contact.blocked",
        actor=actor,
        target=block,
        detail={"reason": reason, "classes": block.classes},
        line="contact.blocked",
        line_params={"reason": reason},
    )
    return block


@transaction.atomic
def lift_block(block_id: int, *, actor: User | None) -> ContactBlock:
    """End a block now; one that has ended stays as it is."""
    customer = locked(ContactBlock.objects.values_list("customer_id", flat=True).get(pk=block_id))
    block = ContactBlock.objects.get(pk=block_id)
    now = clock.now()
    if block.ends_at is not None and block.ends_at <= now:
        return block
    never_held = block.starts_at >= now
    if not never_held:
        block.ends_at = now
        block.save(update_fields=["ends_at"])
    remember(
        customer,
        "contact.block_lifted",
        actor=actor,
        target=block,
        detail={"reason": block.reason},
        line="contact.block_lifted",
        line_params={"reason": block.reason},
    )
    if never_held:
        block.delete()
    return block
