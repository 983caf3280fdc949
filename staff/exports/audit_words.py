"""What the log calls exports."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from staff.exports.models import Export
from staff.exports.registry import exportables


def _list(value: str, _detail: dict[str, Any]) -> Any:
    return next((known.title for known in exportables() if known.name == value), value)


def _column(value: str, detail: dict[str, Any]) -> Any:
    known = next((known for known in exportables() if known.name == detail.get("list")), None)
    column = known.column(value) if known else None
    return column.label if column else value


name_kinds({"exports.export": _("Export")})
name_acts(
    "export",
    title=_("Exports"),
    acts={
        "requested": _("Export of a list asked for"),
        "granted": _("Export approved"),
        "refused": _("Export refused"),
        "withdrawn": _("Export taken back"),
        "expired": _("Export not decided in time"),
        "written": _("Exported file written"),
        "downloaded": _("Exported file downloaded"),
    },
    details={
        "list": Detail(_("List"), words=_list),
        "format": Detail(_("Format"), words=codes(dict(Export.Format.choices))),
        "columns": Detail(_("Columns"), words=_column),
        "clear": Detail(_("In clear"), words=_column),
        "filters": Detail(_("Filters")),
        "rows": Detail(_("Rows")),
        "more": Detail(_("And more")),
        "approval": Detail(_("Approval"), words=codes(dict(Export.Approval.choices))),
        "requester": Detail(_("Asked for by"), Shape.PERSON),
    },
)
