"""Kinds of policy values: what Python gets, what is stored, what a person types. Every refusal is in
words.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from foundation.calendars.windows import Window, as_pairs, check_windows, read_windows, windows_json, write_windows
from foundation.common.errors import RuleBroken
from foundation.common.sentences import join_words

if TYPE_CHECKING:
    from foundation.policies.registry import Policy

LONGEST_TEXT = 500
LARGEST_TABLE = 65_536
LARGEST_NUMBER = 10**12
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_YES, _NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}


class Kind(StrEnum):
    """INT, DECIMAL (Decimal), DURATION (timedelta, in the policy's unit for people), BOOL, TEXT, WINDOWS
    (tuple of Window), TABLE (JSON, checked by the policy's own function).
    """

    INT = "int"
    DECIMAL = "decimal"
    DURATION = "duration"
    BOOL = "bool"
    TEXT = "text"
    WINDOWS = "windows"
    TABLE = "table"


def refuse(policy: Policy, why: str) -> RuleBroken:
    """The refusal of a value, naming the policy."""
    return RuleBroken("policies.value", f"{policy.key}: {why}")


def checked(policy: Policy, value: Any) -> Any:
    """`value` in its exact type, within the bounds and choices of `policy`. Refuses (RuleBroken
    `policies.value`) any other.
    """
    value = _TYPED[policy.kind](policy, value)
    if policy.choices is not None and value not in policy.choices:
        allowed = join_words(as_text(policy, choice) for choice in policy.choices)
        raise refuse(policy, _("must be one of %(allowed)s.") % {"allowed": allowed})
    if policy.low is not None and value < policy.low:
        raise refuse(policy, _("must not be below %(low)s.") % {"low": as_text(policy, policy.low)})
    if policy.high is not None and value > policy.high:
        raise refuse(policy, _("must not be above %(high)s.") % {"high": as_text(policy, policy.high)})
    return value


def stored(policy: Policy, value: Any) -> Any:
    """A checked value as JSON."""
    if policy.kind == Kind.DECIMAL:
        return format(value, "f")
    if policy.kind == Kind.DURATION:
        return int(value.total_seconds())
    if policy.kind == Kind.WINDOWS:
        return windows_json(value)
    return value


def from_stored(policy: Policy, value: Any) -> Any:
    """The value of stored JSON; tables are a copy, so that nobody changes another's."""
    if policy.kind == Kind.DECIMAL:
        return Decimal(value)
    if policy.kind == Kind.DURATION:
        return timedelta(seconds=value)
    if policy.kind == Kind.WINDOWS:
        return tuple(Window(*pair) for pair in value)
    return copy.deepcopy(value) if policy.kind == Kind.TABLE else value


def from_text(policy: Policy, text: str) -> Any:
    """The checked value of what a person typed (durations as a number of the policy's unit, windows as
    09:00-18:00, tables as JSON). Refuses (RuleBroken `policies.value`) what does not read.
    """
    text = text.strip()
    return checked(policy, _PARSE[policy.kind](policy, text))


def as_text(policy: Policy, value: Any) -> str:
    """A value as `from_text` takes it."""
    if policy.kind == Kind.DURATION:
        return format((Decimal(int(value.total_seconds())) / UNIT_SECONDS[policy.unit]).normalize(), "f")
    if policy.kind == Kind.DECIMAL:
        return format(value, "f")
    if policy.kind == Kind.BOOL:
        return "true" if value else "false"
    if policy.kind == Kind.WINDOWS:
        return write_windows(value)
    if policy.kind == Kind.TABLE:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return str(value)


def _int(policy: Policy, value: Any) -> int:
    if type(value) is not int:
        raise refuse(policy, _("must be a whole number."))
    if abs(value) > LARGEST_NUMBER:
        raise refuse(policy, _("is too large a number."))
    return value


def _decimal(policy: Policy, value: Any) -> Decimal:
    if type(value) is int:
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise refuse(policy, _("must be a number."))
    exponent = value.as_tuple().exponent
    if abs(value) > LARGEST_NUMBER or not isinstance(exponent, int) or exponent < -8:
        raise refuse(policy, _("is too large a number or has more than 8 decimals."))
    return value


def _duration(policy: Policy, value: Any) -> timedelta:
    if not isinstance(value, timedelta) or value.microseconds:
        raise refuse(policy, _("must be a length of time in whole seconds."))
    if value < timedelta():
        raise refuse(policy, _("must not be negative."))
    return value


def _bool(policy: Policy, value: Any) -> bool:
    if type(value) is not bool:
        raise refuse(policy, _("must be yes or no."))
    return value


def _text(policy: Policy, value: Any) -> str:
    if not isinstance(value, str):
        raise refuse(policy, _("must be a text."))
    if len(value) > LONGEST_TEXT:
        raise refuse(policy, _("is longer than %(longest)s characters.") % {"longest": LONGEST_TEXT})
    if _CONTROL.search(value):
        raise refuse(policy, _("has characters that cannot be shown."))
    return value


def _windows(policy: Policy, value: Any) -> tuple[Window, ...]:
    try:
        return check_windows(as_pairs(value))
    except RuleBroken as no:
        raise refuse(policy, str(no.message)) from no


def _table(policy: Policy, value: Any) -> Any:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse(policy, _("must be a table of plain values.")) from error
    if len(text) > LARGEST_TABLE or "\\u0000" in text:
        raise refuse(policy, _("is too large a table, or has characters that cannot be stored."))
    plain = json.loads(text)
    if plain is None or policy.check is None:
        raise refuse(policy, _("must be a table of plain values."))
    try:
        policy.check(plain)
    except RuleBroken as no:
        raise refuse(policy, str(no.message)) from no
    return plain


def _parse_int(policy: Policy, text: str) -> int:
    if not re.fullmatch(r"[+-]?\d{1,15}", text):
        raise refuse(policy, _("must be a whole number."))
    return int(text)


def _parse_decimal(policy: Policy, text: str) -> Decimal:
    try:
        return Decimal(text[:40])
    except InvalidOperation:
        raise refuse(policy, _("must be a number.")) from None


def _parse_duration(policy: Policy, text: str) -> timedelta:
    number = _decimal(policy, _parse_decimal(policy, text))
    try:
        return timedelta(seconds=float(number * UNIT_SECONDS[policy.unit]))
    except OverflowError:
        raise refuse(policy, _("is too large a number.")) from None


def _parse_bool(policy: Policy, text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise refuse(policy, _("must be yes or no."))


def _parse_windows(policy: Policy, text: str) -> tuple[Window, ...]:
    try:
        return read_windows(text)
    except RuleBroken as no:
        raise refuse(policy, str(no.message)) from no


def _parse_table(policy: Policy, text: str) -> Any:
    try:
        return json.loads(text[: LARGEST_TABLE + 1])
    except (ValueError, RecursionError):
        raise refuse(policy, _("is no valid JSON.")) from None


_TYPED: dict[Kind, Callable[[Policy, Any], Any]] = {
    Kind.INT: _int,
    Kind.DECIMAL: _decimal,
    Kind.DURATION: _duration,
    Kind.BOOL: _bool,
    Kind.TEXT: _text,
    Kind.WINDOWS: _windows,
    Kind.TABLE: _table,
}
_PARSE: dict[Kind, Callable[[Policy, str], Any]] = {
    Kind.INT: _parse_int,
    Kind.DECIMAL: _parse_decimal,
    Kind.DURATION: _parse_duration,
    Kind.BOOL: _parse_bool,
    Kind.TEXT: lambda _policy, text: text,
    Kind.WINDOWS: _parse_windows,
    Kind.TABLE: _parse_table,
}
