"""By what a month is judged: the policies of its day, and what was found of all customers together.

Kept with the run, so that a result is explained by the rules it came by, whatever they are today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from customers.models.subscriptions import ProductLine
from foundation.policies.reading import policy

KINDS = ("PERSON", "ENTERPRISE")
# Which lines count in the product gap, with their bit in `lines_held` (D§6.2).
LINE_BITS = {line.value: 1 << n for n, line in enumerate(ProductLine)}
LINES_OF = {
    "PERSON": ("MOBILE", "BROADBAND", "FIXED", "VAS"),
    "ENTERPRISE": ("MOBILE", "BROADBAND", "FIXED", "VAS", "ICT"),
}
VERSION = 1


@dataclass(frozen=True)
class Whole:
    """What was found of all customers of one kind.

    `bounds`: class -> smallest value (CNY) of it, None when nobody is of it; `voice`, `data`: medians of the mean month
    (minutes, MB), None when nobody has any.
    """

    bounds: Mapping[str, Decimal | None] = field(default_factory=dict)
    voice: int | None = None
    data: int | None = None
    customers: int = 0


@dataclass(frozen=True)
class Rules:
    """Everything a judgement needs besides the customer's own row. `life`: months of the lifetime value."""

    weights: Mapping[str, int]
    matrix: Mapping[str, int]
    shares: Mapping[str, int]
    graduate: Mapping[str, int]
    traveller: Mapping[str, int]
    young_data: Mapping[str, int]
    away_days: int
    margin: Decimal
    churn: Decimal
    life: Decimal
    wholes: Mapping[str, Whole] = field(default_factory=lambda: {kind: Whole() for kind in KINDS})
    version: int = VERSION

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a run: amounts are texts."""
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Rules:
        """The same again."""
        wholes = {
            kind: Whole(
                {key: None if bound is None else Decimal(bound) for key, bound in whole["bounds"].items()},
                whole["voice"],
                whole["data"],
                whole["customers"],
            )
            for kind, whole in kept["wholes"].items()
        }
        amounts = {name: Decimal(kept[name]) for name in ("margin", "churn", "life")}
        return cls(**(kept | amounts | {"wholes": wholes}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return format(value, "f") if isinstance(value, Decimal) else value


def rounded(value: Decimal, places: int) -> Decimal:
    """Half away from zero, as PostgreSQL rounds: the job and its twin agree (D§1.6)."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def rules_at(at: datetime) -> Rules:
    """The policies in force at a moment; nothing is known of the whole yet."""
    churn: Decimal = policy("customers.clv_churn_default", at=at)
    most: int = policy("customers.clv_most_months", at=at)
    return Rules(
        weights=policy("customers.potential_weights", at=at),
        matrix=policy("customers.value_matrix", at=at),
        shares=policy("customers.value_shares", at=at),
        graduate=policy("customers.graduate_ages", at=at),
        traveller=policy("customers.persona_traveller", at=at),
        young_data=policy("customers.persona_young_data", at=at),
        away_days=policy("customers.location_roaming_days", at=at),
        margin=policy("customers.clv_margin", at=at) / 100,
        churn=churn,
        life=rounded(min(Decimal(most), Decimal(100) / churn), 4),
    )
