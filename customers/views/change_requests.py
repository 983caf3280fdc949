"""The data update service: taking a request, the open ones, the second look (ARC-17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers import services
from customers.duties import keeper
from customers.finding import owners_of
from customers.identity_forms import ReasonForm
from customers.labels import value_in_words
from customers.models import ChangeRequest, Subscription
from customers.request_forms import ChangeRequestForm
from customers.services.change_requests import APPROVE_RIGHT
from customers.views.customer_edit import refuse
from customers.views.showing import View
from customers.work_lists import change_rows
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.parts.lists import Tab
from staff.masking import masked, masked_name, name_mask
from staff.reveals import reveal

F = ChangeRequest.Field
MASKS: dict[str, str] = {F.MOBILE: "phone", F.EMAIL: "email", F.ADDRESS: "address", F.BIRTH_DATE: "address"}
# The name among the reveals of what a request changes: open there, open here.
REVEALED_AS: dict[str, str] = {
    F.NAME: "name",
    F.ID_NUMBER: "id_number",
    F.MOBILE: "phone",
    F.EMAIL: "email",
    F.ADDRESS: "address",
    F.BIRTH_DATE: "birthday",
}
FIELD_OF = {
    "customers.bad_id": "new",
    "customers.bad_phone": "new",
    "customers.bad_email": "new",
    "customers.impossible_date": "new",
    "customers.no_value": "new",
    "customers.invisible": "new",
    "customers.too_long": "new",
    "requests.same": "new",
    "requests.no_document": "document",
    "requests.no_line": "line",
    "requests.no_owner": "new_owner",
    "requests.nobody": "asked_by",
}


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.edit")
def request_new(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Who asks, how that was made sure, and what shall change."""
    view = View(request, pk)
    lines = list(Subscription.objects.filter(customer=view.customer, terminated_on__isnull=True).order_by("pk")[:50])
    form = ChangeRequestForm(request.POST if request.method == "POST" else None, lines=lines)
    if request.method == "POST" and form.is_valid():
        try:
            taken = services.request_change(
                pk, actor=view.user, new_owner_id=_owner(view, form.cleaned_data["new_owner"]), **form.answer()
            )
            done = _("%(number)s waits for a second look.") if taken.is_guarded else _("%(number)s: changed.")
            messages.success(request, done % {"number": taken.number})
            return redirect("customers:request-detail", pk=taken.pk)
        except RuleBroken as no:
            refuse(form, no, FIELD_OF)
    context = {"view": view, "customer": view.customer, "form": form}
    return render(request, "customers/request_new.html", context, status=422 if form.errors else 200)


def _owner(view: View, text: str) -> int | None:
    """The one customer a full identifier belongs to."""
    found = owners_of(view.user, text) if text.strip() else []
    return found[0] if len(found) == 1 else None


@require_GET
@never_cache
@requires("customers.view")
def request_list(request: HttpRequest) -> HttpResponseBase:
    """Open requests by the moment they are due, or all of them, newest first."""
    user: Any = request.user
    every = request.GET.get("view") == "all"
    rows = change_rows(user, request.GET).select_related("customer", "taken_by")
    refusal = ""
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken as no:
        refusal, page = no.message, keyset_page(rows, after=None, size=50)
    address, now = reverse("customers:request-list"), clock.now()
    owners = keeper().owners({row.followup_id for row in page.items if row.followup_id})
    context = {
        "page": page,
        "refusal": refusal,
        "rows": [
            {
                "request": row,
                "name": masked_name(row.customer.name, row.customer.customer_type),
                "late": row.state == ChangeRequest.State.OPEN and row.due_at <= now,
                "owner": owners.get(row.followup_id or 0, ""),
            }
            for row in page.items
        ],
        "tabs": [
            Tab(_("Open"), address, current=not every),
            Tab(_("All"), f"{address}?view=all", current=every),
        ],
    }
    return render(request, "customers/request_list.html", context)


@require_GET
@never_cache
@requires("customers.view")
def request_detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One request with its log; for those who may, the second look."""
    return _page(request, pk)


@require_POST
@never_cache
@requires(APPROVE_RIGHT)
def request_apply(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The second look: do it."""
    user: Any = request.user
    return _decide(request, pk, None, lambda _form: services.apply_request(pk, actor=user), _("Applied."))


