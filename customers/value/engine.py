"""The judgement of one customer's month: pure, the twin of the SQL in `judging.py` (D§6.1-6.4).

Rounding, the same on both sides and half away from zero: V and CLV to the cent, the index of use, its growth and its
parts to six places, points of a term to two, the potential to a whole number once at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from customers.models.value import Persona, ValueCell, ValueClass
from customers.value.rules import LINE_BITS, LINES_OF, Rules, Whole, rounded
from foundation.calendars.working_time import add_months

VOICE_PART, DATA_PART = Decimal("0.3"), Decimal("0.7")
MOST_GROWTH = Decimal("0.5")
COUNTS_AS = {"NEW": 2}  # D§6.1: no bill yet is treated as class 2
FULL_MONTHS = 2
COMMITTED_MONTHS, LOYAL_YEARS, YOUNG_FIRM_YEARS = 6, 3, 3
GROWN_UP = 18


@dataclass(frozen=True)
class Inputs:
    """What is known of a customer at the end of a month; the columns of `Measured`."""

    month: date
    unit_id: int | None = None
    kind: str = "PERSON"
    category: str = "PERSON"
    bills: int = 0
    value: Decimal | None = None
    lines_held: int = 0
    voice_now: int | None = None
    voice_before: int | None = None
    data_now: int | None = None
    data_before: int | None = None
    full_months: int = 0
    roaming_days: int = 0
    roaming_last: int = 0
    age: int | None = None
    since: date | None = None
    contract_end: date | None = None
    contacts: int = 0
    no_profile: bool = False

    @property
    def as_of(self) -> date:
        """The day after the month: what is counted backwards and forwards is counted from here."""
        return add_months(self.month, 1)


@dataclass(frozen=True)
class Judgement:
    """What came out. `points`: of each term of the potential; `growth`: of use, None when it cannot be told."""

    value_class: str
    usage_now: Decimal | None
    usage_before: Decimal | None
    growth: Decimal | None
    points: dict[str, Decimal]
    potential: int
    cell: str
    clv: Decimal | None
    personas: list[str]
    away: bool


def judge(given: Inputs, rules: Rules) -> Judgement:
    """The judgement of a month. Never raises for any inputs of the right types."""
    whole = rules.wholes[given.kind]
    now = usage_index(given.voice_now, given.data_now, whole)
    before = usage_index(given.voice_before, given.data_before, whole)
    growth = growth_of(now, before)
    points = points_of(given, rules, growth)
    potential = int(rounded(sum(points.values(), Decimal(0)), 0))
    value_class = class_of(given.value, whole)
    return Judgement(
        value_class=value_class,
        usage_now=now,
        usage_before=before,
        growth=growth,
        points=points,
        potential=potential,
        cell=cell_of(value_class, potential, rules),
        clv=None if given.value is None else rounded(given.value * rules.margin * rules.life, 2),
        personas=personas_of(given, rules),
        away=given.roaming_last >= rules.away_days,
    )


def class_of(value: Decimal | None, whole: Whole) -> str:
    """The class of a current value among its kind (D§6.1)."""
    if value is None:
        return ValueClass.NEW.value
    for code in ("5", "4", "3", "2"):
        bound = whole.bounds.get(code)
        if bound is not None and value >= bound:
            return code
    return ValueClass.LOWEST.value


def cell_of(value_class: str, potential: int, rules: Rules) -> str:
    """The cell of the matrix (D§6.3)."""
    valuable = COUNTS_AS.get(value_class) or int(value_class)
    promising = potential >= rules.matrix["potential"]
    if valuable >= rules.matrix["value_class"]:
        return (ValueCell.STAR if promising else ValueCell.CORE).value
    return (ValueCell.GROWTH if promising else ValueCell.BASIC).value


def usage_index(voice: int | None, data: int | None, whole: Whole) -> Decimal | None:
    """Use against the median of the kind: 0.3 voice and 0.7 data; one alone where the other is not used at all."""
    spoken = rounded(Decimal(voice) / whole.voice, 6) if voice is not None and whole.voice else None
    loaded = rounded(Decimal(data) / whole.data, 6) if data is not None and whole.data else None
    if spoken is None or loaded is None:
        return spoken if loaded is None else loaded
    return rounded(VOICE_PART * spoken + DATA_PART * loaded, 6)


def growth_of(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """How much more is used than three months earlier, 0.25 = a quarter more; None without use before."""
    return rounded((now - before) / before, 6) if now is not None and before else None


def points_of(given: Inputs, rules: Rules, growth: Decimal | None) -> dict[str, Decimal]:
    """The points of each term of the potential value (D§6.2)."""
    weights = {term: Decimal(weight) for term, weight in rules.weights.items()}
    none = Decimal(0)
    grown = max(none, min(MOST_GROWTH, growth or none))
    return {
        "gap": gap_of(given.kind, given.lines_held, rules),
        "trend": rounded(weights["trend"] * grown / MOST_GROWTH, 2),
        "pressure": weights["pressure"] if given.full_months >= FULL_MONTHS else none,
        "age": weights["age"] if is_beginning(given, rules) else none,
        "commitment": weights["commitment"] if is_bound(given) or is_loyal(given) else none,
        "engagement": weights["engagement"] if given.contacts else none,
    }


def gap_of(kind: str, lines_held: int, rules: Rules) -> Decimal:
    """The points for the product lines a customer of a kind does not hold yet, to two places."""
    wanted = LINES_OF[kind]
    missing = sum(1 for line in wanted if not lines_held & LINE_BITS[line])
    return rounded(Decimal(rules.weights["gap"]) * missing / len(wanted), 2)


def is_beginning(given: Inputs, rules: Rules) -> bool:
    """A student, a new graduate by age, a firm that has been with us for less than three years (D§6.2)."""
    if given.kind == "ENTERPRISE":
        return given.since is not None and given.since > add_months(given.as_of, -12 * YOUNG_FIRM_YEARS)
    if given.category == "STUDENT":
        return True
    return given.age is not None and rules.graduate["age_from"] <= given.age <= rules.graduate["age_to"]


def is_bound(given: Inputs) -> bool:
    """A contract ends more than six months away."""
    return given.contract_end is not None and given.contract_end > add_months(given.as_of, COMMITTED_MONTHS)


def is_loyal(given: Inputs) -> bool:
    """The oldest live line is older than three years."""
    return given.since is not None and given.since < add_months(given.as_of, -12 * LOYAL_YEARS)


def personas_of(given: Inputs, rules: Rules) -> list[str]:
    """Personas by monthly totals of use; none of companies, minors, and those who refused a profile (D§5.2, 5.5)."""
    if given.kind != "PERSON" or given.no_profile or (given.age is not None and given.age < GROWN_UP):
        return []
    found = []
    travels, young = rules.traveller, rules.young_data
    if given.roaming_days >= travels["roaming_days"] and (given.voice_now or 0) >= travels["voice_minutes"]:
        found.append(Persona.TRAVELLER.value)
    is_young = given.age is not None and young["age_from"] <= given.age <= young["age_to"]
    if is_young and (given.data_now or 0) >= young["data_mb"]:
        found.append(Persona.YOUNG_DATA.value)
    return found
