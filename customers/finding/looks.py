"""What a typed text may mean: the look-ups it deserves, in order (recipes §5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy

from customers.finding.forms import folded, grams, pinyin_typed, surname_first
from customers.finding.pinyin import letters_of
from customers.normal import compact, domestic

FEWEST_DIGITS, LONGEST_INITIALS, MOST_CITIES = 3, 12, 5
# As the indexes find_sign_pinyin and find_sign_initials spell them.
_SIGN_PINYIN = "(coalesce(left(t.name, 1), '') || coalesce(t.pinyin, ''))"
_SIGN_INITIALS = "(coalesce(left(t.name, 1), '') || coalesce(t.initials, ''))"
_MIXED = re.compile(r"([\u3400-\u9fff]+)[ ]?([a-z][a-z' ]*)")


class Kind(TextChoices):
    """How a customer was found."""

    NUMBER = "number", gettext_lazy("number")
    ID = "id", gettext_lazy("ID number")
    EMAIL = "email", gettext_lazy("e-mail")
    NUMBER_PREFIX = "number_prefix", gettext_lazy("beginning of a number")
    NUMBER_TAIL = "number_tail", gettext_lazy("end of a number")
    ID_TAIL = "id_tail", gettext_lazy("last 4 of the ID")
    NAME = "name", gettext_lazy("name")
    NAME_PREFIX = "name_prefix", gettext_lazy("beginning of the name")
    SHORT_NAME = "short_name", gettext_lazy("short name")
    NAME_PART = "name_part", gettext_lazy("part of the name")
    PINYIN = "pinyin", gettext_lazy("pinyin")
    INITIALS = "initials", gettext_lazy("initials")
    CITY = "city", gettext_lazy("city")


@dataclass(frozen=True)
class Look:
    """One look-up of own-scope rows. `by`: the column (or expression in brackets) that orders before the id, or "" for
    newest first.

    `within`: a column the condition holds to one value by a range. It stands in the order too, so that only an index
    that begins with it serves, and not a walk over all ids from the newest on.

    `by_unit`: a user who sees some units only gets the rows unit by unit. In the order of all numbers a unit of a
    hundredth of the customers would let a hundred rows pass for each one shown.

    `for_all`: the same look-up by an index of its own, for who sees everything: by this one too many of all customers
    would have to be passed for each one shown.
    """

    kind: str
    table: str
    where: str
    params: tuple[Any, ...]
    by: str = ""
    shown: str = "''"
    key: str = "customer_id"
    within: str = ""
    by_unit: bool = False
    for_all: Look | None = None


def looks_of(plain: str) -> list[Look]:
    """The look-ups `plain` deserves, in order."""
    if "@" in plain:
        return [_number_look(Kind.EMAIL, "t.value = %s AND t.kind = 'EMAIL'", plain)]
    number = domestic(compact(plain))
    written = number.removeprefix("+")  # of a number abroad
    if any(character.isdigit() for character in plain) and written.isascii() and written.isalnum():
        return [*_number_looks(number), *([] if number.isdecimal() else _name_looks(plain)), *_city_looks(plain)]
    return [*_name_looks(plain), *_city_looks(plain)]


def _number_looks(short: str) -> list[Look]:
    looks = []
    if len(short) == 4:
        looks.append(
            Look(
                Kind.ID_TAIL, "customer_find_name", "t.id_last4 = %s AND t.id_last4 <> ''", (short,), shown="t.id_last4"
            )
        )
    if len(short) >= 4:
        tail = like(short[::-1])
        where = "t.tail LIKE %s AND t.tail <> ''"
        looks.append(Look(Kind.NUMBER_TAIL, "customer_find_number", where, (tail,), by="tail", shown="t.value"))
    if len(short) >= FEWEST_DIGITS:
        where = "t.value LIKE %s AND t.kind <> 'EMAIL'"
        numbers = (Kind.NUMBER_PREFIX, "customer_find_number", where, (like(short),))
        prefix = Look(*numbers, by="value", shown="t.value", by_unit=True)
        # Four digits are mostly an ending, more or fewer a beginning.
        looks.insert(len(looks) if len(short) == 4 else 0, prefix)
    return looks


def _number_look(kind: str, where: str, value: str) -> Look:
    return Look(kind, "customer_find_number", where, (value,), shown="t.value")


def _name_looks(plain: str) -> list[Look]:
    turned = surname_first(plain)
    names, letters, plain = "customer_find_name", pinyin_typed(plain), folded(plain)
    initials = Look(Kind.INITIALS, names, "t.initials = %s", (letters,), shown="t.name", by_unit=True)
    reading = (Kind.PINYIN, names, "t.pinyin LIKE %s", (like(letters),))
    pinyin = Look(*reading, by="pinyin", shown="t.name", by_unit=True)
    begins = (Kind.NAME_PREFIX, names, "t.name LIKE %s", (like(plain),))
    called = (Kind.SHORT_NAME, names, "t.short_name LIKE %s AND t.short_name <> ''", (like(plain),))
    short_initials = (Kind.SHORT_NAME, names, "t.short_initials = %s AND t.short_initials <> ''", (letters,))
    short_pinyin = (Kind.SHORT_NAME, names, "t.short_pinyin LIKE %s AND t.short_pinyin <> ''", (like(letters),))
    if len(plain) < 2:  # only signs, or letters with them: no name begins with nothing
        return [pinyin] if len(letters) > 1 else []
    looks = [
        # Called exactly so comes first: a walk by units is not in the order of names.
        Look(Kind.NAME, names, "t.name = %s", (plain,), shown="t.name", by_unit=True),
        *([initials] if 1 < len(letters) <= LONGEST_INITIALS else []),
        Look(*begins, by="name", shown="t.name", by_unit=True),
        *([pinyin] if letters else []),
        # A short name of Latin words is its own pinyin: found below.
        *([Look(*called, by="short_name", shown="t.short_name")] if letters != plain.replace(" ", "") else []),
    ]
    if 1 < len(letters) <= LONGEST_INITIALS:
        looks.append(Look(*short_initials, shown="t.short_name", by_unit=True))
    if letters:
        looks.append(Look(*short_pinyin, by="short_pinyin", shown="t.short_name", by_unit=True))
    if mixed := _MIXED.fullmatch(plain):
        looks += _mixed_looks(*mixed.groups())
    if turned:
        looks.append(
            Look(Kind.PINYIN, names, "t.pinyin LIKE %s", (like(turned),), by="pinyin", shown="t.name", by_unit=True)
        )
    pieces = sorted(grams(plain), key=plain.index)
    if pieces:
        looks.append(_part_look(plain, pieces))
    return looks


def _mixed_looks(signs: str, letters: str) -> list[Look]:
    """Names that begin with `signs` and go on with `letters`: their initials, or the beginning of their pinyin."""
    # Behind a sign a surname is read as one.
    reading, initials = (text[:-1] for text in letters_of(f"{signs}x", is_person=True))
    names, letters, begin = "customer_find_name", letters.replace(" ", "").replace("'", ""), like(signs)
    first = (Kind.INITIALS, names, "t.initials = %s AND t.name LIKE %s", (initials + letters, begin))
    then = (Kind.PINYIN, names, "t.pinyin LIKE %s AND t.name LIKE %s", (like(reading + letters), begin))
    # Two initials alone are those of too many other surnames.
    few = len(initials + letters) < 3 or len(initials + letters) > LONGEST_INITIALS
    # The first sign and the letters of all in one: as an index holds them.
    more, rest = (" AND t.name LIKE %s", (begin,)) if len(signs) > 1 else ("", ())
    of_all = (Kind.INITIALS, names, f"{_SIGN_INITIALS} = %s{more}", (signs[0] + initials + letters, *rest))
    then_of_all = (Kind.PINYIN, names, f"{_SIGN_PINYIN} LIKE %s{more}", (like(signs[0] + reading + letters), *rest))
    all_read = Look(*then_of_all, by=_SIGN_PINYIN, shown="t.name")
    return [
        *([] if few else [Look(*first, shown="t.name", by_unit=True, for_all=Look(*of_all, shown="t.name"))]),
        Look(*then, by="pinyin", shown="t.name", by_unit=True, for_all=all_read),
    ]


def _part_look(plain: str, pieces: list[str]) -> Look:
    """Names with `plain` inside, newest customers first; those that begin with it were found before."""
    if len(plain) == 2:
        return Look(Kind.NAME_PART, "customer_name_gram", "t.gram = %s", (plain,), by_unit=True)
    # First and last piece joined; the whole text decides.
    return Look(
        Kind.NAME_PART,
        "customer_name_gram",
        """t.gram = %s AND EXISTS (SELECT 1 FROM customer_name_gram o WHERE o.gram = %s
             AND o.customer_id = t.customer_id)
           AND EXISTS (SELECT 1 FROM customer_find_name n WHERE n.customer_id = t.customer_id
             AND (n.name LIKE %s OR n.short_name LIKE %s))""",
        (pieces[0], pieces[-1], "%" + like(plain), "%" + like(plain)),
        by_unit=True,
    )


def _city_looks(plain: str) -> list[Look]:
    cities = _cities(dict.fromkeys((plain, plain.title(), folded(plain))))
    return [
        Look(
            Kind.CITY,
            "customers_customer",
            "t.home_city BETWEEN %s AND %s AND t.merged_into_id IS NULL",
            (city, city),
            shown="t.home_city",
            key="id",
            within="home_city",
            by_unit=True,
        )
        for city in cities
    ]


def _cities(spellings: Iterable[str]) -> list[str]:
    """Cities that are called so or begin so: a walk over the different values of the index, a few steps long."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT found.name FROM unnest(%s::text[]) WITH ORDINALITY AS asked (start, place) CROSS JOIN LATERAL (
                 WITH RECURSIVE city(name) AS (
                   (SELECT home_city FROM customers_customer WHERE home_city >= asked.start ORDER BY home_city LIMIT 1)
                   UNION ALL
                   SELECT (SELECT c.home_city FROM customers_customer c WHERE c.home_city > city.name
                           ORDER BY c.home_city LIMIT 1)
                   FROM city WHERE starts_with(city.name, asked.start))
                 SELECT name FROM city WHERE starts_with(name, asked.start) LIMIT %s) found
               ORDER BY asked.place, found.name""",
            [[start for start in spellings if start], MOST_CITIES],
        )
        return list(dict.fromkeys(name for (name,) in cursor.fetchall()))[:MOST_CITIES]


def like(text: str) -> str:
    """A LIKE pattern for "begins with"."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
