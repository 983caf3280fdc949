"""The matrix of value and potential as counts: what a run found, added up over the reader's units."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q, Sum

from customers.models import Customer, ValueCell, ValueTally
from staff.models import OrgUnit, User
from staff.rights import sight_of

Key = tuple[str, str, str]  # kind, cell, class


@dataclass(frozen=True)
class Matrix:
    """Customers by kind, cell and class, in the scope of one person."""

    counts: Counter[Key]

    def of(self, *, cell: str = "", value_class: str = "", kind: str = "") -> int:
        """How many are of a cell, a class, a kind; left out: of any."""
        return sum(
            n for (k, c, v), n in self.counts.items() if kind in ("", k) and cell in ("", c) and value_class in ("", v)
        )

    @property
    def total(self) -> int:
        return self.of()


def matrix_for(user: User) -> Matrix:
    """The counts of the newest run in the scope of `customers.segments`; whom one manages elsewhere is counted now.

    Costs as much as there are units, not customers.
    """
    sight = sight_of(user, "customers.segments")
    tallies = ValueTally.objects.all()
    counts: Counter[Key] = Counter()
    if not sight.everything:
        units = Q(pk__in=[])
        for low, high in sight.ranges:
            units |= Q(no__range=(low, high))
        tallies = tallies.filter(unit_id__in=OrgUnit.objects.filter(units).values("pk"))
        if sight.owners:
            own = Customer.objects.filter(manager_id__in=sorted(sight.owners)).exclude(facts__value_cell="")
            own = own.filter(merged_into=None).exclude(status=Customer.Status.ANONYMISED)
            for low, high in sight.ranges:
                own = own.exclude(unit_no__range=(low, high))
            keys = ("customer_type", "facts__value_cell", "facts__value_class")
            for *key, n in own.order_by().values_list(*keys).annotate(n=Count("pk")):
                counts[(key[0], key[1], key[2])] += n
    found = tallies.order_by().values_list("kind", "cell", "value_class").annotate(n=Sum("customers"))
    for kind, cell, value_class, n in found:
        counts[(kind, cell, value_class)] += n
    return Matrix(counts)


# As the matrix is drawn: valuable above, promising at the right (D§6.3).
ROWS = ((ValueCell.CORE, ValueCell.STAR), (ValueCell.BASIC, ValueCell.GROWTH))
