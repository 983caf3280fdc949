"""When a customer has a birthday, by the sun or by the moon (D§1.11, D§1.12), and who has one on a day.

A birthday is known by one number, its key, which an index holds for every person: 101 to 1231 by the sun (month and
day), 2101 to 3230 by the moon, 4101 to 5230 in a leap month. The keys of a day are those whose greeting falls on it.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Case, DateField, QuerySet, Value, When
from django.utils.translation import gettext as _

from customers import lunar
from customers.models import Customer
from customers.models.birthday_key import BIRTHDAY_KEY, LEAP, LUNAR
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.paging import Page, keyset_page, values_of

# A birthday comes again after thirteen lunar months and a day at most.
LONGEST_WAIT = timedelta(days=400)
COMING = ("coming", "pk")  # the order of a page: the day of the greeting, then who came first
WIDER = timedelta(days=6)
NOT_GREETED = (Customer.Status.DECEASED, Customer.Status.ANONYMISED)


class Birthday(NamedTuple):
    """A day of every year: month and day by the sun, or by the moon, there perhaps in a leap month."""

    is_lunar: bool
    month: int
    day: int
    leap: bool = False

    @property
    def key(self) -> int:
        """The number the index knows it by."""
        return (LUNAR if self.is_lunar else 0) + (LEAP - LUNAR if self.leap else 0) + self.month * 100 + self.day


def birthday_of(customer: Customer) -> Birthday | None:
    """The birthday on file, or None when it is unknown, and for a company."""
    if customer.customer_type != Customer.Type.PERSON:
        return None
    if customer.birthday_kind == Customer.BirthdayKind.LUNAR:
        if not customer.lunar_month or not customer.lunar_day:
            return None
        return Birthday(True, customer.lunar_month, customer.lunar_day, customer.lunar_leap)
    born = customer.birth_date
    return Birthday(False, born.month, born.day) if born else None


def in_year(birthday: Birthday, year: int) -> date | None:
    """The day of the greeting in a year, the lunar one for a birthday by the moon; None outside the tables.

    29 February is greeted on the 28th in common years (D§1.11). A lunar birthday of a leap month falls into the leap
    month if that year has it, else into the ordinary one; day 30 of a month of 29 days on day 29 (D§1.12).
    """
    if not birthday.is_lunar:
        early = (birthday.month, birthday.day) == (2, 29) and not isleap(year)
        return date(year, birthday.month, birthday.day - early)
    month = lunar.month_in(year, birthday.month, leap=True) if birthday.leap else None
    month = month or lunar.month_in(year, birthday.month, leap=False)
    return month.begins + timedelta(days=min(birthday.day, month.days) - 1) if month else None


def between(birthday: Birthday, first: date, last: date) -> list[date]:
    """The days of greetings from `first` to `last`, both included, in order: one in each lunar year for a birthday by
    the moon, so that a Gregorian year may hold none or two. None of those that lie outside the tables."""
    # The last months of a lunar year lie in the next Gregorian one.
    years = range(max(date.min.year, first.year - birthday.is_lunar), last.year + 1)
    days = (in_year(birthday, year) for year in years)
    return [day for day in days if day is not None and first <= day <= last]


def next_birthday(birthday: Birthday, day: date | None = None) -> date | None:
    """The next greeting on `day` (default today) or later; None when the tables end before it."""
    day = day or clock.today()
    return next(iter(between(birthday, day, day + LONGEST_WAIT)), None)


def year_of(birthday: Birthday, day: date) -> int:
    """The year a greeting on `day` counts for, the lunar one by the moon: at most one greeting is owed in each.

    Raises ValueError when the birthday is not greeted on that day.
    """
    for year in (day.year, day.year - 1):
        if in_year(birthday, year) == day:
            return year
    raise ValueError("there is no greeting on this day")


def keys_of(day: date) -> set[int]:
    """The keys of the birthdays greeted on `day`: those by the sun, and by the moon as far as the tables go."""
    keys = {day.month * 100 + day.day}
    if (day.month, day.day) == (2, 28) and not isleap(day.year):
        keys.add(229)
    month = lunar.month_of(day)
    if month is None:
        return keys
    number = (day - month.begins).days + 1
    days = (29, 30) if number == month.days == 29 else (number,)
    leaps = {month.leap}
    if lunar.month_in(month.year, month.month, leap=True) is None:
        leaps.add(True)
    return keys | {Birthday(True, month.month, one, leap).key for one in days for leap in leaps}


def with_birthday(rows: QuerySet[Customer], keys: Collection[int]) -> QuerySet[Customer]:
    """Those of `rows` who are greeted on a birthday of these keys; found by index, none is counted.

    Nobody dead, nobody made anonymous, and no birthday that is a filler (D§26).
    """
    return (
        rows.filter(customer_type=Customer.Type.PERSON)
        .alias(birthday_key=BIRTHDAY_KEY)
        .filter(birthday_key__in=sorted(keys))
        .exclude(status__in=NOT_GREETED)
        .exclude(quality_marks__contains=["BIRTHDAY_PLACEHOLDER"])
    )


def with_birthday_within(rows: QuerySet[Customer], days: int, day: date | None = None) -> QuerySet[Customer]:
    """Those of `rows` greeted on `day` (default today) or in the `days` days after it."""
    first = day or clock.today()
    return with_birthday(rows, set[int]().union(*(keys_of(first + timedelta(days=n)) for n in range(days + 1))))


def coming_page(rows: QuerySet[Customer], days: int, *, after: str | None, size: int = 50) -> Page[Customer]:
    """A page of those of `rows` greeted today or in the `days` days after it, the soonest first; each has the day as
    `coming`.

    Looked for in a widening span of days: where many have a birthday the first days fill a page, and only those are
    read and put in order. Raises RuleBroken("page.bad_cursor").
    """
    first = clock.today()
    last = begin = first + timedelta(days=days)
    if after:
        begin = values_of(after, len(COMING))[0]
        if not isinstance(begin, date):
            raise RuleBroken("page.bad_cursor", _("This page address is damaged; start from the first page."))
    begin = min(max(first, begin), last) if after else first
    for end in sorted({begin, min(begin + WIDER, last), last}):
        page = keyset_page(_in_order(rows, begin, end), after=after, size=size)
        if page.next_cursor:
            break
    return page


def _in_order(rows: QuerySet[Customer], first: date, last: date) -> QuerySet[Customer]:
    seen: set[int] = set()
    cases = []
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        if fresh := keys_of(day) - seen:
            cases.append(When(birthday_key__in=sorted(fresh), then=Value(day)))
            seen |= fresh
    return with_birthday(rows, seen).annotate(coming=Case(*cases, output_field=DateField())).order_by(*COMING)


def greeted_on(day: date, *, after: int = 0, most: int = 1_000) -> list[int]:
    """Ids, in order, of customers of the whole operator greeted on `day`: at most `most`, those above `after`."""
    rows = with_birthday(Customer.objects.filter(pk__gt=after), keys_of(day)).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:most])
