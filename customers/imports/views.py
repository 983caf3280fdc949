"""Pages about imports. The file and what is wrong in it are personal data: every download is recorded."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.imports import services
from customers.imports.contents import content_of
from customers.imports.forms import ImportForm
from customers.imports.models import Import
from customers.imports.queries import import_list as imports_of
from customers.imports.queries import preview
from customers.imports.reading import MB
from customers.imports.uploads import SizeGuard
from foundation.audit.services import record
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.policies.reading import policy
from foundation.ui.htmx import redirect_page, wants_fragment
from staff.models import User
from staff.requests import StaffRequest

KEPT_SHOWN = 100


@require_GET
@requires("imports.view")
def import_list(request: StaffRequest) -> HttpResponse:
    """All imports, the newest first."""
    page = keyset_page(imports_of(request.user), after=request.GET.get("after"), size=50)
    actors = User.objects.in_bulk({item.actor_id for item in page.items if item.actor_id})
    template = "imports/import_list.html" + ("#results" if wants_fragment(request) else "")
    return render(
        request,
        template,
        {
            "page": page,
            "rows": [(item, actors.get(item.actor_id or 0)) for item in page.items],
            "may_run": request.user.has_perm("imports.run"),
        },
    )


@csrf_exempt  # `_import_new` checks the token: it may only be read once the size guard stands before the upload
@require_http_methods(["GET", "POST"])
@requires("imports.run")
def import_new(request: StaffRequest) -> HttpResponse:
    """Upload a file and have it checked."""
    guard = SizeGuard(request, policy("imports.max_file_mb") * MB)
    request.upload_handlers.insert(0, guard)
    return _import_new(request, guard)


@csrf_protect
def _import_new(request: StaffRequest, guard: SizeGuard) -> HttpResponse:
    if request.method != "POST":
        return _form(request, ImportForm(), guard)
    form = ImportForm(request.POST, request.FILES)
    valid = form.is_valid()
    if guard.too_large:
        form.errors.pop("file", None)
        form.add_error("file", services.too_large(policy("imports.max_file_mb")).message)
    elif valid:
        try:
            imported = services.start_import(
                form.cleaned_data["file"],
                mapping=form.cleaned_data["mapping"],
                as_of=form.cleaned_data["as_of"],
                unit=form.cleaned_data["unit"],
                actor=request.user,
            )
            return redirect("imports:import-detail", pk=imported.pk)
        except RuleBroken as no:
            field = {"imports.as_of": "as_of", "imports.empty": "file", "imports.too_large": "file"}.get(no.code)
            form.add_error(field, no.message)
    return _form(request, form, guard, status=422)


def _form(request: StaffRequest, form: ImportForm, guard: SizeGuard, status: int = 200) -> HttpResponse:
    context = {"form": form, "limit": guard.limit // MB}
    return render(request, "imports/import_new.html", context, status=status)


@require_GET
@requires("imports.view")
def import_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One import: how far it is, what the check found, what was done, what can be done now."""
    return _answer(request, _found(request, pk))


@require_POST
@requires("imports.run")
def import_run(request: StaffRequest, pk: int) -> HttpResponse:
    """Bring the checked file in."""
    imported = _found(request, pk)
    try:
        services.run_import(imported.pk, actor=request.user)
    except RuleBroken as no:
        return _answer(request, imported, no.message)
    return _after(request, imported)


@require_POST
@requires("imports.revert")
def import_revert(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the import back."""
    imported = _found(request, pk)
    try:
        services.revert_import(imported.pk, actor=request.user)
    except RuleBroken as no:
        return _answer(request, imported, no.message)
    return _after(request, imported)


@require_GET
@requires("imports.view")
def import_errors(request: StaffRequest, pk: int) -> FileResponse:
    """The list of wrong rows, kept for 7 days."""
    imported = _found(request, pk)
    run = imported.last_run
    if run is None or not run.errors_file:
        raise Http404(_("The list is gone: it is kept for 7 days."))
    record("import.errors_downloaded", target=imported, actor=request.user)
    return FileResponse(
        run.errors_file.open("rb"), as_attachment=True, filename=run.errors_name, content_type="text/csv; charset=utf-8"
    )


def _found(request: StaffRequest, pk: int) -> Import:
    rows = Import.objects.visible_to(request.user).select_related("unit", "file_run", "last_run")
    return services.settle(get_object_or_404(rows, pk=pk))


def _after(request: StaffRequest, imported: Import) -> HttpResponse:
    url = reverse("imports:import-detail", args=[imported.pk])
    return redirect_page(url) if wants_fragment(request) else redirect(url)


def _answer(request: StaffRequest, imported: Import, refused: str = "") -> HttpResponse:
    run, content = imported.last_run, content_of(imported.mapping)
    states = Import.State
    written = imported.started_at is not None
    kept = content.kept(imported, KEPT_SHOWN) if imported.count("kept") else []
    context = {
        "imported": imported,
        "content": content,
        "run": run,
        "counts": [(words, imported.counts[name]) for name, words in content.words.items() if name in imported.counts],
        "actor": User.objects.filter(pk=imported.actor_id).first() if imported.actor_id else None,
        "preview": preview(imported) if imported.state == states.CHECKED else [],
        "has_errors": bool(run and run.errors_file),
        "failed": run.error_text if run and imported.state == states.FAILED else "",
        "may_run": request.user.has_perm("imports.run")
        and imported.state in (states.CHECKED, states.FAILED)
        and bool(imported.file_run and imported.file_run.input_file),
        "may_revert": request.user.has_perm("imports.revert")
        and written
        and (imported.state in (states.DONE, states.FAILED) or (imported.state == states.REVERTED and kept))
        and not services.is_revert_over(imported),
        "kept": kept,
        "refused": refused,
    }
    template = "imports/import_detail.html" + ("#state" if wants_fragment(request) else "")
    return render(request, template, context, status=422 if refused else 200)
