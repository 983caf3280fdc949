"""Full identifiers: what lets a person open a customer of another unit (D§3.1), and what a calling number tells."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from customers.finding.forms import id_forms, number_forms
from customers.models import Customer, FindNumber
from foundation.common import crypto

SHORTEST = 5


def is_full_identifier(customer: Customer, text: str) -> bool:
    """Whether `text` is a whole number, line, account, business number or ID of `customer`; parts never count."""
    forms = _forms(text)
    if not forms:
        return False
    if _numbers(forms).filter(customer_id=customer.pk).exists():
        return True
    return customer.id_hash is not None and bytes(customer.id_hash) in _id_hashes(text)


def customers_with(text: str) -> list[Customer]:
    """Customers of the operator, whoever's they are, with exactly this full identifier; at most three."""
    forms = _forms(text)
    if not forms:
        return []
    found = set(_numbers(forms).values_list("customer_id", flat=True)[:3])
    return list(Customer.objects.filter(Q(pk__in=found) | Q(id_hash__in=_id_hashes(text)))[:3])


def _numbers(forms: list[str]) -> QuerySet[FindNumber]:
    return FindNumber.objects.filter(value__in=forms).exclude(kind=FindNumber.Kind.EMAIL)


def _id_hashes(text: str) -> list[bytes]:
    return [crypto.blind_index(form) for form in id_forms(text)]


def _forms(text: str) -> list[str]:
    """The spellings under which it may be stored; none for a text too short to be a whole number."""
    return [form for form in number_forms(text) if len(form) >= SHORTEST] if any(c.isdigit() for c in text) else []
