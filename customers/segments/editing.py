"""A rule as a form: nodes with an address ("0", "0.1", "0.1.0"), read from what was posted, shown by a template.

The form can hold what is not whole yet (a condition without a column); `rule_of` makes the rule, `checked` refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.segments.columns import GROUPS, OPERATORS, OPERATORS_OF, Column, Kind, columns
from customers.segments.rules import MOST_NODES, VERSION, Rule
from foundation.common.errors import RuleBroken

MODES: dict[str, Any] = {
    "all": gettext_lazy("All of these hold"),
    "any": gettext_lazy("At least one of these holds"),
    "none": gettext_lazy("None of these holds"),
    "notall": gettext_lazy("Not all of these hold"),
}
_WRAPPED = {"none": "any", "notall": "all"}
_OPENED = {mode: wrapped for wrapped, mode in _WRAPPED.items()}
DEEPEST_FORM = 3  # groups in groups the form offers to add
YES, NO = "yes", "no"


@dataclass
class Part:
    """A group (`mode` and `parts`) or a condition (`column`, `op`, `values` as they were typed)."""

    path: str
    is_group: bool
    mode: str = "all"
    parts: list[Part] = field(default_factory=list)
    column: str = ""
    op: str = ""
    values: list[str] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return self.path.count(".") + 1

    @property
    def may_nest(self) -> bool:
        """Whether another group may be added inside."""
        return self.depth < DEEPEST_FORM

    @property
    def known(self) -> Column | None:
        return columns().get(self.column)

    @property
    def shape(self) -> str:
        """How the value is asked for: choices, number, flag, text, or "" before a column is chosen."""
        if self.known is None:
            return ""
        shapes = {Kind.CHOICE: "choices", Kind.FLAG: "flag", Kind.TEXT: "text"}
        return shapes.get(self.known.kind, "number")

    @property
    def operators(self) -> list[tuple[str, Any]]:
        return [(op, OPERATORS[op]) for op in OPERATORS_OF[self.known.kind]] if self.known else []

    @property
    def choices(self) -> list[tuple[str, Any, bool]]:
        """Code, words and whether it is chosen."""
        return [(code, words, code in self.values) for code, words in self.known.choices.items()] if self.known else []

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def step(self) -> str:
        return "0.01" if self.known is not None and self.known.kind is Kind.MONEY else "1"


def column_groups() -> list[tuple[Any, list[Column]]]:
    """The columns by their groups, for a select."""
    found = columns().values()
    return [(words, [one for one in found if one.group == key]) for key, words in GROUPS.items()]


def modes() -> list[tuple[str, Any]]:
    """The kinds of groups, for a select."""
    return list(MODES.items())


def blank() -> Part:
    """The form of a new segment: a group with one open condition."""
    return numbered(Part("0", True, parts=[Part("", False)]))


def numbered(part: Part, path: str = "0") -> Part:
    """The tree with its addresses made anew."""
    part.path = path
    for n, child in enumerate(part.parts):
        numbered(child, f"{path}.{n}")
    return part


def posted(data: QueryDict) -> Part:
    """The tree that was posted. What does not fit together is left out, never an error."""
    found: dict[str, Part] = {}
    for place in data.getlist("node")[: 2 * MOST_NODES]:
        path, _colon, kind = place.partition(":")
        if path in found or (path != "0" and path.rpartition(".")[0] not in found) or len(path) > 60:
            continue
        part = Part(path, kind == "g")
        if part.is_group:
            mode = data.get(f"mode-{path}", "")
            part.mode = mode if mode in MODES else "all"
        else:
            part.column = data.get(f"column-{path}", "")[:40]
            part.op = data.get(f"op-{path}", "")
            part.values = _values(part, data.getlist(f"value-{path}"))
        found[path] = part
        above = found.get(path.rpartition(".")[0])
        if above is not None and above.is_group:
            above.parts.append(part)
    root = found.get("0")
    return root if root is not None and root.is_group else blank()


def _values(part: Part, given: list[str]) -> list[str]:
    """What was typed; of a text each part between commas."""
    if part.shape == "text":
        text = ",".join(given).replace("，", ",").replace("、", ",")
        return [one.strip() for one in text.split(",") if one.strip()]
    return [one.strip() for one in given if one.strip()]


def changed(root: Part, act: str) -> Part:
    """The tree after a button: "cond:0.1" and "group:0.1" add to a group, "drop:0.1" takes away; others leave it."""
    verb, _colon, path = act.partition(":")
    target = next((part for part in _walk(root) if part.path == path), None)
    if target is not None and target.is_group and verb == "cond":
        target.parts.append(Part("", False))
    elif target is not None and target.is_group and verb == "group" and target.may_nest:
        target.parts.append(Part("", True, mode="any", parts=[Part("", False)]))
    elif target is not None and verb == "drop" and path != "0":
        above = next(part for part in _walk(root) if target in part.parts)
        above.parts.remove(target)
    return numbered(root)


def _walk(part: Part) -> Iterator[Part]:
    yield part
    for child in part.parts:
        yield from _walk(child)


def rule_of(root: Part) -> Rule:
    """The rule the form says, not checked yet. Raises RuleBroken segments.bad_rule for a condition without a column."""
    return {"version": VERSION, "rule": _node(root)}


def _node(part: Part) -> Rule:
    if part.is_group:
        inside: Rule = {_WRAPPED.get(part.mode, part.mode): [_node(child) for child in part.parts]}
        return {"not": inside} if part.mode in _WRAPPED else inside
    if part.known is None:
        raise RuleBroken("segments.bad_rule", _("Choose what each condition asks about, or take it away."))
    shape = part.shape
    op = part.op if part.op in OPERATORS_OF[part.known.kind] else OPERATORS_OF[part.known.kind][0]
    if shape == "flag":
        value: Any = {YES: True, NO: False}.get(part.value, "")
    else:
        value = part.value if shape == "number" else part.values
    return {"column": part.column, "op": op, "value": value}


def form_of(rule: Rule) -> Part:
    """The form of a checked rule. A "not" around a comparison becomes a group of one."""
    root = _part(rule["rule"])
    return numbered(root if root.is_group else Part("0", True, parts=[root]))


def _part(node: Rule) -> Part:
    if "not" in node:
        inner = node["not"]
        for kind, mode in _OPENED.items():
            if kind in inner:
                return Part("", True, mode=mode, parts=[_part(child) for child in inner[kind]])
        return Part("", True, mode="none", parts=[_part(inner)])
    for kind in ("all", "any"):
        if kind in node:
            return Part("", True, mode=kind, parts=[_part(child) for child in node[kind]])
    value = node["value"]
    if isinstance(value, bool):
        value = YES if value else NO
    values = value if isinstance(value, list) else [str(value)]
    return Part("", False, column=node["column"], op=node["op"], values=values)
