"""Follow-ups: the list with its groups, the row being worked on, the page of one, and one POST per verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.contact_wishes import unwanted_at, wishes_for
from customers.models import Customer
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import redirect_page, toast, wants_fragment
from foundation.ui.parts.lists import Tab
from outreach import forms as shapes
from outreach import services
from outreach.filters import FollowUpFilter
from outreach.lifecycle import MEETS_CUSTOMER, FollowUpState
from outreach.models import FollowUp
from outreach.queries import VIEWS, closed_streams, followups_in_view, grouped, listed, with_people
from outreach.services.followups import ASSIGN_RIGHT, may_work_on
from staff.drafts import Place, forget_draft
from staff.requests import StaffRequest

PAGE = 50
ROW = "outreach/_followup_row.html"
# Where the text of a verb's form is kept while it is typed.
TEXTS = {"attempt": "outreach.attempt", "done": "outreach.result"}
FORMS: dict[str, Callable[..., forms.Form]] = {
    "attempt": shapes.AttemptForm,
    "done": shapes.ResultForm,
    "reschedule": shapes.RescheduleForm,
    "reassign": shapes.ReassignForm,
    "cancel": shapes.CancelForm,
}


@require_GET
@requires("outreach.view")
def followup_list(request: StaffRequest) -> HttpResponse:
    """The duties in view, grouped overdue, today, later; the URL holds tab and filters."""
    view = request.GET.get("view", "mine")
    view = view if view in VIEWS else "mine"
    rows, streams = followups_in_view(request.user, view), list[Q]()
    if view == "closed":
        rows, streams = closed_streams(request.user)
    found = FollowUpFilter(request.GET, rows, request=request)
    try:
        page = keyset_page(found.qs, after=request.GET.get("after"), size=PAGE, streams=streams, show=listed)
    except RuleBroken:
        return redirect(f"{request.path}?view={view}")
    now = clock.now()
    context = {
        "page": page,
        "groups": grouped(page.items, now) if view != "closed" else [],
        "rows": page.items if view == "closed" else [],
        "filter": found.form,
        "filtered": bool(found.form.is_bound and any(found.form.cleaned_data.values())) if found.is_valid() else False,
        "view": view,
        "tabs": _tabs(view),
        "now": now,
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"outreach/followup_list.html{part}", context)


def _tabs(view: str) -> list[Tab]:
    labels = {"mine": _("Mine"), "all": _("All I see"), "pool": _("To take"), "closed": _("Closed")}
    return [Tab(label, f"?view={key}", current=key == view) for key, label in labels.items()]


@require_GET
@requires("outreach.view")
def followup_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One follow-up with its attempts and history."""
    return _detail(request, _visible(request, pk))


@require_GET
@requires("outreach.view")
def followup_row(request: StaffRequest, pk: int) -> HttpResponse:
    """One row of the list; with `?open=1` unfolded for logging an attempt in place."""
    follow_up = _visible(request, pk)
    if not wants_fragment(request):
        return redirect("outreach:followup-detail", pk)
    unfolded = bool(request.GET.get("open")) and may_work_on(follow_up, request.user)
    return render(request, ROW, _row(follow_up, attempt=_form("attempt", request, follow_up) if unfolded else None))


@require_http_methods(["GET", "POST"])
@requires("outreach.work")
def followup_new(request: StaffRequest) -> HttpResponseBase:
    """Owe something by hand; `?customer=` names whom."""
    customer = _customer(request)
    initial = {"owner": request.user.pk, "kind": "CALLBACK" if customer else "TASK"}
    form = shapes.FollowUpForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid() and form.minds(customer, form.cleaned_data["kind"]):
        try:
            follow_up = services.owe_followup(customer=customer, actor=request.user, **form.cleaned_data)
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            return redirect("outreach:followup-detail", follow_up.pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "customer": customer, "wishes": wishes_for(customer) if customer else None}
    return render(request, "outreach/followup_new.html", context, status=status)


@require_POST
@requires("outreach.work")
def followup_next(request: StaffRequest) -> HttpResponseBase:
    """Take the next one from the pool and open it."""
    follow_up = services.claim_next(actor=request.user)
    if follow_up is None:
        if wants_fragment(request):
            return toast(HttpResponse(status=204), _("Nothing waits to be taken."))
        return redirect("outreach:followup-list")
    target = reverse("outreach:followup-detail", args=[follow_up.pk])
    return redirect_page(target) if wants_fragment(request) else redirect(target)


