"""Background work to watch: what runs, how far it is, its files, cancel and repeat."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from foundation.audit import services as audit
from foundation.common.doors import signed_in
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.jobs import services as jobs
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun, JobRunQuerySet
from foundation.jobs.queries import counts_of, files_of, job_list, title_of
from foundation.ui.htmx import wants_fragment
from staff.models import User
from staff.requests import StaffRequest
from staff.rights import sight_of


def runs_of(user: User) -> JobRunQuerySet:
    """Runs the user started, and those the right "jobs.view" opens."""
    more = sight_of(user, "jobs.view").rows(owner="actor_id") if user.has_perm("jobs.view") else None
    return JobRun.objects.visible_to(user, more)


def runs_asked(user: User, query: QueryDict) -> QuerySet[JobRun]:
    """Those of one state and kind, where the address names one; newest first."""
    state, job = query.get("state", ""), query.get("job", "")
    return job_list(
        runs_of(user), state=state if state in JobRun.State.values else "", job=job if job in job_kinds() else ""
    )


def _may_control(user: User, run: JobRun) -> bool:
    return run.actor_id == user.pk or user.has_perm("jobs.control")


def _page_of(user: User, run: JobRun) -> str:
    """The page where the person who started the run finds its files, when such runs have one of their own."""
    kind = job_kinds().get(run.job)
    return kind.page(run) if kind and kind.page and run.actor_id == user.pk else ""


def _may_download(user: User, run: JobRun) -> bool:
    # Files hold rows of customers: watching a run is not enough, the right to start such a run is.
    kind = job_kinds().get(run.job)
    if kind and kind.page:
        return False
    return run.actor_id == user.pk or bool(kind and kind.right and user.has_perm(kind.right))


@require_GET
@signed_in
def run_list(request: StaffRequest) -> HttpResponse:
    """Own runs for everybody; more for those with "jobs.view"."""
    state, job = request.GET.get("state", ""), request.GET.get("job", "")
    try:
        page = keyset_page(runs_asked(request.user, request.GET), after=request.GET.get("after"), size=50)
    except RuleBroken:
        return redirect("workspace:run-list")
    actors = User.objects.in_bulk({run.actor_id for run in page.items if run.actor_id})
    template = "workspace/run_list.html" + ("#results" if wants_fragment(request) else "")
    return render(
        request,
        template,
        {
            "page": page,
            "rows": [(run, title_of(run), actors.get(run.actor_id or 0)) for run in page.items],
            "states": JobRun.State.choices,
            "kinds": sorted(((name, str(kind.title)) for name, kind in job_kinds().items()), key=lambda pair: pair[1]),
            "state": state,
            "job": job,
        },
    )


@require_GET
@signed_in
def run_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One run; its progress part asks again every two seconds until it ends, then the page is loaded anew."""
    run = get_object_or_404(runs_of(request.user), pk=pk)
    response = _answer(request, run)
    if wants_fragment(request) and run.ended:
        response.headers["HX-Refresh"] = "true"
    return response


def _answer(request: StaffRequest, run: JobRun, refused: str = "") -> HttpResponse:
    template = "workspace/run_detail.html" + ("#progress" if wants_fragment(request) else "")
    context = {
        "run": run,
        "title": title_of(run),
        "counts": counts_of(run.job, run.counts),
        "files": files_of(run) if _may_download(request.user, run) else {},
        "page": _page_of(request.user, run),
        "actor": User.objects.filter(pk=run.actor_id).first() if run.actor_id else None,
        "may_control": _may_control(request.user, run),
        "refused": refused,
    }
    return render(request, template, context, status=422 if refused else 200)


@require_POST
@signed_in
def run_cancel(request: StaffRequest, pk: int) -> HttpResponse:
    """Cancel an own run, or anybody's with "jobs.control"."""
    run = _controllable(request, pk)
    try:
        run = jobs.cancel_job(run.pk, actor=request.user)
    except RuleBroken as no:
        return _answer(request, run, no.message)
    messages.success(request, _("The run was cancelled.") if run.ended else _("The run stops at its next step."))
    return redirect("workspace:run-detail", pk=run.pk)


@require_POST
@signed_in
def run_retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Start a failed or cancelled run again."""
    run = _controllable(request, pk)
    try:
        jobs.retry_job(run.pk, actor=request.user)
    except RuleBroken as no:
        return _answer(request, run, no.message)
    messages.success(request, _("The run starts again."))
    return redirect("workspace:run-detail", pk=run.pk)


def _controllable(request: StaffRequest, pk: int) -> JobRun:
    mine = JobRun.objects.filter(actor_id=request.user.pk)
    return get_object_or_404(JobRun.objects.all() if request.user.has_perm("jobs.control") else mine, pk=pk)


@require_GET
@signed_in
def run_file(request: StaffRequest, pk: int, what: str) -> FileResponse:
    """Download a file of a run; recorded, since it may hold personal data."""
    run = get_object_or_404(runs_of(request.user), pk=pk)
    found = files_of(run).get(what) if _may_download(request.user, run) else None
    if found is None:
        raise Http404
    name, file = found
    audit.record("job.file_downloaded", target=run, actor=request.user, detail={"job": run.job, "file": what})
    return FileResponse(file.open("rb"), as_attachment=True, filename=name)
