"""What a segment may ask about a customer: a typed registry. Apps above add their own columns when they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer


class Kind(Enum):
    """Type of a column. It decides the comparisons there are and the values they take."""

    CHOICE = "CHOICE"  # one of a list of codes
    NUMBER = "NUMBER"  # a whole number
    MONEY = "MONEY"  # CNY with two decimals
    FLAG = "FLAG"  # yes or no
    TEXT = "TEXT"  # a text, compared whole


OPERATORS: dict[str, Any] = {
    "in": pgettext_lazy("segment", "is one of"),
    "not_in": pgettext_lazy("segment", "is none of"),
    "ge": pgettext_lazy("segment", "at least"),
    "le": pgettext_lazy("segment", "at most"),
    "eq": pgettext_lazy("segment", "exactly"),
    "is": pgettext_lazy("segment", "is"),
}
OPERATORS_OF = {
    Kind.CHOICE: ("in", "not_in"),
    Kind.NUMBER: ("ge", "le", "eq"),
    Kind.MONEY: ("ge", "le"),
    Kind.FLAG: ("is",),
    Kind.TEXT: ("in", "not_in"),
}
GROUPS: dict[str, Any] = {
    "archive": _("Archive"),
    "value": _("Value"),
    "products": _("Products"),
    "consent": _("Consent"),
}


@dataclass(frozen=True)
class Column:
    """One thing to ask about.

    `condition(op, value)`: the rows of Customer that meet the comparison, as a Q; the value is checked already (a list
    for "in" and "not_in", bool for "is", int or Decimal else). For "not_in" it is asked "in" and negated. `choices`:
    code -> lazy words, for CHOICE. `low`, `high`: bounds of numbers. `unit`: lazy words after the number.
    """

    key: str
    label: Any
    group: str
    kind: Kind
    condition: Callable[[str, Any], Q]
    choices: Mapping[str, Any] = field(default_factory=dict)
    low: int = 0
    high: int = 1_000_000
    unit: Any = ""


_columns: dict[str, Column] = {}


def register_column(column: Column) -> None:
    """Make a column known. Raises ValueError for a second one of the name, an unknown group, or choices left out."""
    if column.group not in GROUPS or (column.kind is Kind.CHOICE) != bool(column.choices):
        raise ValueError(f"the column {column.key!r} has no group or its choices do not fit")
    if _columns.setdefault(column.key, column) is not column:
        raise ValueError(f"two columns are called {column.key!r}")


def columns() -> dict[str, Column]:
    """Every column by its key, in the order of the groups."""
    order = list(GROUPS)
    return dict(sorted(_columns.items(), key=lambda pair: order.index(pair[1].group)))


def everybody() -> Q:
    """Whom a segment may hold at all: whoever is somebody, and once."""
    return ~Q(status=Customer.Status.ANONYMISED) & Q(merged_into=None)
