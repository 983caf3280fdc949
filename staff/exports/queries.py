"""What the pages about exports show, and which files a customer stands in."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.ui.navigation import FrameQuery
from staff.exports.models import Export
from staff.exports.registry import exportables
from staff.models import User


@dataclass(frozen=True)
class Line:
    """An export in words: its list, what was asked for, who."""

    export: Export
    title: str
    columns: list[str]
    clear: list[str]
    filters: list[tuple[str, str]]


def export_rows(user: User) -> QuerySet[Export]:
    """The exports the user may see, the newest first, with what a line shows."""
    rows = Export.objects.visible_to(user).defer("customers").select_related("requester", "decided_by", "run")
    return rows.order_by("-pk")


def waiting(user: User) -> QuerySet[Export]:
    """The exports the user may decide about now, the oldest first."""
    rows = export_rows(user).filter(pk__in=Export.objects.to_decide(clock.now()).values("pk"))
    return rows.exclude(requester=user).order_by("pk")


WAITING_COUNT = FrameQuery(
    "SELECT count(*) FROM (SELECT FROM exports_export WHERE approval = 'ASKED' AND expires_at > %s"
    " AND requester_id <> %s LIMIT 100) few",
    lambda user: [clock.now(), user.pk],
    lambda number: None if not number else "99+" if number > 99 else str(number),
)


def line_of(export: Export, *, in_full: bool = False) -> Line:
    """An export in the language of now; `in_full`: with its filters, said as the person who asked set them, which
    may cost a query or two."""
    known = {exportable.name: exportable for exportable in exportables()}.get(export.list_name)
    if known is None:
        return Line(export, export.list_name, list(export.columns), list(export.clear), [])
    labels = {column.key: str(column.label) for column in known.columns}
    filters: list[tuple[str, str]] = []
    if in_full:
        try:
            filters = known.filters(export.requester, known.query(export.filters))
        except RuleBroken:
            filters = sorted(export.filters.items())
    return Line(
        export,
        str(known.title),
        [labels.get(key, key) for key in export.columns],
        [labels.get(key, key) for key in export.clear],
        filters,
    )


def includes(ids: Iterable[int]) -> list[Export]:
    """Exports whose file lies there and holds a row of one of these customers."""
    wanted = list(ids)
    rows = Export.objects.filter(customers__isnull=False, run__files_until__isnull=False).select_related("run")
    return [export for export in rows.order_by("pk").iterator(chunk_size=20) if _holds(export, wanted)]


def _holds(export: Export, wanted: list[int]) -> bool:
    ids = array("q", bytes(export.customers or b""))
    return any(place < len(ids) and ids[place] == one for one in wanted for place in [bisect_left(ids, one)])


def runs_with(ids: list[int]) -> list[int]:
    """The runs whose files hold these customers, for their erasure."""
    return [export.run_id for export in includes(ids) if export.run_id is not None]
