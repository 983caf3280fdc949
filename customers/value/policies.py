"""What the operator may tune about value, personas and relationship."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common.errors import RuleBroken
from foundation.policies.registry import define
from foundation.ui.wording import join_words

# D§6.1: parts of the customers from the top, in per cent, cumulated; who is below the last is of class 1.
SHARES = {"5": 5, "4": 20, "3": 50, "2": 80}
# D§6.2.
POTENTIAL = {"gap": 30, "trend": 25, "pressure": 15, "age": 10, "commitment": 10, "engagement": 10}
# D§6.3.
MATRIX = {"value_class": 4, "potential": 60}
TRAVELLER = {"roaming_days": 8, "voice_minutes": 200}
YOUNG_DATA = {"age_from": 18, "age_to": 30, "data_mb": 20_480}
GRADUATE = {"age_from": 21, "age_to": 24}
RELATIONSHIP = {"contact": 20, "usage": 20, "complaints": 20, "consents": 10, "tenure": 15, "lines": 15}
BANDS = {"STRONG": 75, "STEADY": 50, "WEAK": 30}
SPEND_BANDS = {"1": 30, "2": 60, "3": 120, "4": 240}


def _table(shipped: dict[str, int], *, low: int = 0, high: int = 1_000_000, total: int = 0, order: int = 0) -> Any:
    """A check: the parts of `shipped`, whole numbers from `low` to `high`, `total` together, rising (1) or falling."""

    def check(table: Any) -> None:
        if not isinstance(table, dict) or set(table) != set(shipped):
            raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(shipped)})
        values = [table[part] for part in shipped]
        if any(type(value) is not int or not low <= value <= high for value in values):
            raise RuleBroken(
                "policies.value",
                _("Each part is a whole number from %(low)s to %(high)s.") % {"low": low, "high": high},
            )
        if total and sum(values) != total:
            raise RuleBroken("policies.value", _("The parts must add up to %(total)s.") % {"total": total})
        if order and values != sorted(values, reverse=order < 0):
            raise RuleBroken("policies.value", _("The parts must stand in their order."))

    return check


define(
    "customers.value_shares",
    type="table",
    default=SHARES,
    unit="%",
    source="D",
    check=_table(SHARES, low=1, high=99, order=1),
    title=gettext_lazy("Shares of the value classes"),
    help=gettext_lazy("Which part of the customers of a kind, counted from the top, is of this class or a higher one."),
)
define(
    "customers.potential_weights",
    type="table",
    default=POTENTIAL,
    source="D",
    check=_table(POTENTIAL, high=100, total=100),
    title=gettext_lazy("Weights of the potential value"),
    help=gettext_lazy("Most points of each term of the potential value; 100 together."),
)
define(
    "customers.value_matrix",
    type="table",
    default=MATRIX,
    source="D",
    check=_table(MATRIX, low=1, high=100),
    title=gettext_lazy("Bounds of the value matrix"),
    help=gettext_lazy("From which class a customer counts as valuable, and from which potential as promising."),
)
define(
    "customers.graduate_ages",
    type="table",
    default=GRADUATE,
    unit="years",
    source="D",
    check=_table(GRADUATE, low=18, high=40, order=1),
    title=gettext_lazy("Ages of new graduates"),
    help=gettext_lazy("Who is taken for a new graduate, as nobody is asked: from this age to that one, both included."),
)
define(
    "customers.clv_margin",
    type="decimal",
    default=Decimal("40"),
    low=Decimal("0"),
    high=Decimal("100"),
    unit="%",
    source="D",
    title=gettext_lazy("Margin in the lifetime value"),
    help=gettext_lazy("Which part of the revenue counts in the lifetime value of a customer."),
)
define(
    "customers.clv_churn_default",
    type="decimal",
    default=Decimal("1.5"),
    low=Decimal("0.1"),
    high=Decimal("100"),
    unit="% a month",
    source="D",
    title=gettext_lazy("Churn in the lifetime value"),
    help=gettext_lazy("Probability to leave in a month that is taken while a customer has no band of churn risk."),
)
define(
    "customers.clv_most_months",
    type="int",
    default=60,
    low=1,
    high=600,
    unit="months",
    source="D",
    title=gettext_lazy("Longest life in the lifetime value"),
    help=gettext_lazy("How many months of revenue count at most in the lifetime value of a customer."),
)
define(
    "customers.persona_traveller",
    type="table",
    default=TRAVELLER,
    source="D",
    check=_table(TRAVELLER, low=1),
    title=gettext_lazy("Persona: business traveller"),
    help=gettext_lazy("Days of roaming in three months, and minutes of voice a month, from which one is a traveller."),
)
define(
    "customers.persona_young_data",
    type="table",
    default=YOUNG_DATA,
    source="D",
    check=_table(YOUNG_DATA, low=18),
    title=gettext_lazy("Persona: young data user"),
    help=gettext_lazy("From which age to which, and from how many MB a month, one is a young heavy data user."),
)
define(
    "customers.location_roaming_days",
    type="int",
    default=8,
    low=1,
    high=31,
    unit="days",
    source="D",
    title=gettext_lazy("Days of roaming away from home"),
    help=gettext_lazy("Days of roaming in the last month from which a customer counts as being away from home."),
)
define(
    "customers.spend_bands",
    type="table",
    default=SPEND_BANDS,
    unit="CNY",
    source="D",
    check=_table(SPEND_BANDS, low=1, order=1),
    title=gettext_lazy("Bounds of the spend bands"),
    help=gettext_lazy("Below which mean monthly bill a customer is of band 1 to 4; the others are of band 5."),
)
define(
    "customers.relationship_weights",
    type="table",
    default=RELATIONSHIP,
    source="D",
    check=_table(RELATIONSHIP, high=100, total=100),
    title=gettext_lazy("Weights of the relationship"),
    help=gettext_lazy("Most points of each term of the quarterly evaluation of the relationship; 100 together."),
)
define(
    "customers.relationship_bands",
    type="table",
    default=BANDS,
    source="D",
    check=_table(BANDS, low=1, high=100, order=-1),
    title=gettext_lazy("Bands of the relationship"),
    help=gettext_lazy("From how many points on the relationship is strong, steady or weak; below it is at risk."),
)
