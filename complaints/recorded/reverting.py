"""Taking records back: cases an import added go, those it changed get their old values; those somebody has worked on
since are kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Exists, ManyToOneRel, OuterRef, ProtectedError, Q, QuerySet, RestrictedError
from django.utils.translation import gettext as _

from complaints.library.words import forget_reading
from complaints.lifecycle import Deed
from complaints.models import (
    CaseTime,
    Complaint,
    ComplaintLine,
    ComplaintMove,
    LibraryEntry,
    LibraryWord,
    MonthCase,
    RecordedCase,
    RehearsalLine,
)
from customers.imports.models import Import

LOT = 200
# What imports wrote, and what jobs worked out of it: no sign of anybody's work.
WRITTEN = (ComplaintMove, ComplaintLine, RecordedCase)
WORKED_OUT = (LibraryEntry, LibraryWord, CaseTime, MonthCase, RehearsalLine)
BELONGING = (*WRITTEN, *WORKED_OUT)


def to_revert(imported: Import) -> QuerySet[RecordedCase]:
    """What this import did and holds still."""
    return RecordedCase.objects.filter(import_id=imported.pk)


def revert(imported: Import, report: Callable[[int], None]) -> tuple[int, int]:
    """Take it back; how many went in all, how many stay. Safe to repeat."""
    done = gone = last = 0
    while rows := list(to_revert(imported).filter(pk__gt=last).order_by("pk")[:LOT]):
        last = rows[-1].pk
        gone += _lot(rows)
        done += len(rows)
        report(done)
    return imported.count("reverted") + gone, to_revert(imported).count()


def _lot(rows: list[RecordedCase]) -> int:
    with transaction.atomic():
        free = _untouched(rows)
        added = [row.complaint_id for row in rows if row.complaint_id in free and row.before is None]
        try:
            with transaction.atomic():
                Complaint.objects.filter(pk__in=added).delete()
        except (ProtectedError, RestrictedError):  # another case refers to one of them
            return sum(_lot([row]) for row in rows) if len(rows) > 1 else 0
        changed = [row for row in rows if row.complaint_id in free and row.before is not None]
        for row in changed:
            _put_back(row)
        return len(added) + len(changed)


def _untouched(rows: list[RecordedCase]) -> set[int]:
    """The cases, locked, that are as this import left them, and that nothing else hangs on."""
    versions = {row.complaint_id: row.version for row in rows}
    found = Complaint.objects.filter(pk__in=versions).select_for_update(no_key=True).order_by("pk")
    same = {pk for pk, version in found.values_list("pk", "version") if version == versions[pk]}
    return set(_bare(Complaint.objects.filter(pk__in=same)).values_list("pk", flat=True))


def _bare(cases: QuerySet[Complaint]) -> QuerySet[Complaint]:
    """Those with nothing but what imports wrote."""
    worked = Exists(ComplaintMove.objects.filter(complaint=OuterRef("pk")).exclude(act=Deed.RECORDED))
    free: Any = ~Q(worked)
    for relation in Complaint._meta.get_fields(include_hidden=True):
        model: Any = relation.related_model
        if isinstance(relation, ManyToOneRel) and model not in BELONGING:
            free &= ~Q(Exists(model._default_manager.filter(**{relation.field.name: OuterRef("pk")})))
    return cases.filter(free)


def _put_back(row: RecordedCase) -> None:
    """The old values; the import before holds the new version, so that imports go back newest first."""
    case = Complaint.objects.get(pk=row.complaint_id)
    names = list(row.before or {})
    for name, value in (row.before or {}).items():
        column: Any = Complaint._meta.get_field(name)
        setattr(case, name, column.to_python(value))
    case.version += 1
    case.save(update_fields=[*(_named(name) for name in names), "version"])
    forget_reading(case.pk)
    row.delete()
    older = RecordedCase.objects.filter(complaint=case).order_by("-pk").first()
    if older is not None:
        RecordedCase.objects.filter(pk=older.pk).update(version=case.version)


def _named(column: str) -> str:
    return Complaint._meta.get_field(column).name


def kept(imported: Import, limit: int) -> list[tuple[str, int, str]]:
    """Cases a revert left, with their lines and why."""
    rows = to_revert(imported).select_related("complaint").order_by("line")[:limit]
    return [
        (
            row.complaint.number,
            row.line,
            _("Changed since") if row.version != row.complaint.version else _("Somebody has worked on this case since"),
        )
        for row in rows
    ]
