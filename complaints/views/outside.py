"""Letters of the authorities with our responses, and mediations (D§11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from complaints.lifecycle import APPEAL_MOVES, AppealState, MediationState
from complaints.models import AppealCase, MediationCase
from complaints.outside import forms as shapes
from complaints.outside.mediation import MEDIATION_MOVES
from complaints.outside.queries import appeals_in_view, mediations_in_view
from complaints.services import mediating
from complaints.services import outside as services
from complaints.services.ground import COORDINATE_RIGHT, WORK_RIGHT
from foundation.common import clock
from foundation.common.doors import requires
from interactions.views.acting import done, tabbed_list
from staff.requests import StaffRequest

VIEWS: dict[str, Any] = {"open": _("Open"), "approve": _("Waits for approval"), "closed": _("Closed")}
# What `move_appeal` does; linking and responding have forms of their own.
BY_HAND = (AppealState.MEDIATING, AppealState.SETTLED, AppealState.FAILED, AppealState.CLOSED)


@require_GET
@requires("complaints.view")
def appeal_list(request: StaffRequest) -> HttpResponseBase:
    """Letters of authorities, by the moment our response must be ready."""
    return tabbed_list(
        request,
        "complaints/appeal_list.html",
        VIEWS,
        lambda view: appeals_in_view(request.user, view),
        may_open=request.user.has_perm(COORDINATE_RIGHT),
    )


@requires("complaints.coordinate")
def appeal_new(request: StaffRequest) -> HttpResponseBase:
    """A letter came."""
    form = shapes.AppealForm(request.POST or None)
    made: list[AppealCase] = []
    if request.method == "POST" and done(form, lambda d: made.append(services.open_appeal(actor=request.user, **d))):
        return redirect("complaints:appeal", made[0].pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "complaints/appeal_new.html", {"form": form}, status=status)


@require_GET
@requires("complaints.view")
def appeal_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One letter, the case it is about, and our response."""
    return _appeal(request, _visible(request, pk))


@require_POST
@requires("complaints.take")
def appeal_act(request: StaffRequest, pk: int, verb: str) -> HttpResponseBase:
    """One verb of the page; 422 with what was typed when refused, 403 when not theirs."""
    appeal, user = _visible(request, pk), request.user
    acts: dict[str, Callable[[dict[str, Any]], object]] = {
        "link": lambda d: services.link_appeal(pk, actor=user, case_id=d["case"].pk if d["case"] else None),
        "draft": lambda d: services.draft_response(pk, actor=user, **d),
        "approve": lambda _d: services.approve_response(pk, actor=user),
        "deny": lambda d: services.deny_response(pk, actor=user, **d),
        "move": lambda d: services.move_appeal(pk, actor=user, **d),
    }
    if verb not in acts:
        raise Http404
    form = _form(appeal, verb, request.POST)
    if done(form, acts[verb]):
        return redirect("complaints:appeal", pk)
    return _appeal(request, appeal, status=422, bound=(verb, form))


@require_GET
@requires("complaints.view")
def mediation_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One mediation and its next step."""
    return _mediation(request, _mediated(request, pk))


@require_POST
@requires("complaints.work")
def mediation_move(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The next step of a mediation."""
    found = _mediated(request, pk)
    form = _steps(found, request.POST)

    def act(data: dict[str, Any]) -> None:
        asked = {name: data[name] for name in ("state", "party", "session_at", "agreement") if name in data}
        mediating.move_mediation(pk, actor=request.user, duties=form.duties(), **asked)

    if done(form, act):
        return redirect("complaints:mediation", pk)
    return _mediation(request, found, status=422, form=form)


def _visible(request: StaffRequest, pk: int) -> AppealCase:
    rows = appeals_in_view(request.user, "open") | appeals_in_view(request.user, "closed")
    return get_object_or_404(rows.select_related("approved_by", "created_by"), pk=pk)


def _form(appeal: AppealCase, verb: str, data: Any = None) -> forms.Form:
    ids = f"{verb}-%s"
    if verb == "move":
        states = [(state, AppealState(state).label) for state in APPEAL_MOVES[appeal.state] if state in BY_HAND]
        return shapes.MoveAppealForm(data, states=states, auto_id=ids)
    if verb == "draft":
        return shapes.ResponseForm(data, auto_id=ids, initial={"text": appeal.response})
    kinds: dict[str, type[forms.Form]] = {"link": shapes.LinkAppealForm, "deny": shapes.DenyForm, "approve": forms.Form}
    return kinds[verb](data, auto_id=ids)


def _appeal(
    request: StaffRequest, appeal: AppealCase, status: int = 200, bound: tuple[str, forms.Form] | None = None
) -> HttpResponse:
    user, names = request.user, []
    if user.has_perm(COORDINATE_RIGHT):
        names += ["link"] if appeal.state == AppealState.RECEIVED else []
        names += ["move"] if set(APPEAL_MOVES[appeal.state]) & set(BY_HAND) else []
    if appeal.state == AppealState.LINKED and user.has_perm(WORK_RIGHT):
        names.append("draft")
    if services.may_approve(appeal, user):
        names += ["approve", "deny"]
    found = {name: _form(appeal, name) for name in names}
    refusal = ""
    if bound is not None:
        name, form = bound
        if name in found and form.fields:
            found[name] = form
        else:
            refusal = " ".join(str(error) for error in form.non_field_errors())
    context: dict[str, Any] = {"appeal": appeal, "case": appeal.complaint, "refusal": refusal, "now": clock.now()}
    context |= {f"{name}_form": form for name, form in found.items()}
    return render(request, "complaints/appeal_detail.html", context, status=status)


def _mediated(request: StaffRequest, pk: int) -> MediationCase:
    rows = mediations_in_view(request.user).select_related("complaint__handler", "complaint__owner")
    return get_object_or_404(rows, pk=pk)


def _steps(found: MediationCase, data: Any = None) -> shapes.MoveMediationForm:
    words: dict[str, Any] = {
        MediationState.BOTH_AGREED: _("One side agrees"),
        MediationState.REFUSED: _("One side does not want it"),
    }
    states = [(state, words.get(state, MediationState(state).label)) for state in MEDIATION_MOVES[found.state]]
    return shapes.MoveMediationForm(data, states=states, auto_id="step-%s")


def _mediation(
    request: StaffRequest, found: MediationCase, status: int = 200, form: forms.Form | None = None
) -> HttpResponse:
    if form is None and found.closed_at is None and request.user.has_perm(WORK_RIGHT):
        form = _steps(found)
    context = {"mediation": found, "case": found.complaint, "form": form, "now": clock.now()}
    return render(request, "complaints/mediation_detail.html", context, status=status)
