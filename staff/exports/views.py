"""Pages about exports: asking for one, one's own, what an officer decides, and the file."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from foundation.common.doors import requires, signed_in
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import capped_count, keyset_page
from foundation.policies.reading import policy
from foundation.ui.htmx import redirect_page, wants_fragment
from staff.exports import services
from staff.exports.forms import DecisionForm, ExportForm
from staff.exports.models import Export
from staff.exports.queries import export_rows, line_of, waiting
from staff.exports.registry import ASK_RIGHT, Exportable, exportable_called, may_export
from staff.exports.telling import APPROVE_RIGHT
from staff.requests import StaffRequest

PAGE = 50
CONTENT_TYPES = {
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "CSV": "text/csv; charset=utf-8",
}


@require_GET
@signed_in
def export_list(request: StaffRequest) -> HttpResponseBase:
    """Own exports; an officer sees everybody's."""
    try:
        page = keyset_page(export_rows(request.user), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("exports:export-list")
    lines = [line_of(export) for export in page.items]
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"exports/export_list.html{part}", {"page": page, "lines": lines})


@never_cache
@require_http_methods(["GET", "POST"])
@requires(ASK_RIGHT)
def export_new(request: StaffRequest, name: str) -> HttpResponseBase:
    """Ask for a list as a file, with the rights of that list. The query of the address is its filters."""
    exportable = _exportable(request, name)
    form = ExportForm(request.POST if request.method == "POST" else None, exportable=exportable, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            export = services.request_export(
                exportable.name, actor=request.user, query=request.GET.dict(), **form.cleaned_data
            )
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            field = {"exports.no_purpose": "purpose", "exports.column": "columns"}.get(no.code)
            form.add_error(field, no.message)
        else:
            return redirect("exports:export-detail", pk=export.pk)
    return render(
        request,
        "exports/export_new.html",
        {"form": form, **_about(request, exportable)},
        status=422 if form.is_bound else 200,
    )


def _exportable(request: StaffRequest, name: str) -> Exportable:
    try:
        exportable = exportable_called(name)
    except RuleBroken as no:
        raise Http404(str(no.message)) from no
    if not may_export(request.user, exportable):
        raise PermissionDenied
    return exportable


def _about(request: StaffRequest, exportable: Exportable) -> dict[str, Any]:
    """What stands beside the form: the list, its filters in words, how many rows, and what needs approval."""
    query = exportable.query(request.GET)
    alone = policy("exports.rows_alone")
    try:
        rows, more = capped_count(exportable.rows(request.user, query), max(alone, 1))
        filters = exportable.filters(request.user, query)
        refusal = ""
    except RuleBroken as no:
        rows, more, filters, refusal = 0, False, [], str(no.message)
    back = reverse(exportable.url_name)
    return {
        "exportable": exportable,
        "filters": filters,
        "rows": f"{rows}+" if more else rows,
        "is_empty": not rows,
        "needs": more or rows > alone,
        "alone": alone,
        "refusal": refusal,
        "back": f"{back}?{query.urlencode()}" if query else back,
    }


@never_cache
@require_GET
@signed_in
def export_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One export: what was asked for and why, what was decided, how far its file is; asks again until it ends."""
    export = get_object_or_404(export_rows(request.user), pk=pk)
    answer = _detail(request, export)
    if wants_fragment(request) and export.run is not None and export.run.ended:
        answer.headers["HX-Refresh"] = "true"
    return answer


@require_POST
@signed_in
def export_stop(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take an own request back, or stop the writing."""
    export = get_object_or_404(export_rows(request.user).filter(requester=request.user), pk=pk)
    try:
        services.stop_export(export.pk, actor=request.user)
    except RuleBroken as no:
        return _detail(request, export, refused=str(no.message), status=422)
    return _after(request, export)


@never_cache
@require_GET
@requires(ASK_RIGHT)
def export_file(request: StaffRequest, pk: int) -> FileResponse:
    """The file, for the person who asked for it; recorded."""
    export = get_object_or_404(export_rows(request.user).filter(requester=request.user), pk=pk)
    try:
        name, file = services.fetch_file(export, actor=request.user)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        raise Http404(str(no.message)) from no
    kind = CONTENT_TYPES[export.file_format]
    return FileResponse(file, as_attachment=True, filename=name, content_type=kind)


@require_GET
@requires(APPROVE_RIGHT)
def approval_list(request: StaffRequest) -> HttpResponseBase:
    """What waits for a decision, the oldest first."""
    try:
        page = keyset_page(waiting(request.user), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("exports:approval-list")
    lines = [line_of(export) for export in page.items]
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"exports/approval_list.html{part}", {"page": page, "lines": lines})


@require_POST
@requires(APPROVE_RIGHT)
def approval_decide(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Approve, or refuse with a reason."""
    export = get_object_or_404(export_rows(request.user), pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _detail(request, export, refused=_("Approve or refuse."), status=422)
    try:
        services.decide_export(
            export.pk, actor=request.user, approve=form.cleaned_data["approve"] == "yes", note=form.cleaned_data["note"]
        )
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        return _detail(request, export, refused=str(no.message), status=422)
    return _after(request, export)


def _after(request: StaffRequest, export: Export) -> HttpResponseBase:
    url = reverse("exports:export-detail", args=[export.pk])
    return redirect_page(url) if wants_fragment(request) else redirect(url)


def _detail(request: StaffRequest, export: Export, refused: str = "", status: int = 200) -> HttpResponse:
    mine = export.requester_id == request.user.pk
    run = export.run
    context = {
        "line": line_of(export, in_full=True),
        "export": export,
        "run": run,
        "mine": mine,
        "may_fetch": mine and bool(export.file) and run is not None and run.state == run.State.DONE,
        "may_stop": mine and (export.is_asked if run is None else not run.ended),
        "may_retry": mine and run is not None and run.state in (run.State.FAILED, run.State.CANCELLED),
        "may_decide": not mine and export.is_asked and request.user.has_perm(APPROVE_RIGHT),
        "decision": DecisionForm(),
        "kept": policy("exports.files_kept").days,
        "refused": refused,
    }
    part = "#progress" if wants_fragment(request) and status == 200 and run is not None else ""
    return render(request, f"exports/export_detail.html{part}", context, status=status)
