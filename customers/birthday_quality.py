"""Birthdays that are not to be trusted, as marks of data quality: for one archive, and for all of them by night (D§26).

A filler is no birthday: nobody is greeted on it until somebody has looked. A verified identity is such a look.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from customers.birthdays import LONGEST_WAIT, birthday_of, keys_of, next_birthday
from customers.lunar import last_day
from customers.models import Customer
from customers.models.birthday_key import LEAP, LUNAR
from customers.pieces import by_pieces
from foundation.common import clock

MISSING, PLACEHOLDER, OUTSIDE = "BIRTHDAY_MISSING", "BIRTHDAY_PLACEHOLDER", "BIRTHDAY_OUTSIDE_TABLES"
MARKS = (MISSING, OUTSIDE, PLACEHOLDER)
# What decides about the marks.
FIELDS = frozenset(
    {"customer_type", "birthday_kind", "birth_date", "lunar_month", "lunar_day", "lunar_leap", "identity_status"}
)
OLDEST = 120  # full years
# What is written when nobody knows: the zero of spreadsheets, of Unix and of DOS, and round years of forms.
FILLERS = (
    date(1899, 12, 30),
    date(1899, 12, 31),
    date(1900, 1, 1),
    date(1901, 1, 1),
    date(1904, 1, 1),
    date(1911, 11, 11),
    date(1970, 1, 1),
    date(1980, 1, 1),
    date(1990, 1, 1),
    date(2000, 1, 1),
)


def is_impossible(born: date, day: date) -> bool:
    """Whether a birth date lies after `day`, or makes a person older than 120 full years on it."""
    return born > day or born <= _too_old(day)


def looks_like_filler(born: date, *, imported: bool) -> bool:
    """Whether the date is one systems and forms write for "unknown"; of an import every 1 January is (D§26)."""
    return born in FILLERS or (imported and (born.month, born.day) == (1, 1))


def marked(customer: Customer, day: date | None = None) -> list[str]:
    """The marks of data quality the archive should wear on `day` (default today): the others as they are."""
    day = day or clock.today()
    others = [mark for mark in customer.quality_marks if mark not in MARKS]
    if customer.customer_type != Customer.Type.PERSON or customer.status == Customer.Status.ANONYMISED:
        return others
    found = set()
    birthday, born = birthday_of(customer), customer.birth_date
    if birthday is None:
        found.add(MISSING)
    elif next_birthday(birthday, day) is None:
        found.add(OUTSIDE)
    if born is not None:
        verified = customer.identity_status == Customer.IdentityStatus.VERIFIED
        filler = looks_like_filler(born, imported=bool(customer.source_no))
        if is_impossible(born, day) or (filler and not verified):
            found.add(PLACEHOLDER)
    return others + sorted(found)


def marks_sql(row: str, *, marks: str, imported: str) -> str:
    """The twin of `marked` in SQL, for a row of customers_customer under the name `row`.

    `marks`: an expression of the marks it wears; `imported`: a condition that it came by an import. Values:
    `marks_values`.
    """
    return f"""array_cat(
      array_remove(array_remove(array_remove({marks}, '{MISSING}'), '{OUTSIDE}'), '{PLACEHOLDER}'),
      CASE WHEN {row}.customer_type <> 'PERSON' OR {row}.status = 'ANONYMISED' THEN '{{}}'::varchar[]
      ELSE array_remove(ARRAY[
        CASE WHEN CASE {row}.birthday_kind WHEN 'LUNAR' THEN {row}.lunar_day IS NULL
                  ELSE {row}.birth_date IS NULL END THEN '{MISSING}' END,
        CASE WHEN {row}.birthday_kind = 'LUNAR' AND %(mark_ends)s AND NOT (
            CASE WHEN {row}.lunar_leap THEN {LEAP} ELSE {LUNAR} END + {row}.lunar_month * 100 + {row}.lunar_day
            = ANY(%(mark_coming)s::int[])) THEN '{OUTSIDE}' END,
        CASE WHEN {row}.birth_date > %(mark_day)s OR {row}.birth_date <= %(mark_too_old)s
            OR ({row}.identity_status <> 'VERIFIED' AND ({row}.birth_date = ANY(%(mark_fillers)s::date[])
              OR ({imported} AND extract(month FROM {row}.birth_date) = 1
                  AND extract(day FROM {row}.birth_date) = 1))) THEN '{PLACEHOLDER}' END
      ]::varchar[], NULL) END)"""


def marks_values(day: date | None = None) -> dict[str, Any]:
    """The parameters of `marks_sql` for a day (default today)."""
    day = day or clock.today()
    ends = last_day() - day < LONGEST_WAIT
    left = range((last_day() - day).days + 1) if ends else range(0)
    return {
        "mark_day": day,
        "mark_too_old": _too_old(day),
        "mark_fillers": list(FILLERS),
        "mark_ends": ends,
        "mark_coming": sorted(set[int]().union(*(keys_of(day + timedelta(days=n)) for n in left))),
    }


# The new marks come from the row itself, so that what somebody changes meanwhile is seen.
_MARKS = marks_sql("c", marks="c.quality_marks", imported="c.source_no <> ''")
_MARK = f"""UPDATE customers_customer c SET quality_marks = {_MARKS}
  WHERE c.id >= %(low)s AND c.id <= %(high)s AND c.quality_marks IS DISTINCT FROM {_MARKS}"""


def mark_all(day: date | None = None, *, piece: int = 10_000) -> Iterator[tuple[int, int]]:
    """Put every archive's marks right as `marked` would, `piece` archives a transaction.

    Yields, after each, how many archives were looked at and how many got other marks; broken off and begun again, the
    result is the same. Neither version nor history changes: nobody changed the customer.
    """
    values = marks_values(day)

    def mark(cursor: Any, low: int, high: int) -> int:
        cursor.execute(_MARK, values | {"low": low, "high": high})
        return int(cursor.rowcount)

    return by_pieces("customers_customer", "id", mark, piece=piece)


def _too_old(day: date) -> date:
    """Who was born on this date or before is older than `OLDEST` full years on `day`."""
    year = day.year - OLDEST - 1
    return date(year, day.month, min(day.day, monthrange(year, day.month)[1]))
