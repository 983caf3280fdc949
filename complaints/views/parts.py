"""Parts of cases: the list of a unit, and the page of one part with its verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from complaints.lifecycle import PART_OPEN, PartState
from complaints.models import Complaint, Part
from complaints.services import parts as services
from complaints.sharing import forms as shapes
from complaints.sharing.part_queries import chain_of, parts_in_view, support_units
from foundation.common import clock
from foundation.common.doors import requires
from interactions.views.acting import done, tabbed_list
from staff.requests import StaffRequest

VIEWS: dict[str, Any] = {"open": _("Waiting"), "mine": _("I work on"), "done": _("Done")}
_FORMS: dict[str, type[forms.Form]] = {
    "accept": forms.Form,
    "finish": shapes.FinishPartForm,
    "pass": shapes.PassPartForm,
    "return": shapes.ReturnPartForm,
}


@require_GET
@requires("complaints.part")
def part_list(request: StaffRequest) -> HttpResponseBase:
    """What units are asked to find out or do, by due date."""
    return tabbed_list(request, "complaints/part_list.html", VIEWS, lambda view: parts_in_view(request.user, view))


@require_GET
@requires("complaints.part")
def part_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One part: what is asked, how much of its time is used, and the parts beside it."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("complaints.part")
def part_accept(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Work on it."""
    return _act(request, pk, "accept", lambda _d: services.accept_part(pk, actor=request.user))


@require_POST
@requires("complaints.part")
def part_finish(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The unit's answer."""
    return _act(request, pk, "finish", lambda d: services.finish_part(pk, actor=request.user, **d))


@require_POST
@requires("complaints.part")
def part_pass(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The answer, and the next unit's part."""
    return _act(request, pk, "pass", lambda d: services.pass_part(pk, actor=request.user, **d))


@require_POST
@requires("complaints.part")
def part_return(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Back: poorly prepared."""
    return _act(request, pk, "return", lambda d: services.return_part(pk, actor=request.user, **d))


def _act(request: StaffRequest, pk: int, name: str, act: Callable[[dict[str, Any]], object]) -> HttpResponseBase:
    part = _visible(request, pk)
    form = _form(name, part, request.POST)
    if done(form, act):
        return redirect("complaints:part-detail", pk)
    return _detail(request, part, status=422, bound=(name, form))


def _visible(request: StaffRequest, pk: int) -> Part:
    rows = Part.objects.visible_to(request.user).select_related(
        "complaint__customer", "complaint__topic", "unit", "handler", "given_by", "passed_from__unit"
    )
    return get_object_or_404(rows, pk=pk)


def _form(name: str, part: Part, data: Any = None) -> forms.Form:
    kind, ids = _FORMS[name], f"{name}-{part.ref}-%s"
    if issubclass(kind, shapes.ChosenForm):
        return kind(data, units=support_units({part.unit_id}), auto_id=ids)
    return kind(data, auto_id=ids)


def _detail(
    request: StaffRequest, part: Part, status: int = 200, bound: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    is_open = part.state in PART_OPEN and part.complaint.is_open
    names = ["finish", "pass", "return"] if is_open else []
    names += ["accept"] if part.state == PartState.OPEN and is_open else []
    found = {name: _form(name, part) for name in names}
    if bound is not None and bound[0] in found:
        found[bound[0]] = bound[1]
    refusal = ""
    if bound is not None and (bound[0] not in names or not bound[1].fields):
        refusal = " ".join(str(error) for error in bound[1].non_field_errors())
    context = {
        "part": part,
        "case": part.complaint,
        "sees_case": Complaint.objects.visible_to(request.user).filter(pk=part.complaint_id).exists()
        and request.user.has_perm("complaints.view"),
        "chain": chain_of(part),
        "refusal": refusal,
        "now": clock.now(),
        **{f"{name}_form": form for name, form in found.items()},
    }
    return render(request, "complaints/part_detail.html", context, status=status)
