"""Giving a customer another manager (D§3.3, D§26)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from customers.book import MANAGE_RIGHT
from customers.models import Customer
from customers.services.remembering import locked, remember
from foundation.common.errors import RuleBroken
from staff.models import User


def check_manager(person: User) -> None:
    """Refuse (customers.cannot_manage) somebody who has left or whose role manages no customers."""
    if not person.is_active or person.kind != User.Kind.HUMAN or not person.has_perm(MANAGE_RIGHT):
        raise RuleBroken(
            "customers.cannot_manage", _("%(name)s does not manage customers (any more).") % {"name": person.name}
        )


@transaction.atomic
def assign_manager(customer_id: int, *, actor: User | None, manager: User) -> Customer:
    """Make `manager` the customer's manager; who may say so is the caller's rule. Nothing to do: nothing written.

    Raises RuleBroken customers.cannot_manage, customers.anonymised.
    """
    customer = locked(customer_id)
    if customer.manager_id == manager.pk:
        return customer
    check_manager(manager)
    changed = {"manager_id": (customer.manager_id, manager.pk)}
    customer.manager = manager
    customer.save(update_fields=["manager"])
    remember(
        customer,
        "customer.changed",
        actor=actor,
        changed=changed,
        line="customer.changed",
        line_params={"fields": ["manager_id"]},
        refind=True,
    )
    return customer
