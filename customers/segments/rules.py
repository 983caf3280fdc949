"""The rule of a segment: a typed tree, checked, compiled to conditions of the ORM, said in words. Never SQL text.

    {"version": 1, "rule": {"all": [{"column": "value_class", "op": "in", "value": ["5", "4"]},
                                    {"not": {"column": "managed", "op": "is", "value": true}}]}}

Nodes: `all`, `any` (lists of nodes), `not` (one node), or a comparison of a declared column (columns.py).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from customers.segments.columns import OPERATORS, OPERATORS_OF, Column, Kind, columns, everybody
from foundation.common.errors import RuleBroken
from foundation.ui.wording import join_words

VERSION = 1
DEEPEST, MOST_NODES, MOST_VALUES, LONGEST_TEXT = 8, 60, 50, 60
LISTS = ("all", "any")
Rule = dict[str, Any]


def checked(stored: Any) -> Rule:
    """A rule in its exact form: unknown columns, wrong types, too deep and too large ones are refused.

    Raises RuleBroken segments.bad_rule with words that name the place.
    """
    if not isinstance(stored, dict) or set(stored) != {"version", "rule"}:
        raise _bad(_("A rule is an object with “version” and “rule”."))
    if stored["version"] != VERSION:
        raise _bad(_("This rule is of another version: %(version)s.") % {"version": str(stored["version"])[:20]})
    return {"version": VERSION, "rule": _Check().node(stored["rule"], 1)}


class _Check:
    """One walk over a rule, counting what it meets."""

    def __init__(self) -> None:
        self.nodes = 0

    def node(self, node: Any, depth: int) -> Rule:
        self.nodes += 1
        if depth > DEEPEST:
            raise _bad(_("Groups may lie at most %(most)s deep.") % {"most": DEEPEST})
        if self.nodes > MOST_NODES:
            raise _bad(_("A rule may have at most %(most)s parts.") % {"most": MOST_NODES})
        if not isinstance(node, dict):
            raise _bad(_("Each part of a rule is a group or a comparison."))
        if set(node) == {"not"}:
            return {"not": self.node(node["not"], depth + 1)}
        if len(node) == 1 and next(iter(node)) in LISTS:
            kind, parts = next(iter(node.items()))
            if not isinstance(parts, list) or not parts:
                raise _bad(_("A group needs at least one condition."))
            return {kind: [self.node(part, depth + 1) for part in parts]}
        if set(node) == {"column", "op", "value"}:
            return _comparison(node)
        raise _bad(_("Each part of a rule is a group or a comparison."))


def _comparison(node: Rule) -> Rule:
    column = columns().get(node["column"]) if isinstance(node["column"], str) else None
    if column is None:
        raise _bad(_("There is no column “%(name)s”.") % {"name": str(node["column"])[:40]})
    if node["op"] not in OPERATORS_OF[column.kind]:
        raise _bad(_("%(column)s cannot be compared so.") % {"column": column.label})
    return {"column": column.key, "op": node["op"], "value": _value(column, node["value"])}


def _value(column: Column, value: Any) -> Any:
    """The value of a comparison as it is stored: amounts as texts."""
    if column.kind is Kind.FLAG:
        if type(value) is not bool:
            raise _bad(_("%(column)s: choose yes or no.") % {"column": column.label})
        return value
    if column.kind in (Kind.CHOICE, Kind.TEXT):
        if not isinstance(value, list) or not value:
            raise _bad(_("%(column)s: choose at least one.") % {"column": column.label})
        if len(value) > MOST_VALUES:
            raise _bad(_("%(column)s: at most %(most)s values.") % {"column": column.label, "most": MOST_VALUES})
        known = column.choices
        if not all(isinstance(one, str) and (one in known if known else _is_plain(one)) for one in value):
            raise _bad(_("%(column)s: choose of what is offered.") % {"column": column.label})
        return list(dict.fromkeys(value))
    number = _number(column, value)
    if not column.low <= number <= column.high:
        words = {"column": column.label, "low": column.low, "high": column.high}
        raise _bad(_("%(column)s: from %(low)s to %(high)s.") % words)
    return int(number) if column.kind is Kind.NUMBER else f"{number:.2f}"


def _is_plain(text: str) -> bool:
    return bool(text.strip()) and len(text) <= LONGEST_TEXT and text.isprintable()


def _number(column: Column, value: Any) -> Decimal:
    whole = column.kind is Kind.NUMBER
    try:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(value)
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > 12:
            raise ValueError(value)
        if number != number.quantize(Decimal(1) if whole else Decimal("0.01")):
            raise ValueError(value)
    except (ValueError, InvalidOperation):
        words = _("%(column)s: a whole number.") if whole else _("%(column)s: an amount with at most two decimals.")
        raise _bad(words % {"column": column.label}) from None
    return number


def condition_of(rule: Rule) -> Q:
    """The customers a checked rule holds for. Raises RuleBroken segments.bad_rule when a column is there no more."""
    return everybody() & _compiled(checked(rule)["rule"])


def _compiled(node: Rule) -> Q:
    if "not" in node:
        return ~_compiled(node["not"])
    if "all" in node:
        found = _compiled(node["all"][0])
        for part in node["all"][1:]:
            found &= _compiled(part)
        return found
    if "any" in node:
        found = _compiled(node["any"][0])
        for part in node["any"][1:]:
            found |= _compiled(part)
        return found
    column = columns()[node["column"]]
    value = Decimal(node["value"]) if column.kind is Kind.MONEY else node["value"]
    if node["op"] == "not_in":
        return ~column.condition("in", value)
    return column.condition(node["op"], value)


def in_words(rule: Rule) -> list[tuple[int, str]]:
    """A rule as people read it: lines with how deep they stand, in the active language."""
    return _lines(rule["rule"], 0)


def _lines(node: Rule, depth: int) -> list[tuple[int, str]]:
    if "not" in node:
        return [(depth, _("Not:")), *_lines(node["not"], depth + 1)]
    for kind, words in (("all", _("All of these hold:")), ("any", _("At least one of these holds:"))):
        if kind in node:
            return [(depth, words), *(line for part in node[kind] for line in _lines(part, depth + 1))]
    column = columns().get(node["column"])
    if column is None:
        return [(depth, f"{node['column']} ?")]
    return [
        (depth, " ".join(filter(None, (str(column.label), str(OPERATORS[node["op"]]), _said(column, node["value"])))))
    ]


def _said(column: Column, value: Any) -> str:
    if column.kind is Kind.FLAG:
        return pgettext("segment", "yes") if value else pgettext("segment", "no")
    if isinstance(value, list):
        return join_words(column.choices.get(one, one) for one in value)
    return f"{value} {column.unit}".strip()


def _bad(words: str) -> RuleBroken:
    return RuleBroken("segments.bad_rule", words)
