"""Pages of segments: the list, one with its count, the editor that works without script too."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.models import Segment
from customers.segments import editing, services
from customers.segments.counting import Count, count_for
from customers.segments.rules import checked, in_words
from customers.segments.uses import uses_of
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.models import User

RIGHT = "customers.segments"


class SegmentForm(forms.Form):
    """What a segment is called and who sees it; the rule is read beside it."""

    name = forms.CharField(label=pgettext_lazy("segment", "Name"), max_length=80)
    note = forms.CharField(label=gettext_lazy("What it is for"), max_length=400, required=False)
    shared = forms.BooleanField(label=gettext_lazy("Others may see and use it"), required=False)


@require_GET
@never_cache
@requires(RIGHT)
def segment_list(request: HttpRequest) -> HttpResponse:
    """Own and shared segments, newest first."""
    user: Any = request.user
    rows = Segment.objects.visible_to(user).select_related("owner").order_by("-pk")
    refusal = ""
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken as no:
        refusal, page = no.message, keyset_page(rows, after=None, size=50)
    used = {use.segment_id for use in uses_of([row.pk for row in page.items])}
    context = {"page": page, "refusal": refusal, "used": used}
    return render(request, "segments/segment_list.html", context)


@require_GET
@never_cache
@requires(RIGHT)
def segment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The rule in words, how many it holds for in the reader's scope, and what uses it."""
    user: Any = request.user
    segment = _seen(user, pk)
    refusal, counted = _counted(user, segment.rule)
    context = {
        "segment": segment,
        "lines": in_words(segment.rule),
        "counted": counted,
        "refusal": refusal,
        "uses": uses_of([segment.pk]),
        "own": segment.owner_id == user.pk,
        "members_url": f"{reverse('customers:customer-list')}?in_segment={segment.ref}"
        if user.has_perm("customers.view") and not refusal
        else "",
    }
    return render(request, "segments/segment_detail.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@requires(RIGHT)
def segment_new(request: HttpRequest) -> HttpResponse:
    """A new segment."""
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@never_cache
@requires(RIGHT)
def segment_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an own segment; of a shared one of somebody else a copy can be made."""
    return _edit(request, _seen(request.user, pk))


def _edit(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    user: Any = request.user
    if request.method == "GET":
        form = SegmentForm(initial=_initial(segment))
        root = editing.form_of(segment.rule) if segment else editing.blank()
        return _editor(request, segment, form, root)
    act = request.POST.get("act", "save")
    form = SegmentForm(request.POST)
    root = editing.posted(request.POST)
    if act not in ("save", "count"):
        return _editor(request, segment, SegmentForm(initial=_typed(request)), editing.changed(root, act))
    try:
        rule = checked(editing.rule_of(root))
        if act == "count":
            return _editor(request, segment, SegmentForm(initial=_typed(request)), root, counted=count_for(user, rule))
        if not form.is_valid():
            return _editor(request, segment, form, root, status=422)
        version = request.POST.get("version", "")
        kept = services.save_segment(
            actor=user,
            rule=rule,
            segment=segment,
            version=int(version) if version.isdecimal() and len(version) < 9 else 0,
            **form.cleaned_data,
        )
    except NotAllowed:
        raise
    except RuleBroken as no:
        if act == "save":
            form.is_valid()
        return _editor(request, segment, form, root, refusal=no.message, status=422)
    messages.success(request, _("Segment saved"))
    return redirect("segments:segment-detail", pk=kept.pk)


@require_POST
@requires(RIGHT)
def segment_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete an own segment nothing uses."""
    user: Any = request.user
    segment = _seen(user, pk)
    try:
        services.delete_segment(segment.pk, actor=user)
    except NotAllowed:
        raise
    except RuleBroken as no:
        messages.error(request, no.message)
        return redirect("segments:segment-detail", pk=segment.pk)
    messages.success(request, _("Segment deleted"))
    return redirect("segments:segment-list")


def _editor(
    request: HttpRequest,
    segment: Segment | None,
    form: SegmentForm,
    root: editing.Part,
    *,
    refusal: str = "",
    counted: Count | None = None,
    status: int = 200,
) -> HttpResponse:
    version = request.POST.get("version", "") or (str(segment.version) if segment else "")
    context = {
        "segment": segment,
        "form": form,
        "root": root,
        "columns": editing.column_groups(),
        "modes": editing.modes(),
        "refusal": refusal,
        "counted": counted,
        "version": version,
        "url": request.path,
    }
    fragment = wants_fragment(request) and request.method == "POST"
    return render(request, "segments/segment_edit.html" + ("#rule" if fragment else ""), context, status=status)


def _seen(user: Any, pk: int) -> Segment:
    segment = Segment.objects.visible_to(user).select_related("owner").filter(pk=pk).first()
    if segment is None:
        raise Http404
    return segment


def _counted(user: User, rule: Any) -> tuple[str, Count | None]:
    try:
        return "", count_for(user, rule)
    except RuleBroken as no:
        return str(no.message), None


def _initial(segment: Segment | None) -> dict[str, Any]:
    return {"name": segment.name, "note": segment.note, "shared": segment.shared} if segment else {}


def _typed(request: HttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "note": request.POST.get("note", ""),
        "shared": "shared" in request.POST,
    }
