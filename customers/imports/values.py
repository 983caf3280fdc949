"""One cell of a file to one typed value: what is accepted, and in which words the rest is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from customers import normal
from foundation.common.errors import RuleBroken
from foundation.ui.wording import join_words

EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)
LONGEST_CELL = 32_767  # what a spreadsheet cell holds
_DATE = re.compile(r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|(\d{2})(\d{2}))(?:[ T].*)?\Z")
_MONTH = re.compile(r"(\d{4})[-/.]?(\d{1,2})(?:[-/.]0?1)?\Z")


class BadValue(ValueError):
    """Why a cell cannot be used, in words."""


def read_text(text: str, longest: int) -> str:
    """The text, at most `longest` characters, without control characters."""
    if len(text) > longest:
        raise BadValue(
            _("%(length)s characters; at most %(longest)s fit. Shorten it.") % {"length": len(text), "longest": longest}
        )
    if not text.isprintable():
        text = " ".join(text.split())
        if normal.without_marks(text) != text:
            raise BadValue(_("holds invisible characters. Type it again by hand."))
    return text


def read_date(text: str) -> date:
    """A day: 2026-11-22, 2026/11/22, 20261122, with or without a time; the years 1900 to 2100."""
    found = _DATE.match(text)
    if not found:
        raise BadValue(_("is not a date. Write it like 2026-11-22."))
    year, month, day, short_month, short_day = found.groups()
    return _day(int(year), int(month or short_month), int(day or short_day))


def read_month(text: str) -> date:
    """The first day of a month: 2026-10, 202610, 2026/10."""
    found = _MONTH.match(text)
    if not found:
        raise BadValue(_("is not a month. Write it like 2026-10."))
    return _day(int(found[1]), int(found[2]), 1)


def _day(year: int, month: int, day: int) -> date:
    try:
        made = date(year, month, day)
    except ValueError:
        raise BadValue(_("is not a day of the calendar.")) from None
    if not EARLIEST <= made <= LATEST:
        raise BadValue(
            _("lies outside %(first)s to %(last)s: a filler is better left empty.")
            % {"first": EARLIEST.year, "last": LATEST.year}
        )
    return made


def read_integer(text: str) -> int:
    """A whole number from 0 to 2,147,483,647; 1,234 and 12.0 are understood."""
    number = _number(text)
    if number != number.to_integral_value():
        raise BadValue(_("must be a whole number."))
    if not 0 <= number <= 2_147_483_647:
        raise BadValue(_("must lie between 0 and 2147483647."))
    return int(number)


def read_small(text: str) -> int:
    """A whole number of days in a month."""
    number = read_integer(text)
    if number > 31:
        raise BadValue(_("must lie between 0 and 31."))
    return number


def read_money(text: str) -> str:
    """An amount in CNY with at most two decimals, as text."""
    number = _number(text)
    if abs(number) >= Decimal(10) ** 10:
        raise BadValue(_("is too large an amount."))
    return str(number.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP"))


def read_fee(text: str) -> str:
    """An amount that is not negative."""
    amount = read_money(text)
    if amount.startswith("-") and Decimal(amount) != 0:
        raise BadValue(_("must not be negative."))
    return amount


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.replace(",", "").removeprefix("¥").strip())
    except InvalidOperation:
        raise BadValue(_("is not a number.")) from None
    if not number.is_finite():
        raise BadValue(_("is not a number."))
    return number


def read_contact(kind: str, text: str) -> str:
    """The stored spelling of a contact point, as the pages spell it (customers.normal)."""
    return _normal(partial(normal.contact_value, kind), text)


def read_service_no(text: str) -> str:
    """The stored spelling of a line's number."""
    return _normal(normal.service_number, text)


def _normal(read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except RuleBroken as no:
        raise BadValue(str(no.message)) from no


def read_code(text: str) -> str:
    """A code of letters, digits and signs without spaces, at most 64 characters."""
    if len(text) > 64 or any(character.isspace() for character in text):
        raise BadValue(_("must be at most 64 characters without spaces."))
    return text


def read_id_number(text: str, id_type: str) -> str:
    """The stored spelling of a document number, its check digit right."""
    return _normal(partial(normal.id_number, id_type=id_type), text)


def read_choice(text: str, choices: dict[str, str]) -> str:
    """One of the codes in `choices` (small letters -> code)."""
    found = choices.get(text.lower())
    if found is None:
        raise BadValue(_("is not one of: %(choices)s.") % {"choices": join_words(choices.values())})
    return found


Reader = Callable[[str], Any]


def text_of(value: Any) -> str:
    """A spreadsheet's typed cell as the text a CSV file would hold. Raises BadValue for what lost precision."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        if value.is_integer():
            if abs(value) >= 10**15:
                raise BadValue(_("lost its last digits as a number: format the column as text."))
            return str(int(value))
        return repr(value)
    if isinstance(value, int):
        if abs(value) >= 10**15:
            raise BadValue(_("may have lost its last digits as a number: format the column as text."))
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()[:19]
    return str(value)
