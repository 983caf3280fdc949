"""Importing a file: check it, bring it in, take it back. The work itself runs as a job (`working.py`)."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.imports.contents import content_of, mapping_of
from customers.imports.models import Import
from customers.imports.reading import MB
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.jobs.models import FILES_KEPT, JobRun
from foundation.jobs.services import start_job
from foundation.policies.reading import policy
from staff.models import OrgUnit

State = Import.State


def start_import(
    file: File[Any],
    *,
    mapping: str,
    actor: Any,
    as_of: date | None = None,
    unit: OrgUnit | None = None,
    check_only: bool = True,
) -> Import:
    """Take a file in and start its check (`check_only`) or the whole import in the background.

    `as_of`: the day the file describes (default today); activations are counted back from it. `unit`: where new
    customers belong that name none (default the root of the tree). Returns the import; it holds the job run.
    Raises RuleBroken: "imports.no_mapping", "imports.too_large", "imports.empty", "imports.as_of",
    "imports.no_unit", "imports.same_file" while the same file is being worked on, "imports.same_source" while
    another file of the source is; NotAllowed without the right "imports.run".
    """
    _allow(actor, "imports.run")
    known = mapping_of(mapping)
    check, now, _revert = content_of(mapping).jobs
    limit = policy("imports.max_file_mb")
    if not file.size:
        raise RuleBroken("imports.empty", _("The file is empty."))
    if file.size > limit * MB:
        raise too_large(limit)
    day = as_of or clock.today()
    if not date(1990, 1, 1) <= day <= clock.today():
        raise RuleBroken("imports.as_of", _("The day the file describes lies between 1990 and today."))
    place = unit or OrgUnit.objects.filter(parent=None, closed_on=None).order_by("no").first()
    if place is None:
        raise RuleBroken("imports.no_unit", _("There is no unit yet. Create one: customers belong to a unit."))
    imported = Import(
        number=next_number("IM"),
        mapping=known.key,
        source=known.source,
        file_name=(file.name or "").rpartition("/")[2][-255:],
        digest=_digest(file),
        size=file.size,
        as_of=day,
        unit=place,
        state=State.CHECKING if check_only else State.RUNNING,
        actor_id=actor.pk if actor is not None else None,
    )
    with transaction.atomic():
        _save_alone(imported, force_insert=True)
        run = start_job(check if check_only else now, actor=actor, params={"import": str(imported.pk)}, file=file)
        imported.file_run = imported.last_run = run
        imported.save(update_fields=["file_run", "last_run"])
        record(
            "import.started",
            target=imported,
            actor=actor,
            detail={"mapping": known.key, "as_of": day.isoformat(), "check_only": check_only, "size": file.size},
        )
    return imported


@transaction.atomic
def run_import(import_id: int, *, actor: Any) -> Import:
    """Bring a checked file in, or go on with one that failed half-way.

    Raises RuleBroken: "imports.state" in any other state, "imports.file_gone" after 7 days, "imports.same_source";
    NotAllowed without "imports.run".
    """
    _allow(actor, "imports.run")
    imported = _locked(import_id)
    if imported.state not in (State.CHECKED, State.FAILED):
        raise RuleBroken("imports.state", _("Only a checked file can be imported."))
    if imported.file_run is None or not imported.file_run.input_file:
        raise RuleBroken("imports.file_gone", _("The file was deleted after 7 days. Upload it again."))
    JobRun.objects.filter(pk=imported.file_run.pk).update(files_until=clock.now() + FILES_KEPT)
    return _start(imported, content_of(imported.mapping).jobs[1], State.RUNNING, actor, "import.run_started")


@transaction.atomic
def revert_import(import_id: int, *, actor: Any) -> Import:
    """Take an import back in the background; customers somebody has worked with since are kept and listed.

    Raises RuleBroken: "imports.state" unless it is imported (or failed half-way, or reverted in part),
    "imports.revert_over" when its old values were dropped by the policy "imports.revert_days"; NotAllowed without
    "imports.revert".
    """
    _allow(actor, "imports.revert")
    imported = _locked(import_id)
    again = imported.state == State.REVERTED and imported.count("kept") > 0
    if imported.started_at is None or not (imported.state in (State.DONE, State.FAILED) or again):
        raise RuleBroken("imports.state", _("Only what was imported can be reverted."))
    if is_revert_over(imported):
        raise RuleBroken(
            "imports.revert_over",
            _("An import can be reverted for %(days)s days; the old values are gone.")
            % {"days": policy("imports.revert_days")},
        )
    return _start(imported, content_of(imported.mapping).jobs[2], State.REVERTING, actor, "import.revert_started")


def is_revert_over(imported: Import) -> bool:
    """Whether the time is over in which the import can be reverted."""
    begun = imported.started_at or clock.now()
    return (clock.now() - begun).days >= policy("imports.revert_days")


def too_large(limit: int) -> RuleBroken:
    """The refusal of a file above `limit` MB."""
    words = _("The file is larger than %(limit)s MB. Cut it into several files, or pack it with gzip.")
    return RuleBroken("imports.too_large", words % {"limit": limit})


def settle(imported: Import) -> Import:
    """Give an import whose job ended without telling (given up, cancelled while it waited) the state FAILED."""
    if imported.is_busy and imported.last_run is not None:
        imported.last_run.refresh_from_db()
        if imported.last_run.ended:
            imported.refresh_from_db()  # the job may have told between the two reads
            if imported.is_busy:
                Import.objects.filter(pk=imported.pk, state=imported.state).update(
                    state=State.FAILED, finished_at=imported.last_run.finished_at
                )
                imported.refresh_from_db()
    return imported


def _locked(import_id: int) -> Import:
    imported = (
        Import.objects.select_for_update(no_key=True, of=("self",))
        .select_related("file_run", "last_run")
        .get(pk=import_id)
    )
    return settle(imported)


def _start(imported: Import, job: str, state: str, actor: Any, verb: str) -> Import:
    imported.state, imported.finished_at = state, None
    _save_alone(imported, update_fields=["state", "finished_at"])
    imported.last_run = start_job(job, actor=actor, params={"import": str(imported.pk)})
    imported.save(update_fields=["last_run"])
    record(verb, target=imported, actor=actor, detail={"mapping": imported.mapping})
    return imported


def _save_alone(imported: Import, **how: Any) -> None:
    """Save under the two unique keys that let one file, and one file of a source, be worked on at a time."""
    for other in Import.objects.filter(source=imported.source, state__in=Import.BUSY).select_related("last_run"):
        settle(other)
    try:
        with transaction.atomic():
            imported.save(**how)
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
        if name == "import_one_of_a_file":
            first = Import.objects.filter(
                digest=imported.digest, mapping=imported.mapping, state__in=Import.BUSY
            ).first()
            words = _("This very file is being worked on as %(number)s. Wait for it to end.")
            raise RuleBroken("imports.same_file", words % {"number": first or "…"}) from error
        if name == "import_one_of_a_source":
            first = Import.objects.filter(source=imported.source, state__in=[State.RUNNING, State.REVERTING]).first()
            words = _("Another file of this source is being worked on as %(number)s. Wait for it to end.")
            raise RuleBroken("imports.same_source", words % {"number": first or "…"}) from error
        raise


def _allow(actor: Any, right: str) -> None:
    """`actor` None is the command line of the machine."""
    if actor is not None and not actor.has_perm(right):
        raise NotAllowed("imports.not_allowed", _("You may not do this."))


def _digest(file: File[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks(1 << 20):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
