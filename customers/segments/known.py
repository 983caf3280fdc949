"""The columns of the archive, its facts, products and consents, and the dimensions of D§6.14 that exist."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from customers.ages import age_of
from customers.labels import TIERS
from customers.models import (
    Consent,
    Customer,
    Location,
    Need,
    Persona,
    RelationshipBand,
    Subscription,
    ValueCell,
    ValueClass,
)
from customers.models.consent import CONTACTS, ConsentChannel, Purpose
from customers.models.subscriptions import ProductLine
from customers.segments.columns import Column, Kind, register_column
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.policies.reading import policy

SENIOR_AGE = 65  # D§6.14
# Age bands: from, to (both included).
AGE_BANDS: dict[str, tuple[int, int]] = {
    "0": (0, 17), "18": (18, 24), "25": (25, 34), "35": (35, 49), "50": (50, 64), "65": (65, 200),
}  # fmt: skip
CATEGORIES: dict[str, Any] = {
    "PERSON": _("Ordinary person"),
    "STUDENT": _("Student"),
    "FAMILY": _("Family"),
    "SENIOR": _("Senior (65+)"),
    "ENTERPRISE": _("Enterprise"),
}
OPEN_NEEDS = (Need.State.NEW, Need.State.PLANNED)


def category_of(customer: Customer, day: date | None = None) -> str:
    """The category on `day` (default today): companies first, students stay students, then who is 65 and over."""
    day = day or clock.today()
    if customer.customer_type == Customer.Type.ENTERPRISE:
        return "ENTERPRISE"
    if customer.segment == Customer.Segment.STUDENT:
        return "STUDENT"
    born = customer.birth_date
    if customer.segment == Customer.Segment.SENIOR or (born is not None and born <= _born_by(SENIOR_AGE, day)):
        return "SENIOR"
    return "FAMILY" if customer.segment == Customer.Segment.FAMILY else "PERSON"


def age_band_of(customer: Customer, day: date | None = None) -> str:
    """The code of the age band on `day` (default today), "" for a company or an unknown birth date."""
    age = age_of(customer, day)
    return next((code for code, (low, high) in AGE_BANDS.items() if age is not None and low <= age <= high), "")


def spend_band_of(value: Decimal | None) -> str:
    """The spend band of a mean monthly bill by the bounds in force; "" without a bill."""
    if value is None:
        return ""
    bounds: dict[str, int] = policy("customers.spend_bands")
    return next((band for band, below in bounds.items() if value < below), "5")


def _born_by(age: int, day: date) -> date:
    """Who was born on this date or before is of `age` full years on `day` (29 February: a year older on 1 March)."""
    return add_months(day, -12 * age)


def _born_between(low: int, high: int, day: date) -> tuple[date, date]:
    """Born after the first and on the second date at the latest: of `low` to `high` full years on `day`."""
    return _born_by(high + 1, day) if day.year > high + 1 else date.min, _born_by(low, day)


def _any(conditions: list[Q]) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found


def _compared(path: str) -> Any:
    names = {"in": "in", "not_in": "in", "ge": "gte", "le": "lte", "eq": "exact"}
    return lambda op, value: Q(**{f"{path}__{names[op]}": value})


def _category(_op: str, wanted: list[str]) -> Q:
    company = Q(customer_type=Customer.Type.ENTERPRISE)
    student = ~company & Q(segment=Customer.Segment.STUDENT)
    old = Q(segment=Customer.Segment.SENIOR) | Q(
        birth_date__isnull=False, birth_date__lte=_born_by(SENIOR_AGE, clock.today())
    )
    senior = ~company & ~Q(segment=Customer.Segment.STUDENT) & old
    others = ~company & ~Q(segment=Customer.Segment.STUDENT) & ~old
    conditions = {
        "ENTERPRISE": company,
        "STUDENT": student,
        "SENIOR": senior,
        "FAMILY": others & Q(segment=Customer.Segment.FAMILY),
        "PERSON": others & ~Q(segment=Customer.Segment.FAMILY),
    }
    return _any([conditions[code] for code in wanted])


def _age_band(_op: str, wanted: list[str]) -> Q:
    today = clock.today()
    return _any([_of_ages(*AGE_BANDS[code], today) for code in wanted])


def _of_ages(low: int, high: int, today: date) -> Q:
    after, until = _born_between(low, high, today)
    return Q(customer_type=Customer.Type.PERSON, birth_date__gt=after, birth_date__lte=until)


def _age(op: str, years: int) -> Q:
    today = clock.today()
    if op == "ge":
        return Q(customer_type=Customer.Type.PERSON, birth_date__lte=_born_by(years, today))
    return _of_ages(years if op == "eq" else 0, years, today)


def _spend_band(_op: str, wanted: list[str]) -> Q:
    bounds: dict[str, int] = policy("customers.spend_bands")
    edges = [None, *bounds.values(), None]
    conditions = []
    for code in wanted:
        low, high = edges[int(code) - 1], edges[int(code)]
        condition = Q(facts__value_amount__isnull=False)
        condition &= Q(facts__value_amount__gte=low) if low is not None else Q()
        condition &= Q(facts__value_amount__lt=high) if high is not None else Q()
        conditions.append(condition)
    return _any(conditions)


def _personas(_op: str, wanted: list[str]) -> Q:
    return _any([Q(facts__personas__contains=[code]) for code in wanted])


def _lines() -> Any:
    return Subscription.objects.filter(customer=OuterRef("pk"), terminated_on__isnull=True).exclude(status="PENDING")


def _product(_op: str, wanted: list[str]) -> Q:
    return Q(Exists(_lines().filter(product_line__in=wanted)))


def _status_of_line(_op: str, wanted: list[str]) -> Q:
    return Q(Exists(_lines().filter(status__in=wanted)))


def _tenure(op: str, months: int) -> Q:
    """Full months since the oldest live line began: it began by one day, or not before another."""
    day = clock.today()
    by, later = add_months(day, -months), add_months(day, -months - 1)
    at_least = Q(Exists(_lines().filter(activated_on__lte=by)))
    at_most = Q(Exists(_lines().filter(activated_on__isnull=False))) & ~Q(
        Exists(_lines().filter(activated_on__lte=later))
    )
    return {"ge": at_least, "le": at_most, "eq": at_least & at_most}[op]


def _contract_within(op: str, days: int) -> Q:
    today = clock.today()
    end = today + timedelta(days=days)
    return {
        "ge": Q(facts__contract_end__gte=end),
        "le": Q(facts__contract_end__gte=today, facts__contract_end__lte=end),
        "eq": Q(facts__contract_end=end),
    }[op]


def _silent_days(op: str, days: int) -> Q:
    """Days since the last contact; who never had one is silent for any number of them."""
    today = clock.today()
    begin, end = (clock.business_midnight(today - timedelta(days=n)) for n in (days, days - 1))
    never = Q(facts__last_contact_at__isnull=True)
    return {
        "ge": Q(facts__last_contact_at__lt=end) | never,
        "le": Q(facts__last_contact_at__gte=begin),
        "eq": Q(facts__last_contact_at__gte=begin, facts__last_contact_at__lt=end),
    }[op]


def _consent(_op: str, wanted: list[str]) -> Q:
    today = clock.today()
    holds = Q(expires_on__isnull=True) | Q(expires_on__gte=today)
    given = Consent.objects.filter(holds, customer=OuterRef("pk"), state="GRANTED")
    found = []
    for code in wanted:
        purpose, _dot, channel = code.partition(".")
        found.append(Q(Exists(given.filter(purpose=purpose, channel=channel))))
    return _any(found)


def _consents() -> dict[str, Any]:
    named: dict[str, Any] = {}
    for purpose in Purpose:
        for channel in ConsentChannel if purpose in CONTACTS else [None]:
            code = f"{purpose.value}.{channel.value}" if channel else f"{purpose.value}."
            named[code] = _Pair(purpose.label, channel.label if channel else "")
    return named


class _Pair:
    """Purpose and channel of a consent, in the reader's language."""

    def __init__(self, purpose: Any, channel: Any) -> None:
        self.purpose, self.channel = purpose, channel

    def __str__(self) -> str:
        return " · ".join(filter(None, (str(self.purpose), str(self.channel))))


