"""The audit log and the list of background work as files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.audit.models import AuditEntry
from foundation.common.errors import RuleBroken
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun
from foundation.jobs.queries import title_of
from foundation.ui.wording import join_words, say_date
from staff.exports.registry import Column, Exportable, Kind, register_exportable
from staff.models import User
from workspace.admin.audit_lines import lines_of
from workspace.admin.audit_log import AuditFilter
from workspace.admin.jobs_page import runs_asked


def _entries(_user: User, query: QueryDict) -> QuerySet[AuditEntry]:
    form = AuditFilter(query)
    if not form.is_valid():
        raise RuleBroken("exports.bad_filters", _("The filters of the list cannot be understood; set them again."))
    return form.entries()


def _audit_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    form = AuditFilter(query)
    if not form.is_valid():
        return []
    said = [(_("From"), say_date(form.cleaned_data["since"])), (_("To"), say_date(form.cleaned_data["until"]))]
    typed = [name for name in ("staff_no", "customer", "verb") if form.cleaned_data[name]]
    return said + [(str(form.fields[name].label), str(query[name])) for name in typed]


AUDIT = Exportable(
    name="audit",
    title=gettext_lazy("Audit log"),
    right="audit.view",
    take="audit.export",
    url_name="workspace:audit-list",
    columns=(
        Column("when", gettext_lazy("When"), read=lambda line: line.entry.at, kind=Kind.MOMENT),
        Column("who", gettext_lazy("Who"), read=lambda line: line.who),
        Column("staff_no", gettext_lazy("Staff number"), read=lambda line: line.actor.staff_no if line.actor else ""),
        Column("behalf", gettext_lazy("For whom"), read=lambda line: line.behalf.name if line.behalf else ""),
        Column("act", gettext_lazy("Act"), read=lambda line: line.act),
        Column("code", gettext_lazy("Code"), read=lambda line: line.entry.verb, offered=False),
        Column("kind", gettext_lazy("On what"), read=lambda line: line.kind),
        Column("target", gettext_lazy("Which one"), read=lambda line: line.target),
        Column("customer", gettext_lazy("Customer"), read=lambda line: line.customer_number),
        Column("details", gettext_lazy("Details"), read=lambda line: join_words(line.details)),
    ),
    rows=_entries,
    filters=_audit_words,
    parameters=("staff_no", "customer", "verb", "since", "until"),
    customers=("customer_id",),
    lines=lines_of,
)


@dataclass(frozen=True)
class _RunLine:
    run: JobRun
    actor: str


def _run_lines(runs: list[JobRun]) -> Iterable[_RunLine]:
    """Each run with the name of who started it: one query."""
    people = User.objects.in_bulk({run.actor_id for run in runs if run.actor_id})
    for run in runs:
        actor = people.get(run.actor_id or 0)
        yield _RunLine(run, actor.name if actor else _("the clock"))


def _run_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    said = []
    if (state := query.get("state", "")) in JobRun.State.values:
        said.append((_("State"), str(JobRun.State(state).label)))
    if (kind := job_kinds().get(query.get("job", ""))) is not None:
        said.append((_("Kind"), str(kind.title)))
    return said


RUNS = Exportable(
    name="runs",
    title=gettext_lazy("Background work"),
    right="jobs.view",
    take="jobs.export",
    url_name="workspace:run-list",
    columns=(
        Column("work", gettext_lazy("Work"), read=lambda line: title_of(line.run)),
        Column("file", gettext_lazy("File"), read=lambda line: line.run.input_name),
        Column("state", gettext_lazy("State"), read=lambda line: line.run.get_state_display()),
        Column("done", gettext_lazy("Done"), read=lambda line: line.run.done, kind=Kind.NUMBER),
        Column("of", gettext_lazy("Of"), read=lambda line: line.run.total, kind=Kind.NUMBER),
        Column("by", gettext_lazy("Started by"), read=lambda line: line.actor),
        Column("created", gettext_lazy("Created"), read=lambda line: line.run.created_at, kind=Kind.MOMENT),
        Column("ended", gettext_lazy("Ended"), read=lambda line: line.run.finished_at, kind=Kind.MOMENT),
    ),
    rows=runs_asked,
    filters=_run_words,
    parameters=("state", "job"),
    customers=(),
    lines=_run_lines,
)


def register() -> None:
    """Make the lists known."""
    register_exportable(AUDIT)
    register_exportable(RUNS)
