"""Closing an account on request: the customer is a former one, and the times of keeping begin (D§5.11)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from customers.erasure.keeping import measure
from customers.lifecycle import check_status
from customers.models import Customer, Retention, Subscription
from customers.services.remembering import locked, remember
from foundation.common.errors import RuleBroken
from staff.models import User


@transaction.atomic
def close_account(customer_id: int, *, actor: User | None) -> Retention:
    """Make the customer a former one today and write down until when their data stay.

    A deceased one keeps that status. Raises RuleBroken "customers.anonymised", "closing.lines_live" while a line is in
    service, and customers.bad_move.
    """
    customer = locked(customer_id)
    if Subscription.objects.filter(customer=customer, terminated_on=None).exists():
        raise RuleBroken("closing.lines_live", _("Lines are in service: end them first, then the account can close."))
    ended = (Customer.Status.FORMER, Customer.Status.DECEASED)
    if customer.status not in ended:
        before = customer.status
        check_status(before, Customer.Status.FORMER)
        customer.status = Customer.Status.FORMER
        customer.save(update_fields=["status"])
        remember(
            customer,
            "customer.closed",
            actor=actor,
            changed={"status": (before, customer.status)},
            line="customer.changed",
            line_params={"fields": ["status"]},
        )
    Retention.objects.filter(pk=customer_id, erased_at=None).delete()  # the end is today, not an earlier one
    measure([customer_id])
    return Retention.objects.get(pk=customer_id)
