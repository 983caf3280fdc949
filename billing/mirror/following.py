"""What billing says of a line becomes the status of the line here, and ends the command that asked for it."""

from __future__ import annotations

from collections.abc import Iterable

from billing.models import BilledProduct
from customers.models import Subscription
from customers.services import follow_line
from foundation.common.errors import RuleBroken

_STATUS = Subscription.Status
_SAID = {
    BilledProduct.Status.ACTIVE: _STATUS.ACTIVE,
    BilledProduct.Status.PENDING_TERMINATE: _STATUS.PRE_TERMINATION,
    BilledProduct.Status.TERMINATED: _STATUS.TERMINATED,
}


def status_of(product: BilledProduct) -> str:
    """The status of a line billing's state stands for; "" when it says nothing about it."""
    if product.status == BilledProduct.Status.SUSPENDED:
        one_way = product.suspension_type == BilledProduct.Suspension.ONE_WAY
        return str(_STATUS.SUSPENDED_ARREARS_1WAY if one_way else _STATUS.SUSPENDED_ARREARS_2WAY)
    return str(_SAID.get(BilledProduct.Status(product.status), ""))


def follow_products(products: Iterable[BilledProduct]) -> int:
    """Give the lines of these products the status billing says; how many changed. A line of somebody made anonymous
    stays as it is."""
    changed = 0
    for product in sorted(products, key=lambda one: one.pk):
        status = status_of(product)
        if product.subscription_id is None or not status:
            continue
        try:
            changed += follow_line(product.subscription_id, status=status, source="billing")
        except RuleBroken as refusal:
            if refusal.code != "customers.anonymised":
                raise
    return changed
