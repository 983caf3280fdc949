"""A line passes to another owner: the old one's ends with its history, the new one's begins that day (D§2, D§26)."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.models import Subscription
from customers.models.subscriptions import ProductLine
from customers.services.contact_points import check_may_edit
from customers.services.documents import check_mobile_limit
from customers.services.line_checks import check_person
from customers.services.relations import guardian_of
from customers.services.remembering import locked, remember
from customers.services.subscriptions import end_points_of_former_owner, refresh_contract
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User


@transaction.atomic
def transfer_line(subscription_id: int, *, actor: User, to_id: int) -> Subscription:
    """The line becomes `to_id`'s from today, with its plan, status and contract; what was before stays the old
    owner's and is never shown to the new one.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.line_ended, and for the new owner
    customers.identity_not_verified, customers.deceased, customers.too_young, customers.no_guardian,
    customers.no_guardian_consent, customers.too_many_mobiles.
    """
    check_may_edit(actor)
    from_id = Subscription.objects.values_list("customer_id", flat=True).get(pk=subscription_id)
    owners = {pk: locked(pk) for pk in sorted((from_id, to_id))}
    giver, taker = owners[from_id], owners[to_id]
    old = Subscription.objects.get(pk=subscription_id)
    if old.terminated_on is not None:
        raise RuleBroken("customers.line_ended", _("This line has ended."))
    check_person(taker, guardian="x" if guardian_of(taker) else "")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"line-{old.product_line}-{old.service_no}"]
        )
    if old.product_line == ProductLine.MOBILE:
        check_mobile_limit(taker, more=1)
    status, today = old.status, clock.today()
    old.status, old.terminated_on = Subscription.Status.TERMINATED, today
    old.version += 1
    old.save(update_fields=["status", "terminated_on", "version"])
    old.parties.filter(valid_to__isnull=True).update(valid_to=today)
    new = Subscription.objects.create(
        customer=taker,
        service_no=old.service_no,
        product_line=old.product_line,
        plan=old.plan,
        status=status,
        activated_on=today,
        contract_end=old.contract_end,
        monthly_fee=old.monthly_fee,
    )
    end_points_of_former_owner(old.service_no, taker)
    for customer, line, verb, kind, was in (
        (giver, old, "subscription.ended", "subscription.terminated", (status, old.status)),
        (taker, new, "subscription.opened", "subscription.activated", (None, status)),
    ):
        refresh_contract(customer)
        customer.refresh_from_db(fields=["version"])
        remember(
            customer,
            verb,
            actor=actor,
            target=line,
            changed={"status": was},
            detail={"product_line": line.product_line, "transferred": True},
            line=kind,
            line_params={"product_line": line.product_line},
            refind=True,
        )
    return new
