"""Who was erased does not come back by a file (D§5.12): keyed digests of what an import knows a person by.

A digest is made with the index key over the source with its number, or over the document's blind index: without the key
it says nothing, and nothing leads from it to the archive that was erased. It is of no other form than the blind index
of the archive, so the two never meet. The index key is not rotated, for the values behind these digests are gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Q

from customers import normal
from customers.models import Customer, ErasedKey
from foundation.common import clock, crypto
from foundation.common.errors import RuleBroken
from foundation.common.personal import Counts, Step, register_step


def digest_of_number(source: str, source_no: str) -> bytes:
    """Of the customer's own number in a source."""
    return crypto.blind_index(f"erased\0number\0{source}\0{source_no}")


def digest_of_document(id_hash: bytes | memoryview) -> bytes:
    """Of a document, from its blind index."""
    return crypto.blind_index(f"erased\0document\0{bytes(id_hash).hex()}")


def remember(ids: list[int], at: datetime) -> Counts:
    """Keep the digests of these customers before their columns go; the first day an erasure took something holds."""
    known = Customer.objects.filter(~Q(source_no="") | Q(id_hash__isnull=False), pk__in=ids)
    digests: set[bytes] = set()
    for source, source_no, id_hash in known.values_list("source", "source_no", "id_hash"):
        if source_no:
            digests.add(digest_of_number(source, source_no))
        if id_hash:
            digests.add(digest_of_document(id_hash))
    day = clock.today(at)
    rows = [ErasedKey(digest=digest, erased_on=day) for digest in sorted(digests)]
    ErasedKey.objects.bulk_create(rows, ignore_conflicts=True)
    return {}


def erased_rows(source: str, rows: Iterable[tuple[str, str]]) -> dict[str, date]:
    """Of rows (number in the source, ID number or "") those whose customer was erased, with the day, by number."""
    if not ErasedKey.objects.exists():
        return {}
    owners: dict[bytes, set[str]] = {}
    for source_no, id_number in rows:
        owners.setdefault(digest_of_number(source, source_no), set()).add(source_no)
        if id_number:
            owners.setdefault(digest_of_document(crypto.blind_index(id_number)), set()).add(source_no)
    found: dict[str, date] = {}
    for digest, day in ErasedKey.objects.filter(digest__in=list(owners)).values_list("digest", "erased_on"):
        for source_no in owners[bytes(digest)]:
            found[source_no] = min(day, found.get(source_no, day))
    return found


def document_erased_on(id_number: str, id_type: str) -> date | None:
    """When the data of the person with this document were erased, for the warning at the counter; None when they never
    were, the person has come back since, or the number does not read yet."""
    try:
        digest = digest_of_document(crypto.blind_index(normal.id_number(id_number, id_type=id_type)))
    except RuleBroken:
        return None
    return ErasedKey.objects.filter(digest=digest).values_list("erased_on", flat=True).first()


def person_is_back(id_hash: bytes) -> None:
    """The person with this document is a customer again, by the hand of a colleague: files may speak of them from now
    on. What a source knew them by before stays held."""
    ErasedKey.objects.filter(digest=digest_of_document(id_hash)).delete()


def register() -> None:
    """Make the step of erasure known."""
    register_step(Step("customers.returning", lambda _ids: {}, remember))
