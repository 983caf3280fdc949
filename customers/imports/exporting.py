"""The list of imports as a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.imports.models import Import
from customers.imports.queries import import_list
from staff.exports.registry import Column, Exportable, Kind, register_exportable
from staff.models import User


def _lines(imports: list[Import]) -> Iterable[dict[str, Any]]:
    """Each import with the name of who ran it: one query."""
    people = User.objects.in_bulk({one.actor_id for one in imports if one.actor_id})
    for one in imports:
        actor = people.get(one.actor_id or 0)
        yield {
            "number": one.number,
            "file": one.file_name,
            "mapping": one.mapping,
            "state": one.get_state_display(),
            "added": one.counts.get("inserted"),
            "changed": one.counts.get("updated"),
            "wrong": one.counts.get("errors"),
            "by": actor.name if actor else _("command line"),
            "when": one.created_at,
        }


def _column(key: str, label: Any, kind: Kind = Kind.TEXT) -> Column:
    return Column(key, label, read=lambda line: line[key], kind=kind)


IMPORTS = Exportable(
    name="imports",
    title=gettext_lazy("Imports"),
    right="imports.view",
    take="imports.export",
    url_name="imports:import-list",
    columns=(
        _column("number", gettext_lazy("Number")),
        _column("file", gettext_lazy("File")),
        _column("mapping", gettext_lazy("Mapping")),
        _column("state", gettext_lazy("State")),
        _column("added", gettext_lazy("Added"), Kind.NUMBER),
        _column("changed", gettext_lazy("Changed"), Kind.NUMBER),
        _column("wrong", gettext_lazy("Wrong rows"), Kind.NUMBER),
        _column("by", gettext_lazy("By")),
        _column("when", gettext_lazy("When"), Kind.MOMENT),
    ),
    rows=lambda user, _query: import_list(user),
    filters=lambda _user, _query: [],
    parameters=(),
    customers=(),
    lines=_lines,
)


def register() -> None:
    """Make the list known."""
    register_exportable(IMPORTS)
