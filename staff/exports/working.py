"""The job that writes the file of an export. It may be repeated from its beginning: only a whole file is kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.running import RunningJob
from foundation.policies.reading import begin_work, policy
from staff.exports.models import Export
from staff.exports.registry import Column, Exportable, exportable_called, may_export
from staff.exports.services import checked_columns, expire_requests, is_expired, record_written
from staff.exports.telling import News, tell
from staff.exports.writing import SUFFIXES, writer_to
from staff.models import User
from staff.rights import forget_cached

CHUNK = 2_000
COUNT_WORDS = {"rows": gettext_lazy("Rows")}


def write_file(job: RunningJob) -> None:
    """Write the list as its person sees it now: rows by scope, columns by role, both asked when it begins and ends.

    Raises RuleBroken: exports.rights_lost, exports.approval_over, exports.grew (more rows than may go out alone),
    exports.too_many.
    """
    export = Export.objects.select_related("requester__unit").get(pk=int(job.params["export"]))
    user = export.requester
    exportable, columns, clear = _allowed(export, user)
    query = exportable.query(export.filters)
    ids = _ids(job, exportable.rows(user, query), export)
    path = job.folder() / "list"
    customers: set[int] = set()
    done = 0
    job.progress(0, len(ids), rows=0)
    with writer_to(path, export.file_format, columns) as writer:
        for part in _parts(ids):
            begin_work()
            for about, cells in _cells(job, exportable.rows(user, query), exportable, columns, clear, part):
                customers.update(customer_id for customer_id in about if customer_id is not None)
                writer.write(cells)
                done += 1
            job.progress(min(done, len(ids)), len(ids), rows=done)
    _allowed(export, user)
    # Before the file can be fetched it is known who stands in it.
    packed = array("q", sorted(customers)).tobytes()
    Export.objects.filter(pk=export.pk).update(customers=packed, rows=done)
    job.attach_result(f"{export.number}.{SUFFIXES[Export.Format(export.file_format)]}", path)
    with transaction.atomic():
        record_written(export, user, done)
        if export.had_approval:
            tell([user], export, News.READY)
    job.progress(done, done, rows=done)


def _allowed(export: Export, user: User) -> tuple[Exportable, list[Column], frozenset[str]]:
    """The list and the columns, if the person may still have them, and keys of those in clear."""
    now = clock.now()
    forget_cached(user)
    user.refresh_from_db(fields=["is_active"])
    exportable = exportable_called(export.list_name)
    lost = RuleBroken(
        "exports.rights_lost", _("Who asked for this file may not have it any more. Ask anew for what is allowed.")
    )
    if not user.is_active or not may_export(user, exportable):
        raise lost
    try:
        columns, clear = checked_columns(exportable, user, export.columns, export.clear)
    except (NotAllowed, RuleBroken) as no:
        raise lost from no
    if export.had_approval and (export.approval != Export.Approval.GRANTED or is_expired(export, now)):
        raise RuleBroken("exports.approval_over", _("The approval of this export is over. Ask anew."))
    return exportable, columns, frozenset(column.key for column in clear)


def _ids(job: RunningJob, rows: QuerySet[Any], export: Export) -> array[int]:
    """The ids of the rows in the order of the list, eight bytes each; refuses more than may go out."""
    most = policy("exports.most_rows") if export.had_approval else policy("exports.rows_alone")
    ids = array("q")
    with job.reading():
        for key in _ordered(rows).values_list("pk", flat=True)[: most + 1].iterator(chunk_size=10_000):
            ids.append(key)
    if len(ids) <= most:
        return ids
    if export.had_approval:
        raise RuleBroken(
            "exports.too_many", _("The list has more than %(most)s rows. Set filters, and ask anew.") % {"most": most}
        )
    raise RuleBroken("exports.grew", _("The list has grown: its export needs an approval now. Ask anew."))


def _ordered(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows if rows.query.order_by else rows.order_by("-pk")


def _parts(ids: array[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK].tolist()


def _cells(
    job: RunningJob,
    rows: QuerySet[Any],
    exportable: Exportable,
    columns: list[Column],
    clear: frozenset[str],
    part: list[int],
) -> Iterator[tuple[Sequence[int | None], list[Any]]]:
    """(customers, cells) of the rows with these ids that are still in sight, in their order: one query, besides those
    that make lines."""
    if exportable.lines is not None:
        with job.reading():
            there = {row.pk: row for row in rows.filter(pk__in=part).order_by()}
            kept = [there[key] for key in part if key in there]
            lines = list(exportable.lines(kept))
        for row, line in zip(kept, lines, strict=True):
            cells = [column.cell([line], clear=column.key in clear) for column in columns]
            yield [getattr(row, path) for path in exportable.customers], cells
        return
    made: dict[str, Any] = {}
    for column in columns:
        made |= {name: expression() for name, expression in column.expressions.items()}
    paths = list(dict.fromkeys(["pk", *exportable.customers]))
    for column in columns:
        paths += [source for source in column.sources if source not in paths]
    at = {path: index for index, path in enumerate(paths)}
    places = [[at[source] for source in column.sources] for column in columns]
    # The order of the list stands in `part`; here it would only cost a sort.
    some = rows.filter(pk__in=part).order_by().annotate(**made)
    with job.reading():
        found = {row[0]: row for row in some.values_list(*paths)}
    who = [at[path] for path in exportable.customers]
    for key in part:
        row = found.get(key)
        if row is None:
            continue
        cells = [
            column.cell([row[index] for index in indexes], clear=column.key in clear)
            for column, indexes in zip(columns, places, strict=True)
        ]
        yield [row[index] for index in who], cells


def expire(job: RunningJob) -> None:
    """Close requests nobody decided about in time."""
    closed = expire_requests()
    job.progress(closed, closed, rows=closed)
