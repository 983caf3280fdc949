"""The document an archive names: sealed, findable, one customer each, at most so many mobile numbers (D§5.1)."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers import normal
from customers.erasure.returning import person_is_back
from customers.models import Customer, Subscription
from foundation.common import crypto
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy


def seal(customer: Customer, text: str) -> None:
    """Put an ID number into the customer: encrypted, findable, its last four for display; one customer a document."""
    if not customer.id_type:
        is_company = customer.customer_type == Customer.Type.ENTERPRISE
        customer.id_type = Customer.IdType.LICENCE if is_company else Customer.IdType.ID_CARD
    number = normal.id_number(text, id_type=customer.id_type)
    digest = crypto.blind_index(number)
    _lock_document(digest)
    taken = Customer.objects.filter(id_hash=digest, customer_type=customer.customer_type).exclude(pk=customer.pk)
    taken = taken.exclude(merged_into=customer.pk)
    if taken.exists():
        raise RuleBroken(
            "customers.duplicate_id", _("This document belongs to a customer already. Search by the whole number.")
        )
    _check_mobiles(customer, digest)
    person_is_back(digest)
    customer.id_sealed = crypto.encrypt(number, row_id=customer.pk)
    customer.id_hash = digest
    customer.id_last4 = number[-4:]
    if customer.id_type == Customer.IdType.ID_CARD and customer.birth_date is None:
        customer.birth_date = normal.card_birth_date(number)


def set_document(customer: Customer, text: str, *, id_type: str = "") -> dict[str, tuple[Any, Any]]:
    """Give a locked customer without a document this one; a person's unknown birth date comes from the card. Saves.

    Returns field -> (old, new). Raises RuleBroken customers.bad_id, customers.duplicate_id, customers.too_many_mobiles.
    """
    before = {field: getattr(customer, field) for field in ("id_type", "birth_date")}
    customer.id_type = id_type or customer.id_type
    seal(customer, text)
    changed = {
        field: (old, getattr(customer, field)) for field, old in before.items() if getattr(customer, field) != old
    }
    customer.save(update_fields=["id_sealed", "id_hash", "id_last4", *before])
    return changed | {"id_number": ("", f"****{customer.id_last4}")}


def _lock_document(digest: bytes) -> None:
    """Two windows must not both find the document free, or room for one more number on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["customer-id-" + digest.hex()])


def change_document(customer: Customer, text: str) -> tuple[str, str] | None:
    """The masked (old, new) pair when the number became another one, else None."""
    before, old = bytes(customer.id_hash) if customer.id_hash else None, customer.id_last4
    birth = customer.birth_date
    if text.strip():
        seal(customer, text)
        customer.birth_date = birth
        if customer.id_hash == before:
            return None
    elif before is None:
        return None
    else:
        customer.id_sealed, customer.id_hash, customer.id_last4 = None, None, ""
    return (f"****{old}" if old else "", f"****{customer.id_last4}" if customer.id_last4 else "")


def _check_mobiles(customer: Customer, digest: bytes, more: int = 0) -> None:
    most = policy("customers.mobiles_per_id")
    if mobiles_of(digest, customer.pk) + more > most:
        raise RuleBroken(
            "customers.too_many_mobiles",
            _("One document may hold at most %(most)s mobile numbers with us.") % {"most": most},
        )


def mobiles_of(digest: bytes | None, customer_id: int) -> int:
    """Mobile numbers that live on a document (all its customers) and on this customer."""
    ids = {customer_id}
    if digest:
        ids |= set(Customer.objects.filter(id_hash=digest).values_list("pk", flat=True))
    lines = Subscription.objects.filter(customer_id__in=ids, product_line="MOBILE", terminated_on__isnull=True)
    return lines.count()


def check_mobile_limit(customer: Customer, *, more: int) -> None:
    """Refuse (customers.too_many_mobiles) when `more` mobile numbers would be too many for the document (D§5.1)."""
    if customer.id_hash:
        _lock_document(bytes(customer.id_hash))
        _check_mobiles(customer, bytes(customer.id_hash), more)
