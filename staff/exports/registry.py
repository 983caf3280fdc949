"""The lists that can be taken out as files: each app registers its own in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from django.db.models import Choices, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_choice
from staff.masking import masked
from staff.models import User

ASK_RIGHT = "exports.ask"  # of those who may take out some list
EXPORT_RIGHT = "customers.export"  # of the lists about customers
CLEAR_RIGHT = "customers.reveal"
LONGEST_VALUE = 120


class Kind(StrEnum):
    """The type of a column's cells."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"


@dataclass(frozen=True)
class Column:
    """One column.

    `sources`: paths of `values_list`; `expressions`: annotations among them, made when the column is chosen. `read`:
    the cell from the sources, default the only one as it is. `mask`: the same as everybody may see it; a column with
    a mask shows its value only when asked for in clear. `sensitive`: only for roles with `view_sensitive` (D§3.1).
    `right`: needed besides that of the list.
    """

    key: str
    label: Any
    sources: tuple[str, ...] = ()
    read: Callable[..., Any] | None = None
    mask: Callable[..., Any] | None = None
    kind: Kind = Kind.TEXT
    sensitive: bool = False
    right: str = ""
    offered: bool = True
    expressions: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    def cell(self, values: Sequence[Any], *, clear: bool) -> Any:
        """What stands in the file for the values of the sources."""
        shown = self.mask if self.mask is not None and not clear else self.read
        return shown(*values) if shown is not None else values[0]


@dataclass(frozen=True)
class Exportable:
    """A list. `right`: of its page; `take`: needed besides, to take it out. `rows(user, query)`: its rows in the scope
    of `user` under the filters of `query`, those the page shows.

    `filters(user, query)`: (label, value) of the filters that hold, in words. `parameters`: the filters there are.
    `url_name`: the page. `customers`: paths of the ids of the customers a row is about. `lines`: makes the lines of
    rows, in their order, for a list whose line is more than columns of the row; each column then reads the line.
    """

    name: str
    title: Any
    right: str
    url_name: str
    columns: Sequence[Column]
    rows: Callable[[User, QueryDict], QuerySet[Any]]
    filters: Callable[[User, QueryDict], list[tuple[str, str]]]
    parameters: tuple[str, ...]
    customers: tuple[str, ...] = ("pk",)
    take: str = EXPORT_RIGHT
    lines: Callable[[list[Any]], Iterable[Any]] | None = None

    def column(self, key: str) -> Column | None:
        return next((column for column in self.columns if column.key == key), None)

    def query(self, given: Mapping[str, str]) -> QueryDict:
        """The filters of the list among what a page was asked with; the rest (its place in the list) is left out."""
        query = QueryDict(mutable=True)
        for name in self.parameters:
            if value := str(given.get(name, "")).strip()[:LONGEST_VALUE]:
                query[name] = value
        return query


class Asking:
    """What a filter set asks of a request: the person, and what the list was asked with."""

    def __init__(self, user: User, query: QueryDict) -> None:
        self.user, self.GET = user, query


def filtered(filters: Any) -> QuerySet[Any]:
    """The rows of a bound filter set. Raises RuleBroken("exports.bad_filters") when a filter cannot be understood."""
    if not filters.is_valid():
        raise RuleBroken("exports.bad_filters", _("The filters of the list cannot be understood; set them again."))
    rows: QuerySet[Any] = filters.qs
    return rows


def said_filters(filters: Any) -> list[tuple[str, str]]:
    """The filters of a bound filter set that hold, with their labels, in words."""
    cleaned = filters.form.cleaned_data if filters.is_valid() else {}
    found = []
    for name, value in cleaned.items():
        if value in (None, ""):
            continue
        choices = dict(_flat(getattr(filters.form.fields[name], "choices", ())))
        found.append((str(filters.form.fields[name].label), str(choices.get(str(value), value))))
    return found


def _flat(choices: Any) -> list[tuple[str, Any]]:
    """Choices without their groups."""
    found: list[tuple[str, Any]] = []
    for value, label in choices:
        found += _flat(label) if isinstance(label, list | tuple) else [(str(value), label)]
    return found


def in_words(choices: type[Choices]) -> Callable[[Any], str]:
    """A reader of a stored code: its label in the language of the file."""
    return lambda code: say_choice(choices, code) if code else ""


def behind(kind: str) -> Callable[[Any], str]:
    """A mask of one value (`staff.masking`)."""
    return partial(masked, kind)


_known: dict[str, Exportable] = {}


def register_exportable(exportable: Exportable) -> Exportable:
    """Make a list known. Raises ValueError when another has its name."""
    if _known.setdefault(exportable.name, exportable) != exportable:
        raise ValueError(f"two lists are called {exportable.name!r}")
    return exportable


def exportable_called(name: str) -> Exportable:
    """The list of that name. Raises RuleBroken("exports.unknown_list")."""
    try:
        return _known[name]
    except KeyError:
        raise RuleBroken("exports.unknown_list", _("There is no such list to export.")) from None


def exportables() -> list[Exportable]:
    """All of them, by name."""
    return [_known[name] for name in sorted(_known)]


def may_export(user: User, exportable: Exportable) -> bool:
    """Whether the user may take this list out, today."""
    return user.has_perm(exportable.take) and user.has_perm(exportable.right)


def columns_for(user: User, exportable: Exportable) -> list[Column]:
    """The columns the user may have."""
    return [
        column
        for column in exportable.columns
        if (not column.right or user.has_perm(column.right)) and (not column.sensitive or user.sees_sensitive)
    ]


def may_be_clear(user: User, column: Column) -> bool:
    """Whether the user may ask for this column in clear."""
    return column.mask is not None and user.has_perm(CLEAR_RIGHT) and (not column.sensitive or user.sees_sensitive)
