"""Whose account it is: by the number billing tells, else by its living lines; at once, or when the customer comes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from billing.models import BilledProduct, BillingAccount
from customers.models import Customer, Subscription
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from foundation.policies.reading import policy


def link_products(products: Iterable[BilledProduct]) -> list[BilledProduct]:
    """Find the living lines of these products, which the caller saves; returns those that found another one.

    A product that has ended keeps the line it had: its number may live with somebody else by now (D§26).
    """
    asked = [one for one in products if one.status not in BilledProduct.ENDED]
    living = dict(
        Subscription.objects.filter(service_no__in={one.service_no for one in asked}, terminated_on__isnull=True)
        .exclude(product_line=ProductLine.VAS)  # its number is that of the line it is used on
        .values_list("service_no", "pk")
    )
    changed = []
    for one in asked:
        found = living.get(one.service_no)
        if found is not None and one.subscription_id != found:
            one.subscription_id = found
            changed.append(one)
    return changed


def match_accounts(accounts: Sequence[BillingAccount]) -> list[BillingAccount]:
    """Give unmatched accounts their customer, where exactly one can be meant; the caller saves those returned.

    First by the number billing tells: ours, or that of the source named in the policy `billing.party_source`; then by
    the living lines of its products, if they are all of one customer.
    """
    open_ones = [one for one in accounts if one.customer_id is None]
    if not open_ones:
        return []
    by_party = _by_party({one.party for one in open_ones if one.party})
    by_line = _by_line([one.pk for one in open_ones if one.party not in by_party])
    matched = []
    for one in open_ones:
        found = by_party.get(one.party) or by_line.get(one.pk)
        if found is not None:
            give(one, *found)
            matched.append(one)
    return matched


def give(account: BillingAccount, customer_id: int, unit_no: int) -> None:
    """Set the customer of an account; the caller saves `customer`, `unit_no` and `matched_at`."""
    account.customer_id, account.unit_no, account.matched_at = customer_id, unit_no, clock.now()


def _by_party(parties: set[str]) -> dict[str, tuple[int, int]]:
    if not parties:
        return {}
    source = policy("billing.party_source")
    named = Q(number__in=parties) | Q(source=source, source_no__in=parties) if source else Q(number__in=parties)
    rows = Customer.objects.filter(named).exclude(status=Customer.Status.ANONYMISED).select_related("merged_into")
    found: dict[str, set[tuple[int, int]]] = {}
    for row in rows:
        stands = row.merged_into or row
        for name in {row.number, row.source_no if row.source == source else ""} & parties:
            found.setdefault(name, set()).add((stands.pk, stands.unit_no))
    return {name: next(iter(some)) for name, some in found.items() if len(some) == 1}


def _by_line(account_ids: list[int]) -> dict[int, tuple[int, int]]:
    rows = (
        BilledProduct.objects.filter(account__in=account_ids, subscription__isnull=False)
        .exclude(status__in=BilledProduct.ENDED)
        .values_list("account_id", "subscription__customer_id", "subscription__customer__unit_no")
    )
    found: dict[int, set[tuple[int, int]]] = {}
    for account_id, customer_id, unit_no in rows:
        found.setdefault(account_id, set()).add((customer_id, unit_no))
    return {account_id: next(iter(some)) for account_id, some in found.items() if len(some) == 1}
