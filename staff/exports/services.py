"""Asking for a list as a file, deciding about it, taking it back, fetching it (D§3: exports, D§5.11: approval)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.common.paging import capped_count
from foundation.jobs.services import cancel_job, start_job
from foundation.policies.reading import policy
from staff.exports.models import Export
from staff.exports.registry import (
    Column,
    Exportable,
    columns_for,
    exportable_called,
    may_be_clear,
    may_export,
)
from staff.exports.telling import APPROVE_RIGHT, News, officers, tell
from staff.models import User

WRITE = "exports.write"
LONGEST_PURPOSE = LONGEST_NOTE = 200
Approval = Export.Approval


def request_export(
    list_name: str,
    *,
    actor: User,
    query: Mapping[str, str],
    columns: Sequence[str],
    clear: Sequence[str] = (),
    file_format: str = Export.Format.XLSX,
    purpose: str,
    token: str,
) -> Export:
    """Ask for a list as a file; it is written at once, or waits for an officer when large or with columns in clear.

    `query`: the filters of the list. `columns`, `clear`: keys of the columns, and of those in clear. `token`: of the
    form; the same one again returns the same export. Raises NotAllowed("exports.not_allowed"); RuleBroken
    exports.unknown_list, exports.no_columns, exports.column (not for this person), exports.format,
    exports.no_purpose, exports.bad_filters, exports.too_many (more than `exports.most_rows`), exports.nothing.
    """
    exportable = exportable_called(list_name)
    if not may_export(actor, exportable):
        raise NotAllowed("exports.not_allowed", _("Your role does not take this list out."))
    before = Export.objects.filter(requester=actor, token=token).first()
    if before is not None:
        return before
    chosen, unmasked = checked_columns(exportable, actor, columns, clear)
    if file_format not in Export.Format.values:
        raise RuleBroken("exports.format", _("Choose one of the offered formats."))
    purpose = " ".join(purpose.split())
    if not purpose or len(purpose) > LONGEST_PURPOSE:
        raise RuleBroken("exports.no_purpose", _("Say in up to 200 characters what the file is for; it is recorded."))
    asked = exportable.query(query)
    alone = policy("exports.rows_alone")
    expected, more = capped_count(exportable.rows(actor, asked), max(alone, 1))
    if not expected:
        raise RuleBroken("exports.nothing", _("This list is empty: there is nothing to export."))
    needs = bool(unmasked) or expected > alone or more
    export = Export(
        number=next_number("EX"),
        list_name=exportable.name,
        requester=actor,
        unit_no=actor.unit.no,
        columns=[column.key for column in chosen],
        clear=[column.key for column in unmasked],
        filters=asked.dict(),
        file_format=file_format,
        purpose=purpose,
        expected=expected,
        expected_more=more,
        token=token[:36],
        approval=Approval.ASKED if needs else Approval.NOT_NEEDED,
        expires_at=clock.now() + policy("exports.approval_life") if needs else None,
    )
    try:
        with transaction.atomic():
            export.save(force_insert=True)
            entry = _entry(export, rows=expected, more=more, approval=export.approval)
            record("export.requested", actor=actor, personal={"purpose": purpose}, **entry)
            if needs:
                tell(officers(but=actor), export, News.ASKED)
            else:
                _start(export, actor)
    except IntegrityError:
        # Sent twice at once; anything else is a defect and shows itself here.
        return Export.objects.get(requester=actor, token=token[:36])
    return export


@transaction.atomic
def decide_export(export_id: int, *, actor: User, approve: bool, note: str = "") -> Export:
    """Allow an export, which writes its file at once by the rights of who asked, or refuse it with a reason.

    Raises NotAllowed: exports.may_not_decide, exports.own (nobody decides about an own export, D§3.2). RuleBroken:
    exports.decided, exports.expired, exports.no_reason.
    """
    if not actor.has_perm(APPROVE_RIGHT):
        raise NotAllowed("exports.may_not_decide", _("Your role does not decide about exports."))
    export = _locked(export_id)
    if export.requester_id == actor.pk:
        raise NotAllowed("exports.own", _("Nobody decides about an own export."))
    if export.approval == Approval.ASKED and is_expired(export, clock.now()):
        raise RuleBroken("exports.expired", _("This request is too old. It must be made anew."))
    if export.approval != Approval.ASKED:
        raise RuleBroken("exports.decided", _("This has been decided already."))
    note = " ".join(note.split())[:LONGEST_NOTE]
    if not approve and not note:
        raise RuleBroken("exports.no_reason", _("Say why it is refused; the person who asked reads it."))
    export.approval = Approval.GRANTED if approve else Approval.REFUSED
    export.decided_by, export.decided_at, export.decision_note = actor, clock.now(), note
    export.expires_at = export.decided_at + policy("exports.approval_life") if approve else export.expires_at
    export.save(update_fields=["approval", "decided_by", "decided_at", "decision_note", "expires_at"])
    entry = _entry(export, requester=export.requester_id)
    record("export.granted" if approve else "export.refused", actor=actor, **entry)
    if approve:
        _start(export, export.requester)
    tell([export.requester], export, News.GRANTED if approve else News.REFUSED)
    return export


@transaction.atomic
def stop_export(export_id: int, *, actor: User) -> Export:
    """Take back an own request that waits, or cancel the writing of its file.

    Raises NotAllowed("exports.not_yours"); RuleBroken exports.over, jobs.ended.
    """
    export = _locked(export_id)
    if export.requester_id != actor.pk:
        raise NotAllowed("exports.not_yours", _("This export is somebody else's."))
    if export.run_id is not None:
        cancel_job(export.run_id, actor=actor)
        return export
    if export.approval != Approval.ASKED:
        raise RuleBroken("exports.over", _("There is nothing to take back any more."))
    export.approval = Approval.WITHDRAWN
    export.save(update_fields=["approval"])
    record("export.withdrawn", actor=actor, **_entry(export))
    return export


def fetch_file(export: Export, *, actor: User) -> tuple[str, Any]:
    """(name, file) of an own export; recorded. Its right is asked for once more.

    Raises NotAllowed("exports.not_yours", "exports.not_allowed"), RuleBroken("exports.no_file").
    """
    if export.requester_id != actor.pk:
        raise NotAllowed("exports.not_yours", _("This export is somebody else's."))
    exportable = exportable_called(export.list_name)
    if not may_export(actor, exportable):
        raise NotAllowed("exports.not_allowed", _("Your role does not take this list out."))
    if not export.file or export.run is None or export.run.state != export.run.State.DONE:
        raise RuleBroken("exports.no_file", _("The file is not there (any more)."))
    checked_columns(exportable, actor, export.columns, export.clear)
    opened = export.file.open("rb")
    record("export.downloaded", actor=actor, **_entry(export, rows=export.rows))
    return export.run.result_name, opened


def expire_requests() -> int:
    """Close requests nobody decided about in time; who asked is told. Returns how many."""
    old = Export.objects.filter(approval=Approval.ASKED, expires_at__lte=clock.now())
    return sum(_expire(pk) for pk in old.values_list("pk", flat=True))


@transaction.atomic
def _expire(export_id: int) -> bool:
    export = (
        Export.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("requester")
        .filter(pk=export_id, approval=Approval.ASKED)
        .first()
    )
    if export is None:
        return False
    export.approval = Approval.EXPIRED
    export.save(update_fields=["approval"])
    record("export.expired", actor=None, **_entry(export))
    tell([export.requester], export, News.EXPIRED)
    return True


def checked_columns(
    exportable: Exportable, user: User, columns: Sequence[str], clear: Sequence[str]
) -> tuple[list[Column], list[Column]]:
    """The columns, and those of them in clear, in the order of the list; each one this person may have.

    Raises RuleBroken("exports.no_columns", "exports.column").
    """
    allowed = {column.key: column for column in columns_for(user, exportable)}
    if not columns:
        raise RuleBroken("exports.no_columns", _("Choose at least one column."))
    unmasked = set(clear)
    wrong = [key for key in columns if key not in allowed]
    wrong += [key for key in unmasked if key not in columns or key not in allowed]
    wrong += [key for key in unmasked & allowed.keys() if not may_be_clear(user, allowed[key])]
    if wrong:
        raise RuleBroken("exports.column", _("Your role does not take out one of these columns."))
    chosen = [column for key, column in allowed.items() if key in columns]
    return chosen, [column for column in chosen if column.key in unmasked]


def is_expired(export: Export, at: datetime) -> bool:
    """Whether the time of the request, or of its approval, is over."""
    return export.expires_at is not None and export.expires_at <= at


def _start(export: Export, requester: User) -> None:
    export.run = start_job(WRITE, actor=requester, params={"export": str(export.pk)}, key=f"export-{export.pk}")
    export.save(update_fields=["run"])


def _locked(export_id: int) -> Export:
    return (
        Export.objects.select_for_update(no_key=True, of=("self",))
        .select_related("requester__unit", "run")
        .get(pk=export_id)
    )


def _entry(export: Export, **more: Any) -> dict[str, Any]:
    """What an entry about the export holds. Names of filters and columns only: their values could name a person."""
    detail = {
        "list": export.list_name,
        "format": export.file_format,
        "columns": export.columns,
        "clear": export.clear,
        "filters": sorted(export.filters),
    }
    return {"target": export, "detail": detail | more}


def record_written(export: Export, actor: User, rows: int) -> None:
    """The entry of a file that was written."""
    record("export.written", actor=actor, **_entry(export, rows=rows))
