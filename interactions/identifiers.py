"""Whether a text is one full identifier of a customer: what lets a person open a customer of another unit (D§3.1)."""

from __future__ import annotations

import re

from customers.models import Customer, FindNumber
from foundation.common import crypto

SHORTEST = 5
_NOISE = re.compile(r"[\s\-()./]+")


def is_full_identifier(customer: Customer, text: str) -> bool:
    """Whether `text` is a whole number, line, account, business number or ID of `customer`; parts never count."""
    plain = _NOISE.sub("", text).upper()
    if len(plain) < SHORTEST:
        return False
    forms = {plain, text.strip(), _without_country(plain)}
    if FindNumber.objects.filter(customer_id=customer.pk, value__in=forms).exists():
        return True
    return customer.id_hash is not None and bytes(customer.id_hash) == crypto.blind_index(plain)


def _without_country(plain: str) -> str:
    for prefix in ("+86", "0086"):
        if plain.startswith(prefix):
            return plain[len(prefix) :]
    return plain
