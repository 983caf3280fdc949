"""Which part of what the search shows is what was typed (ui-guide §12.3). Values stay masked: a mark covers only
characters the mask shows anyway."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString

from customers.finding.forms import as_typed, folded
from customers.finding.looks import Kind
from customers.finding.search import Hit
from customers.models import Customer
from customers.normal import compact, domestic
from staff.masking import STAR, masked

WHOLE = {Kind.NUMBER, Kind.ID, Kind.EMAIL, Kind.NAME, Kind.INITIALS}
NAMES = {Kind.NAME, Kind.NAME_PREFIX, Kind.SHORT_NAME, Kind.NAME_PART, Kind.PINYIN, Kind.INITIALS}
LONGEST_PHONE = 15


@dataclass(frozen=True)
class Marked:
    """The cells of a found line, the matched part marked. `value`: what matched besides name, number and city."""

    name: SafeString
    number: SafeString
    city: SafeString
    value: SafeString


def marked_line(customer: Customer, name: str, typed: str, hit: Hit) -> Marked:
    """`name`: the masked one. `hit` says how and by which stored value the typed text found the customer."""
    kind, typed = Kind(hit.kind), as_typed(typed)
    by_name = name_part(kind, customer.name, typed) if kind in NAMES else None
    in_number = kind in {Kind.NUMBER, Kind.NUMBER_PREFIX} and hit.matched == customer.number
    length = len(customer.number) if kind == Kind.NUMBER else len(domestic(compact(typed)))
    return Marked(
        name=with_mark(name, by_name),
        number=with_mark(customer.number, (0, length, len(customer.number)) if in_number else None),
        city=with_mark(customer.home_city, _of_city(customer.home_city, typed) if kind == Kind.CITY else None),
        value=SafeString("") if in_number else _value(kind, hit.matched, typed),
    )


def name_part(kind: Kind, name: str, typed: str) -> tuple[int, int, int] | None:
    """Where in the compared form of a name the match lies: (begin, end, length of the name)."""
    plain, text = folded(name), folded(typed)
    if kind in WHOLE:
        return 0, len(plain), len(plain)
    if kind == Kind.PINYIN:  # the letters begin with those of the first character
        return 0, 1, len(plain)
    at = plain.find(text)
    return (at, at + len(text), len(plain)) if at >= 0 and text else None


def with_mark(shown: str, part: tuple[int, int, int] | None) -> SafeString:
    """`shown` escaped, with those of its visible characters marked that stand in `part` of the whole value.

    Behind the stars of a mask the place is counted from the end.
    """
    if part is None:
        return SafeString(escape(shown))
    begin, end, length = part
    first = shown.find(STAR)
    last = shown.rfind(STAR)
    places: list[int | None] = [None] * len(shown)
    for count, at in enumerate(at for at in range(len(shown) if first < 0 else first) if not shown[at].isspace()):
        places[at] = count
    if first >= 0:
        behind = [at for at in range(len(shown) - 1, last, -1) if not shown[at].isspace()]
        for count, at in enumerate(behind):
            places[at] = length - 1 - count
    out, open_ = [], False
    for character, place in zip(shown, places, strict=True):
        hit = place is not None and begin <= place < end
        if hit != open_:
            out.append("<mark>" if hit else "</mark>")
            open_ = hit
        out.append(escape(character))
    return SafeString("".join(out) + ("</mark>" if open_ else ""))


def _of_city(city: str, typed: str) -> tuple[int, int, int]:
    return 0, len(folded(typed)), len(city)


def _value(kind: Kind, stored: str, typed: str) -> SafeString:
    """The number, document or address that matched, masked, with its matched part marked."""
    if kind in {Kind.ID, Kind.ID_TAIL}:
        return with_mark(masked("id", stored), (14, 18, 18))
    if kind == Kind.EMAIL:
        return with_mark(masked("email", stored), (0, len(stored), len(stored)))
    if kind not in {Kind.NUMBER, Kind.NUMBER_PREFIX, Kind.NUMBER_TAIL}:
        return SafeString("")
    digits = stored.removeprefix("+")
    shown = masked("phone" if digits.isdecimal() and len(digits) <= LONGEST_PHONE else "account", stored)
    length, count = len(digits), len(domestic(compact(typed)).removeprefix("+"))
    part = {Kind.NUMBER: (0, length), Kind.NUMBER_PREFIX: (0, count), Kind.NUMBER_TAIL: (length - count, length)}[kind]
    return with_mark(shown, (*part, length))
