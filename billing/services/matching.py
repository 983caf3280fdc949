"""Whose account it is, told by hand or found when the customer has come."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from billing.mirror.allocation_rows import refresh_debts
from billing.mirror.following import follow_products
from billing.mirror.matching import give, link_products, match_accounts
from billing.mirror.telling import tell_history
from billing.models import BilledProduct, BillingAccount
from customers.models import Customer
from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from staff.models import User

COLUMNS = ["customer", "unit_no", "matched_at"]
AT_ONCE = 500


@transaction.atomic
def match_by_hand(account_id: int, *, actor: User, number: str) -> BillingAccount:
    """Say whose account an unmatched one is. `number`: of a customer the actor sees.

    Raises RuleBroken billing.matched when it has a customer already, billing.no_customer.
    """
    account = BillingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    if account.customer_id is not None:
        raise RuleBroken("billing.matched", _("This account has a customer already."))
    customer = Customer.objects.visible_to(actor).filter(number=number.strip().upper()).first()
    if customer is None or customer.status == Customer.Status.ANONYMISED:
        raise RuleBroken("billing.no_customer", _("You see no customer of this number."))
    give(account, customer.pk, customer.unit_no)
    account.save(update_fields=COLUMNS)
    record("billing.matched", target=account, actor=actor, customer_id=customer.pk, unit_id=customer.unit_id)
    _follow([account])
    return account


def match_waiting() -> int:
    """Give accounts nobody knew whose they are their customer, where it is known by now; how many. Killed in between,
    the rest is found by the next run."""
    done, after = 0, 0
    while keys := list(
        BillingAccount.objects.filter(customer=None, pk__gt=after).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    ):
        after = keys[-1]
        done += _match_lot(keys)
    return done


@transaction.atomic
def _match_lot(keys: list[int]) -> int:
    accounts = list(
        BillingAccount.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=keys, customer=None)
    )
    products = list(BilledProduct.objects.filter(account__in=accounts, subscription=None))
    BilledProduct.objects.bulk_update(link_products(products), ["subscription"])
    matched = match_accounts(accounts)
    BillingAccount.objects.bulk_update(matched, COLUMNS)
    _follow(matched)
    return len(matched)


def _follow(accounts: list[BillingAccount]) -> None:
    """What hangs on knowing the customer: the timeline, the debt, the state of the lines."""
    keys = [one.pk for one in accounts]
    tell_history(keys)
    refresh_debts(one.customer_id for one in accounts if one.customer_id)
    products = list(BilledProduct.objects.filter(account__in=keys))
    BilledProduct.objects.bulk_update(link_products(products), ["subscription"])
    follow_products(products)