def _age_band_words(code: str, low: int, high: int) -> Any:
    return f"{low}+" if code == "65" else f"{low}–{high}"


def _open_need(_op: str, wanted: bool) -> Q:
    has = Q(Exists(Need.objects.filter(customer=OuterRef("pk"), state__in=OPEN_NEEDS)))
    return has if wanted else ~has


def _managed(_op: str, wanted: bool) -> Q:
    return Q(manager__isnull=not wanted)


def register() -> None:
    """Make the columns known."""
    choice, number, money, flag, text = Kind.CHOICE, Kind.NUMBER, Kind.MONEY, Kind.FLAG, Kind.TEXT
    bands = {code: _age_band_words(code, *ages) for code, ages in AGE_BANDS.items()}
    for column in (
        Column("category", _("Category"), "archive", choice, _category, CATEGORIES),
        Column(
            "status",
            _("Status"),
            "archive",
            choice,
            _compared("status"),
            _named(Customer.Status, "ANONYMISED", "MERGED"),
        ),
        Column("city", _("City"), "archive", text, _compared("home_city")),
        Column("area_type", _("Area"), "archive", choice, _compared("area_type"), _named(Customer.AreaType)),
        Column("age_band", _("Age band"), "archive", choice, _age_band, bands),
        Column("age", _("Age"), "archive", number, _age, high=120, unit=_("years")),
        Column(
            "identity", _("Identity"), "archive", choice, _compared("identity_status"), _named(Customer.IdentityStatus)
        ),
        Column("managed", _("Has a manager"), "archive", flag, _managed),
        Column("open_need", _("Has an open need"), "archive", flag, _open_need),
        Column(
            "silent_days", _("Days without contact"), "archive", number, _silent_days, low=1, high=3_650, unit=_("days")
        ),
        Column("value_class", _("Value class"), "value", choice, _compared("facts__value_class"), _named(ValueClass)),
        Column(
            "value_cell", _("Cell of the matrix"), "value", choice, _compared("facts__value_cell"), _named(ValueCell)
        ),
        Column("value", _("Current value"), "value", money, _compared("facts__value_amount"), unit=_("CNY a month")),
        Column("potential", _("Potential value"), "value", number, _compared("facts__potential"), high=100),
        Column("clv", _("Lifetime value"), "value", money, _compared("facts__clv"), unit=_("CNY")),
        Column("spend_band", _("Spend band"), "value", choice, _spend_band, {str(n): str(n) for n in range(1, 6)}),
        Column("tier", _("Tier"), "value", choice, _compared("facts__tier"), TIERS),
        Column("persona", _("Persona"), "value", choice, _personas, _named(Persona)),
        Column("location", _("Location"), "value", choice, _compared("facts__location"), _named(Location)),
        Column(
            "relationship",
            _("Relationship"),
            "value",
            choice,
            _compared("facts__relationship_band"),
            _named(RelationshipBand),
        ),
        Column("product", _("Product held"), "products", choice, _product, _named(ProductLine)),
        Column(
            "line_status",
            _("Status of a line"),
            "products",
            choice,
            _status_of_line,
            _named(Subscription.Status, "PENDING", "TERMINATED", "PORTED_OUT"),
        ),
        Column("tenure", _("Months with us"), "products", number, _tenure, high=1_200, unit=_("months")),
        Column(
            "contract_days",
            _("Days to the end of contract"),
            "products",
            number,
            _contract_within,
            high=3_650,
            unit=_("days"),
        ),
        Column("consent", _("Consent given"), "consent", choice, _consent, _consents()),
    ):
        register_column(column)


def _named(codes: Any, *without: str) -> dict[str, Any]:
    return {code: label for code, label in codes.choices if code not in without}