@require_POST
@never_cache
@requires(APPROVE_RIGHT)
def request_refuse(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The second look: no, and why."""
    user: Any = request.user
    form = ReasonForm(request.POST)
    return _decide(
        request,
        pk,
        form,
        lambda bound: services.refuse_request(pk, actor=user, reason=bound.cleaned_data["reason"]),
        _("Refused."),
    )


@require_POST
@never_cache
@requires("customers.reveal")
def request_reveal(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What is on file and what is wanted, in clear for a minute: nobody decides about what they cannot read."""
    user: Any = request.user
    row = get_object_or_404(ChangeRequest.objects.visible_to(user), pk=pk)
    try:
        reveal(user, row.customer_id, REVEALED_AS.get(row.field, ""), request.POST.get("reason", ""))
    except NotAllowed as no:
        return _page(request, pk, error=no.message, status=403)
    except RuleBroken as no:
        return _page(request, pk, error=no.message)
    return redirect("customers:request-detail", pk=pk)


def _decide(
    request: HttpRequest, pk: int, form: forms.Form | None, act: Callable[[Any], Any], done: str
) -> HttpResponseBase:
    get_object_or_404(ChangeRequest.objects.visible_to(request.user), pk=pk)  # type: ignore[arg-type]
    if form is not None and not form.is_valid():
        return _page(request, pk, form)
    try:
        act(form)
    except NotAllowed as no:
        return _page(request, pk, form, error=no.message, status=403)
    except RuleBroken as no:
        return _page(request, pk, form, error=no.message)
    messages.success(request, done)
    return redirect("customers:request-detail", pk=pk)


def _page(
    request: HttpRequest, pk: int, form: forms.Form | None = None, error: str = "", status: int = 422
) -> HttpResponseBase:
    user: Any = request.user
    rows = ChangeRequest.objects.visible_to(user).select_related("customer", "taken_by", "closed_by", "subscription")
    row = get_object_or_404(rows, pk=pk)
    view = View(request, row.customer_id)
    context = {
        "view": view,
        "customer": view.customer,
        "row": row,
        **_compared(view, row),
        "asked_by": view.shown("", "name", row.asked_by).text,
        "late": row.state == ChangeRequest.State.OPEN and row.due_at <= clock.now(),
        "owner": keeper().owners({row.followup_id}).get(row.followup_id, "") if row.followup_id else "",
        "may_decide": row.state == ChangeRequest.State.OPEN
        and user.has_perm(APPROVE_RIGHT)
        and row.taken_by_id != user.pk,
        "form": form or ReasonForm(),
        "error": error,
    }
    refused = bool(error or (form and form.errors))
    return render(request, "customers/request_detail.html", context, status=status if refused else 200)


def _compared(view: View, row: ChangeRequest) -> dict[str, Any]:
    """What is on file and what is wanted: behind the mask, or in clear for the seconds a reveal has left. A document
    number is unsealed only then, and only until the decision."""
    name, sealed = REVEALED_AS.get(row.field, ""), row.field == F.ID_NUMBER
    left = view.open_fields.get(name, 0)
    kind = name_mask(row.customer.customer_type) if row.field == F.NAME else MASKS.get(row.field, "")
    if row.field == F.ID_TYPE:
        told = (value_in_words("customer", row.field, row.old), value_in_words("customer", row.field, row.new))
        return {"compared": list(zip((_("Before"), _("Wanted")), told, told, strict=True))}
    behind = (masked(kind, row.old), masked(kind, row.new)) if kind else (row.old, row.new)
    if sealed:
        clear = (view.customer.id_number(), row.wanted()) if left and row.new_sealed else behind
        hides = row.new_sealed is not None
    else:
        clear, hides = (row.old, row.new), behind != (row.old, row.new)
    opened = bool(left) or (view.clear and not sealed)
    return {
        "compared": list(zip((_("Before"), _("Wanted")), clear if opened else behind, behind, strict=True)),
        "left": left if hides else 0,
        "may_reveal": view.may_reveal and bool(name) and hides and not opened,
    }
