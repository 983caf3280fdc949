"""A few persons whose archive was opened twice, for the list of pairs."""

from __future__ import annotations

from collections import defaultdict

from customers.merging import batch
from customers.models import ContactPoint, Customer
from customers.sample.archive import Kept

PAIRS, RUN = 6, 0


def write_doubles(kept: list[Kept]) -> None:
    """Let six archives of one unit each tell of the person of another: the same name and mobile number, no document.

    Before the find rows are made. Nothing is drawn: everything else stays as it is.
    """
    by_unit: dict[int, list[Kept]] = defaultdict(list)
    for one in kept:
        if not one.draft.is_company and one.draft.mobile and one.draft.tier not in {"PLATINUM", "DIAMOND"}:
            by_unit[one.unit.pk].append(one)
    for people in sorted(by_unit.values(), key=len, reverse=True)[:PAIRS]:
        first, second = people[0], people[-1]
        Customer.objects.filter(pk=second.customer_id).update(
            name=first.draft.name,
            gender=first.draft.gender,
            id_type="",
            id_sealed=None,
            id_hash=None,
            id_last4="",
            identity_status=Customer.IdentityStatus.UNVERIFIED,
        )
        ContactPoint.objects.create(customer_id=second.customer_id, kind="MOBILE", value=first.draft.mobile)


def find_pairs() -> int:
    """Compare the archives once, as the night does; returns how many pairs are worth a look."""
    return batch.find_all(RUN)["pairs"]
