"""How complete an archive is: filled weight over total weight, in the database, for lists and for one page (D§5.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, ExpressionWrapper, F, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields import BooleanField
from django.utils.translation import gettext_lazy as _

from customers.models import Address, ContactPoint, Customer, Need, ProfileField
from customers.optional_facts import usable
from foundation.common import clock
from foundation.policies.reading import policy

PREFIX = "has_"
PARTS: dict[str, Any] = {
    "name": _("Name"),
    "id": _("Document number"),
    "contact": _("Verified contact"),
    "address": _("Address"),
    "birthday": _("Birthday"),
    "channel": _("Preferred contact"),
    "interests": _("Interests"),
    "spending": _("Spending habit"),
    "needs": _("Needs"),
}
NOT_OF_COMPANIES = frozenset({"birthday"})


@dataclass(frozen=True)
class Missing:
    """An empty part: its code, its name, and how many per cent it would add."""

    code: str
    label: Any
    adds: int


@dataclass(frozen=True)
class Completeness:
    """`percent` of the weight is filled, `target` is wanted; `missing`: the empty parts, heaviest first."""

    percent: int
    target: int
    missing: list[Missing]

    @property
    def is_low(self) -> bool:
        return self.percent < self.target


def _fact(key: str) -> Exists:
    return Exists(usable(ProfileField.objects.filter(customer=OuterRef("pk"), key=key), clock.today()))


def _flags() -> dict[str, Any]:
    """Whether each part is filled. A contact that is not verified or came back counts as none."""
    usable = Q(valid_to__isnull=True, verified_at__isnull=False, do_not_use="")
    return {
        "name": ~Q(name="") & ~Q(quality_marks__contains=["NAME_MISSING"]),
        "id": Q(id_hash__isnull=False),
        "contact": Exists(ContactPoint.objects.filter(usable, customer=OuterRef("pk"))),
        "address": Exists(Address.objects.filter(customer=OuterRef("pk"), valid_to__isnull=True)),
        "birthday": Q(birth_date__isnull=False) | Q(lunar_month__isnull=False),
        "channel": ~Q(channel_preference=""),
        "interests": _fact("INTERESTS"),
        "spending": _fact("SPENDING_HABIT"),
        "needs": Exists(Need.objects.filter(customer=OuterRef("pk"))),
    }


def with_completeness(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """`rows` with `has_<part>` for each part and `completeness` in whole per cent, rounded down.

    A company has no birthday: that part counts for it neither as filled nor in the total.
    """
    weights: dict[str, int] = policy("customers.completeness_weights")
    flags = {
        PREFIX + part: ExpressionWrapper(flag, output_field=BooleanField()) if isinstance(flag, Q) else flag
        for part, flag in _flags().items()
    }
    company = Q(customer_type=Customer.Type.ENTERPRISE)
    filled: Any = Value(0)
    for part, weight in weights.items():
        counts = Q(**{PREFIX + part: True})
        counts = counts & ~company if part in NOT_OF_COMPANIES else counts
        filled = filled + Case(When(counts, then=Value(weight)), default=Value(0))
    total = sum(weights.values())
    of_companies = total - sum(weights[part] for part in NOT_OF_COMPANIES)
    whole = Case(When(company, then=Value(max(1, of_companies))), default=Value(total))
    return rows.annotate(**flags).annotate(
        completeness=ExpressionWrapper(filled * Value(100) / whole, output_field=IntegerField())
    )


def target_of(customer: Customer, tier: str) -> int:
    """The wanted per cent for the customer's tier; companies have their own."""
    targets: dict[str, int] = policy("customers.completeness_targets")
    if customer.customer_type == Customer.Type.ENTERPRISE:
        return targets["ENTERPRISE"]
    return targets.get(tier, targets["ORDINARY"])


def completeness_of(customer: Any, tier: str = "") -> Completeness:
    """The completeness of a row that `with_completeness` annotated."""
    return weighed(customer, {part for part in PARTS if getattr(customer, PREFIX + part)}, tier)


def weighed(customer: Customer, filled: set[str], tier: str = "") -> Completeness:
    """The completeness of a customer of whom these parts are filled: the twin of the query, for one page."""
    weights: dict[str, int] = policy("customers.completeness_weights")
    parts = set(PARTS)
    if customer.customer_type == Customer.Type.ENTERPRISE:
        parts -= NOT_OF_COMPANIES
    whole = max(1, sum(weights[part] for part in parts))
    percent = sum(weights[part] for part in filled & parts) * 100 // whole
    empty = [
        Missing(part, PARTS[part], weights[part] * 100 // whole)
        for part in sorted(PARTS, key=lambda part: -weights[part])
        if part in parts - filled
    ]
    return Completeness(percent, target_of(customer, tier), empty)


def filled_parts(
    customer: Customer,
    *,
    points: list[ContactPoint],
    addresses: list[Address],
    fields: list[ProfileField],
    needs: list[Need],
) -> set[str]:
    """Which parts are filled, from rows at hand: current contact points and addresses, the facts that count, needs."""
    facts = {row.key for row in fields}
    found = {
        "name": bool(customer.name) and "NAME_MISSING" not in customer.quality_marks,
        "id": customer.id_hash is not None,
        "contact": any(point.verified_at and not point.do_not_use for point in points),
        "address": bool(addresses),
        "birthday": customer.birth_date is not None or customer.lunar_month is not None,
        "channel": bool(customer.channel_preference),
        "interests": "INTERESTS" in facts,
        "spending": "SPENDING_HABIT" in facts,
        "needs": bool(needs),
    }
    return {part for part, is_filled in found.items() if is_filled}


def below_target(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """The rows whose completeness lies below the target of their tier: the data-quality work list (D§5.4)."""
    targets: dict[str, int] = policy("customers.completeness_targets")
    tiers = [
        When(customer_type=Customer.Type.ENTERPRISE, then=Value(targets["ENTERPRISE"])),
        *(When(facts__tier=tier, then=Value(target)) for tier, target in targets.items() if tier != "ENTERPRISE"),
    ]
    wanted = Case(*tiers, default=Value(targets["ORDINARY"]), output_field=IntegerField())
    weighed: QuerySet[Any] = with_completeness(rows).annotate(wanted=wanted)
    return weighed.filter(Q(completeness__lt=F("wanted")))
