"""Properties of a case: one changed where it stands, all on one page, and a change taken back (ui-guide §5)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from complaints import presence
from complaints.forms import PropertiesForm
from complaints.models import CaseChange, Complaint
from complaints.services.changing import FIELDS, StaleCase, as_text, change_case, in_words, undo_change
from complaints.templatetags.case_page import property_row
from complaints.views.pages import seen_case
from customers import copies
from customers.views.conflicts import Difference, differences, without_theirs
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.ui.htmx import toast, wants_fragment
from staff.requests import StaffRequest

# Which field a refusal belongs to; the others stand on top of the form.
FIELD_OF = {"complaint.no_subject": "subject", "complaint.bad_amount": "amount", "complaint.bad_topic": "topic"}


def _words(field: str, value: Any) -> str:
    return in_words(field, as_text(value))


def _copy(case: Complaint) -> str:
    return copies.sealed(case.pk, {name: _plain(getattr(case, name)) for name in FIELDS})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int) else str(copies.plain(value))


def _form(case: Complaint, data: Any = None, only: str = "") -> PropertiesForm:
    initial = {name: getattr(case, name) for name in FIELDS if name != "topic_id"}
    initial |= {"topic": case.topic, "version": case.version, "copy": _copy(case)}
    form = PropertiesForm(data, initial=initial, auto_id=f"id_inline_{only}_%s" if only else "id_%s")
    if only:
        keep = {only.removesuffix("_id"), "version", "copy"}
        for name in [name for name in form.fields if name not in keep]:
            del form.fields[name]
    return form


def _open_case(request: StaffRequest, pk: int) -> Complaint:
    case = seen_case(request, pk)
    if not case.is_open and not case.is_imported:
        raise Http404
    return case


@require_http_methods(["GET", "POST"])
@never_cache
@requires("complaints.take")
def case_edit(request: StaffRequest, pk: int) -> HttpResponseBase:
    """All properties; another's change meanwhile is shown field by field and nothing typed is lost."""
    case = _open_case(request, pk)
    conflict: list[Difference] = []
    form = _form(case, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        changes = without_theirs(request.POST, form.changes())
        try:
            change_case(pk, actor=request.user, version=form.cleaned_data["version"], changes=changes)
            presence.unmark(request.user, pk, presence.REPLY)
            return redirect("complaints:case", pk)
        except StaleCase as stale:
            case = seen_case(request, pk)
            was = copies.opened(case.pk, form.cleaned_data["copy"])
            theirs = {name: _plain(value) for name, value in stale.current.items()}
            theirs = {name: value for name, value in theirs.items() if name not in was or was[name] != value}
            if not theirs:  # what others changed beside it is no conflict
                change_case(pk, actor=request.user, version=stale.version, changes=changes)
                return redirect("complaints:case", pk)
            conflict = differences(
                {name: _plain(value) for name, value in changes.items()},
                theirs,
                was,
                label=lambda field: str(FIELDS[field]),
                own_words=_words,
                words=_words,
            )
            form.add_error(None, stale.message)
            # The next save is made on what the person has now compared with.
            form.data = {**request.POST.dict(), "version": str(stale.version), "copy": _copy(case)}
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            form.add_error(FIELD_OF.get(no.code), no.message)
    present = presence.mark(request.user, pk, presence.REPLY)
    context = {
        "case": case,
        "form": form,
        "conflict": conflict,
        "present": present,
        "present_words": presence.sentences(present),
        "doing": presence.REPLY,
    }
    return render(request, "complaints/case_edit.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@never_cache
@requires("complaints.take")
def inline_edit(request: StaffRequest, pk: int, field: str) -> HttpResponseBase:
    """GET opens one value (`?show=1` closes it again), POST saves it. Without htmx the edit page does the same."""
    case = _open_case(request, pk)
    if field not in FIELDS:
        raise Http404
    if not wants_fragment(request):
        return redirect(f"{reverse('complaints:edit', args=[pk])}#id_{field.removesuffix('_id')}")
    if request.method == "GET":
        if request.GET.get("show"):
            return HttpResponse(_row(case, field, focus=bool(request.GET.get("back"))))
        return _open_form(request, case, field, _form(case, only=field))
    form = _form(case, request.POST, only=field)
    error = ""
    if form.is_valid():
        value = form.cleaned_data[field.removesuffix("_id")]
        if field == "topic_id":
            value = value.pk if value is not None else None
        try:
            made = _save(request, case, form, {field: value})
            case = seen_case(request, pk)
            row = _row(case, field, saved=bool(made), focus=bool(request.POST.get("back")))
            if not made:
                return HttpResponse(row)
            undo = reverse("complaints:change-undo", args=[made[0].pk])
            return toast(HttpResponse(row), _("Saved: %(field)s") % {"field": FIELDS[field]}, undo_url=undo)
        except StaleCase as stale:
            theirs = _words(field, stale.current[field])
            error = f"{stale.message} {_('On file now: %(value)s') % {'value': theirs or '–'}}"
            form.data = {**request.POST.dict(), "version": str(stale.version), "copy": _copy(seen_case(request, pk))}
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            error = str(no.message)
    else:
        error = " ".join(str(words) for errors in form.errors.values() for words in errors)
    return _open_form(request, case, field, form, error)


def _save(request: StaffRequest, case: Complaint, form: forms.Form, changes: dict[str, Any]) -> list[CaseChange]:
    """Save one field; what others changed beside it is no conflict."""
    try:
        return change_case(case.pk, actor=request.user, version=form.cleaned_data["version"], changes=changes)
    except StaleCase as stale:
        was = copies.opened(case.pk, form.cleaned_data["copy"])
        name = next(iter(changes))
        if name not in was or was[name] != _plain(stale.current[name]):
            raise
        return change_case(case.pk, actor=request.user, version=stale.version, changes=changes)


@require_POST
@never_cache
@requires("complaints.take")
def change_undo(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take one's own change of a field back, while nobody has changed it again."""
    change = get_object_or_404(CaseChange.objects.filter(actor=request.user, undone_of=None), pk=pk)
    case = _open_case(request, change.complaint_id)
    refusal = ""
    try:
        undo_change(pk, actor=request.user)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        refusal = str(no.message)
    done = _("Taken back: %(field)s") % {"field": FIELDS[change.field]}
    if not wants_fragment(request):
        (messages.error if refusal else messages.success)(request, refusal or done)
        return redirect("complaints:case", case.pk)
    if refusal:
        return toast(HttpResponse(status=200), refusal, tone="danger")
    row = _row(seen_case(request, case.pk), change.field)
    return toast(HttpResponse(row.replace('<div class="kv"', '<div class="kv" hx-swap-oob="true"', 1)), done)


def _row(case: Complaint, field: str, *, saved: bool = False, focus: bool = False) -> str:
    return property_row(case, field, _words(field, getattr(case, field)), True, saved=saved, focus=focus)


def _open_form(
    request: StaffRequest, case: Complaint, field: str, form: PropertiesForm, error: str = ""
) -> HttpResponse:
    bound = form[field.removesuffix("_id")]
    attrs: dict[str, str | bool] = {"data-focus": True, "autocomplete": "off", "class": "input"}
    if error:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{bound.id_for_label}_err"}
    context = {
        "case": case,
        "name": field,
        "label": FIELDS[field],
        "form": form,
        "field": bound,
        "widget": bound.as_widget(attrs=attrs),
        "error": error,
    }
    return render(request, "complaints/_inline_form.html", context, status=422 if error else 200)
