"""What nobody changes alone: who a customer is whose document was compared (D§3.2, D§5.1, ARC-17)."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Q
from django.utils.translation import gettext as _

from customers.models import Customer, IdentityCheck
from foundation.common.errors import RuleBroken

GUARDED_FIELDS = frozenset({"name", "id_type", "id_number"})
_CHECKED = (Customer.IdentityStatus.VERIFIED, Customer.IdentityStatus.RECHECK)


def needs_second_look(customer: Customer) -> bool:
    """Whether name and document change only by a request that somebody else decides about.

    Once verified it stays so: else one person could doubt the identity, rename the customer, and verify it again.
    """
    if customer.identity_status in _CHECKED:
        return True
    once = IdentityCheck.objects.filter(Q(old__in=_CHECKED) | Q(new__in=_CHECKED), customer=customer)
    return once.exists()


def check_second_look(customer: Customer, fields: Collection[str]) -> None:
    """Refuse (customers.second_look) to change these fields by hand where a second person must look first."""
    if GUARDED_FIELDS & set(fields) and needs_second_look(customer):
        raise RuleBroken(
            "customers.second_look",
            _(
                "This identity was verified. Take a request to change the name or the document;"
                " somebody else decides about it."
            ),
        )