@require_POST
@requires("outreach.work")
def followup_attempt(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Log an attempt; `then=done` closes the follow-up with it."""

    def act(data: dict[str, Any]) -> None:
        services.record_attempt(pk, actor=request.user, **data)

    def act_and_close(data: dict[str, Any]) -> None:
        services.attempt_and_complete(pk, actor=request.user, outcome=data["outcome"], note=data["note"])

    closing = request.POST.get("then") == "done"
    return _act(request, pk, "attempt", act_and_close if closing else act, _("Attempt saved"))


@require_POST
@requires("outreach.work")
def followup_complete(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Mark it done."""

    def act(data: dict[str, Any]) -> None:
        services.complete_followup(pk, actor=request.user, result=data["result"])

    return _act(request, pk, "done", act, _("Done"))


@require_POST
@requires("outreach.work")
def followup_reschedule(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Move it to another moment."""

    def act(data: dict[str, Any]) -> None:
        services.reschedule_followup(pk, actor=request.user, **data)

    return _act(request, pk, "reschedule", act, _("Moved"))


@require_POST
@requires("outreach.assign")
def followup_reassign(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Give it to another person."""

    def act(data: dict[str, Any]) -> None:
        services.reassign_followup(pk, actor=request.user, to=data["owner"], reason=data["reason"])

    return _act(request, pk, "reassign", act, _("Given to another colleague"))


@require_POST
@requires("outreach.work")
def followup_cancel(request: StaffRequest, pk: int) -> HttpResponseBase:
    """No longer owed."""

    def act(data: dict[str, Any]) -> None:
        services.cancel_followup(pk, actor=request.user, reason=data["reason"])

    return _act(request, pk, "cancel", act, _("Cancelled"))


def _form(name: str, request: StaffRequest, follow_up: FollowUp, data: Any = None) -> forms.Form:
    """The form of a verb; its ids are its own, for several stand on one page."""
    more: dict[str, Any] = {"auto_id": f"{name}-{follow_up.ref}-%s"}
    if name == "reassign":
        more["user"] = request.user
    return FORMS[name](data, **more)


def _act(
    request: StaffRequest, pk: int, name: str, act: Callable[[dict[str, Any]], None], said: str
) -> HttpResponseBase:
    """One verb: shape, service, and the row or the page again; 422 with what was typed when refused, 403 when it is
    not theirs."""
    follow_up = _visible(request, pk)
    form = _form(name, request, follow_up, request.POST)
    if form.is_valid() and _minds(form, follow_up):
        try:
            act(form.cleaned_data)
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            form.add_error(None, no.message)
    if form.errors:
        if wants_fragment(request) and name == "attempt":
            return render(request, ROW, _row(follow_up, attempt=form), status=422)
        return _detail(request, follow_up, status=422, **{name: form})
    if text := TEXTS.get(name):
        forget_draft(request.user, Place(text, follow_up.customer_id, follow_up.ref))
    if wants_fragment(request):
        follow_up = with_people(FollowUp.objects.all()).get(pk=pk)
        return toast(render(request, ROW, _row(follow_up, acted=True)), said)
    return redirect("outreach:followup-detail", pk)


def _minds(form: forms.Form, follow_up: FollowUp) -> bool:
    """Whether what the form plans is no time the customer does not want, or that was agreed to."""
    return not isinstance(form, shapes.MindsWishes) or form.minds(follow_up.customer, follow_up.kind)


def _visible(request: StaffRequest, pk: int) -> FollowUp:
    rows = with_people(FollowUp.objects.visible_to(request.user)).select_related(
        "owner__unit", "created_by", "done_by", "customer", "handed_to", "team"
    )
    return get_object_or_404(rows, pk=pk)


def _row(follow_up: FollowUp, **more: Any) -> dict[str, Any]:
    return {"row": follow_up, "now": clock.now(), **more}


def _detail(request: StaffRequest, follow_up: FollowUp, status: int = 200, **bound: forms.Form) -> HttpResponse:
    mine = may_work_on(follow_up, request.user)
    is_open = follow_up.state == FollowUpState.OPEN
    context: dict[str, Any] = {
        "row": follow_up,
        "customer": follow_up.customer,
        "mine": mine,
        "workable": mine and is_open,
        "assignable": is_open and request.user.has_perm(ASSIGN_RIGHT),
        "number": _number_to_dial(follow_up),
        "tries": list(follow_up.tries.select_related("actor", "on_behalf_of").order_by("-pk")),
        "moves": list(
            follow_up.moves.select_related("actor", "on_behalf_of", "old_owner", "new_owner").order_by("-pk")
        ),
        "now": clock.now(),
    }
    if is_open and follow_up.customer is not None:
        wishes = wishes_for(follow_up.customer)
        meets = follow_up.kind in MEETS_CUSTOMER
        context |= {"wishes": wishes, "unwanted": unwanted_at(wishes.avoid, follow_up.due_at) if meets else None}
    if is_open:
        offered = [name for name in FORMS if name != "reassign" or context["assignable"]]
        context |= {name: _form(name, request, follow_up) for name in offered}
    return render(request, "outreach/followup_detail.html", context | bound, status=status)


def _number_to_dial(follow_up: FollowUp) -> str:
    if follow_up.customer is None:
        return ""
    points = follow_up.customer.contact_points.filter(
        kind__in=["MOBILE", "PHONE"], do_not_use="", valid_to__isnull=True
    )
    return points.order_by("-is_primary", "kind", "pk").values_list("value", flat=True).first() or ""


def _customer(request: StaffRequest) -> Customer | None:
    text = request.POST.get("customer") or request.GET.get("customer") or ""
    if not text:
        return None
    try:
        key = ids.from_text(text[:13])
    except ValueError:
        key = 0
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=key)
