"""Mappings of recorded complaints: which column of a source becomes which field of a case. Format: docs/import.md."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from complaints.lifecycle import ENDED, Grade, Solved, State
from complaints.services.intake import LONGEST_FACT, LONGEST_TEXT
from customers import normal
from customers.imports import values
from customers.imports.specs import FileMapping, Spec, heading, specs_of
from customers.imports.values import BadValue, Reader
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from foundation.common.errors import BadSetting, RuleBroken
from interactions.lifecycle import Channel

# Where a record may stand: those whose work needs nothing a file does not tell.
STATES = (State.REGISTERED, State.ACKNOWLEDGED, State.ASSESSED, State.ASSIGNED, State.CLOSED, State.WITHDRAWN)
RECORDED_ENDED = tuple(state for state in STATES if state in ENDED)
GRADES = (Grade.ORDINARY, Grade.UPGRADED, Grade.MAJOR, Grade.SKIP_LEVEL)
SOLVED = tuple(code for code in Solved.values if code)
EARLIEST = 1990
_MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?\Z",
    re.ASCII,
)


def read_moment(text: str) -> datetime:
    """A moment: 2015-06-24 10:13:55, 2015/6/24 10:13, 2015-06-24 (its beginning); in the business zone unless it names
    its offset. Years from 1990 on."""
    found = _MOMENT.match(text)
    if not found:
        raise BadValue(_("is not a moment. Write it like 2026-11-22 10:30."))
    year, month, day, hour, minute, second, offset = found.groups()
    try:
        made = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
        if offset:
            made = datetime.fromisoformat(f"{made.isoformat()}{offset}")
    except ValueError:
        raise BadValue(_("is not a day and hour of the calendar.")) from None
    if not EARLIEST <= made.year <= values.LATEST.year:
        words = _("lies outside %(first)s to %(last)s: a filler is better left empty.")
        raise BadValue(words % {"first": EARLIEST, "last": values.LATEST.year})
    return made if made.tzinfo is not None else made.replace(tzinfo=clock.BUSINESS_ZONE)


def read_story(text: str, longest: int) -> str:
    """Free text with its lines, at most `longest` characters, without control characters and invisible marks."""
    said = text.replace("\r\n", "\n").replace("\r", "\n")
    said = "".join(one for one in said if one in "\n\t" or unicodedata.category(one) not in {"Cc", "Cf", "Co", "Cn"})
    said = said.strip()
    if len(said) > longest:
        words = _("%(length)s characters; at most %(longest)s fit. Shorten it.")
        raise BadValue(words % {"length": len(said), "longest": longest})
    return said


def _choice(codes: Any) -> Reader:
    return partial(values.read_choice, choices={str(code).lower(): str(code) for code in codes})


def _text(longest: int) -> Reader:
    return partial(values.read_text, longest=longest)


def _phone(text: str) -> str:
    return _normal(partial(normal.phone, kind="PHONE"), text)


def _email(text: str) -> str:
    return _normal(normal.email, text)


def _normal(read: Any, text: str) -> str:
    try:
        return str(read(text))
    except RuleBroken as no:
        raise BadValue(str(no.message)) from no


def _score(text: str) -> int:
    number = values.read_integer(text)
    if not 1 <= number <= 5:
        raise BadValue(_("must lie between 1 and 5."))
    return number


CASE_FIELDS: dict[str, Reader] = {
    "received_at": read_moment,
    "answered_at": read_moment,
    "closed_at": read_moment,
    "channel": _choice(Channel.values),
    "state": _choice(STATES),
    "grade": _choice(GRADES),
    "solved": _choice(SOLVED),
    "satisfaction": _score,
    "subject": _text(120),
    "text": partial(read_story, longest=LONGEST_TEXT),
    "demand": partial(read_story, longest=400),
    "lesson": partial(read_story, longest=400),
    "topic": _text(60),
    "cause": _text(60),
    "product_line": _choice(ProductLine.values),
    "brand": _text(40),
    "area": _text(40),
    "amount": values.read_fee,
    "language": _choice(["zh-hans", "en"]),
    "contact_name": _text(80),
    "contact_phone": _phone,
    "contact_email": _email,
    "customer": values.read_code,
    "customer_no": values.read_code,
    "service_no": values.read_service_no,
    "unit": values.read_code,
    "owner": values.read_code,
}
NEEDED = {"received_at", "channel"}


@dataclass(frozen=True, kw_only=True)
class CaseMapping(FileMapping):
    """A mapping whose rows become cases. `facts`: what else is told, by the code of the question it answers.
    `customers_of`: the source in which `customer_no` numbers customers."""

    case: tuple[Spec, ...]
    facts: tuple[Spec, ...]
    customers_of: str = ""

    def specs(self) -> Iterator[Spec]:
        """Every field it fills."""
        yield from self.case
        yield from self.facts

    def required_columns(self) -> list[str]:
        """What a file must have: all of it, or the key and what no case is without."""
        needed = [name for spec in self.case if spec.target in NEEDED for name in spec.columns()]
        return list(dict.fromkeys([self.key_column, *needed])) if self.may_miss_columns else self.columns()


class _AnyFact(dict[str, Reader]):
    """The facts of a mapping are named by itself."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name))

    def __missing__(self, name: str) -> Reader:
        return _text(LONGEST_FACT)


def parse(key: str, text: dict[str, Any]) -> CaseMapping:
    """A mapping from its TOML. Raises BadSetting naming the file and what it cannot use."""
    try:
        case = specs_of(text["complaint"], CASE_FIELDS)
        named = {spec.target for spec in case}
        if missing := NEEDED - named:
            raise ValueError(f"{', '.join(sorted(missing))} must be given")
        if not named & {"text", "subject"}:
            raise ValueError("text or subject must be given")
        return CaseMapping(
            **heading(key, text),
            case=case,
            facts=specs_of(text.get("facts", {}), _AnyFact()),
            customers_of=text.get("customers_of", ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSetting(f"the mapping {key}.toml cannot be used: {error!r}") from error
