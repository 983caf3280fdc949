"""The answer to "what do you hold about me": one ZIP, for machines (JSON) and for people (HTML to print)."""

from __future__ import annotations

import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.models import JobRun
from foundation.jobs.running import RunningJob
from foundation.jobs.services import start_job
from foundation.policies.reading import policy
from interactions.models import RightsRequest
from interactions.rights import grounds
from interactions.rights.collecting import Section, everything_about, heading, received_by
from interactions.rights.lifecycle import RightsAct, RightsKind, RightsState
from interactions.rights.services import locked_for_answer, remember
from staff.models import User

JOB = "rights.export"
FORMAT = "careline-personal-data-1"


@transaction.atomic
def start_export(request_id: int, *, actor: User) -> JobRun:
    """Put everything held about the customer together in the background; the file hangs on the run.

    Raises NotAllowed "rights.may_not_answer"; RuleBroken "rights.not_identified", "rights.closed",
    "rights.no_data_asked" for other kinds, "rights.export_runs" while one is being made.
    """
    request = locked_for_answer(request_id, actor)
    if request.kind not in {RightsKind.ACCESS, RightsKind.COPY}:
        raise RuleBroken("rights.no_data_asked", _("This customer did not ask for their data."))
    if request.state != RightsState.CHECKED:
        raise RuleBroken("rights.not_identified", _("Check first that the person is who they say."))
    if request.export_run is not None and not request.export_run.ended:
        raise RuleBroken("rights.export_runs", _("The data are being put together; wait for the end."))
    if request.export_run is not None:  # one file a request: nobody has to look for another one
        request.export_run.result_file.delete(save=True)
    request.export_run = start_job(JOB, actor=actor, params={"request": str(request.pk)})
    request.save(update_fields=["export_run"])
    return request.export_run


@transaction.atomic
def fetch(request_id: int, *, actor: User) -> tuple[str, IO[bytes]]:
    """The file and its name, the download noted. Raises NotAllowed "rights.may_not_answer", RuleBroken
    "rights.file_gone" when it was deleted or never made."""
    request = locked_for_answer(request_id, actor)
    run = request.export_run
    if run is None or not run.result_file:
        raise RuleBroken("rights.file_gone", _("The file was deleted. Put the data together again."))
    remember(request, RightsAct.FETCHED, actor)
    return run.result_name, run.result_file.open("rb")


def put_together(job: RunningJob) -> None:
    """Write the ZIP of one request. Harmless to repeat: the newest file replaces the one before."""
    request = RightsRequest.objects.select_related("customer").get(pk=int(job.params["request"]))
    if not request.is_open:
        raise RuleBroken("rights.closed", _("The request was closed meanwhile."))
    with translation.override(request.customer.language or settings.LANGUAGE_CODE):
        sections = everything_about(request.customer)
        job.progress(1, 2, sections=len(sections), records=sum(len(section.rows) for section in sections))
        context = _context(request, sections)
        page = render_to_string("interactions/rights_export.html", context)
    place = job.folder() / "export.zip"
    _pack(place, context, page)
    job.attach_result(f"{request.number}.zip", place)
    with transaction.atomic():
        remember(request, RightsAct.EXPORTED, User.objects.filter(pk=job.actor_id or 0).first())
    job.progress(2, 2)


def _context(request: RightsRequest, sections: list[Section]) -> dict[str, Any]:
    return {
        "request": request,
        "customer": request.customer,
        "made_at": clock.now(),
        "sections": sections,
        "tables": [_table(section) for section in sections],
        "received": received_by(request.customer),
        "decisions": grounds.of_decisions(request.customer_id).in_words(),
    }


def _table(section: Section) -> dict[str, Any]:
    columns = list(dict.fromkeys(name for row in section.rows for name in row))
    return {
        "title": section.title,
        "count": len(section.rows),
        "head": [heading(name) for name in columns],
        "rows": [[_cell(row.get(name, "")) for name in columns] for row in section.rows],
    }


def _cell(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _pack(place: Path, context: dict[str, Any], page: str) -> None:
    data = {
        "format": FORMAT,
        "request": context["request"].number,
        "customer": context["customer"].number,
        "made_at": context["made_at"].astimezone(clock.BUSINESS_ZONE).isoformat(timespec="seconds"),
        "received_by": context["received"],
        "decisions": context["decisions"],
        "data": {section.code: section.rows for section in context["sections"]},
    }
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1))
        pack.writestr("data.html", page)


def runs_of(ids: list[int]) -> list[int]:
    """The runs that wrote files about these customers, for erasure."""
    asked = RightsRequest.objects.filter(customer__in=ids, export_run__isnull=False)
    return list(asked.values_list("export_run", flat=True))


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            JOB,
            gettext_lazy("Data of a customer put together"),
            put_together,
            right="rights.answer",
            queue="default",
            counts={"sections": gettext_lazy("Kinds of records"), "records": gettext_lazy("Records")},
            files_of=runs_of,
            files_kept=lambda: timedelta(days=policy("interactions.rights_file_days")),
        )
    )
