"""Bills whose lines do not add up to their amount: kept as told, and listed as a difference until billing mends it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from billing.models import Bill, Difference
from foundation.common import clock

RESOURCE, KIND = Difference.Resource.BILL, Difference.Kind.WRONG_TOTAL


def check_totals(sums: Sequence[tuple[Bill, Decimal]]) -> int:
    """List the bills whose lines sum up to something else, and end what was listed of those that are right now.

    `sums`: bills with the sum of their lines. Returns how many are wrong. In the caller's transaction.
    """
    wrong = {bill.external_id: (bill, total) for bill, total in sums if bill.amount != total}
    right = {bill.external_id for bill, total in sums if bill.amount == total}
    listed = Difference.objects.filter(resource=RESOURCE, kind=KIND, repaired_at=None)
    listed.filter(external_id__in=right).update(repaired_at=clock.now())
    Difference.objects.bulk_create(
        (
            Difference(
                kind=KIND,
                resource=RESOURCE,
                external_id=key,
                account_id=bill.account_id,
                ours={"amount": str(bill.amount)},
                theirs={"lines": str(total)},
            )
            for key, (bill, total) in wrong.items()
        ),
        ignore_conflicts=True,
    )
    return len(wrong)
