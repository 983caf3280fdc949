"""Handing customers over: offering one, claiming one, and answering."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.book import MANAGERS
from customers.models import Customer
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from outreach.models import ManagerTransfer
from outreach.queries import colleagues_of, transfers_seen
from outreach.services import transfers
from staff.models import RoleAssignment, User, holds_on
from staff.requests import StaffRequest

PAGE = 50
ANSWERS = {"accept", "refuse", "withdraw"}


class TransferForm(forms.Form):
    """To whom and why; who claims a customer names nobody."""

    to = forms.ModelChoiceField(label=_("New manager"), queryset=User.objects.none())
    reason = forms.CharField(label=_("Reason"), max_length=transfers.LONGEST_REASON)

    def __init__(self, *args: Any, user: User, claims: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        if claims:
            del self.fields["to"]
            return
        held = RoleAssignment.objects.filter(holds_on(clock.today()), role__in=MANAGERS).values("user")
        field = self.fields["to"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = colleagues_of(user).filter(pk__in=held)


@require_GET
@requires("customers.view")
def transfer_list(request: StaffRequest) -> HttpResponseBase:
    """What waits for an answer, the user's to give or asked for by the user, and what was answered: newest first."""
    return _list(request)


def _list(request: StaffRequest, refused: str = "", status: int = 200) -> HttpResponseBase:
    rows = transfers_seen(request.user).select_related(
        "customer", "from_manager", "to_manager", "asked_by", "decided_by"
    )
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("outreach:transfer-list")
    lines = [
        {
            "transfer": row,
            "may_answer": row.state == row.State.OPEN and transfers.may_answer(row, row.customer, request.user),
            "may_withdraw": row.state == row.State.OPEN and row.asked_by_id == request.user.pk,
        }
        for row in page.items
    ]
    part = "#results" if wants_fragment(request) else ""
    context = {"page": page, "lines": lines, "refused": refused}
    return render(request, f"outreach/transfer_list.html{part}", context, status=status)


@require_http_methods(["GET", "POST"])
@requires("customers.view")
def transfer_new(request: StaffRequest) -> HttpResponseBase:
    """Offer an own customer to another manager, or claim somebody else's: `?customer=` says which."""
    customer = _customer(request)
    claims = not transfers.may_give(customer, request.user)
    form = TransferForm(request.POST or None, user=request.user, claims=claims)
    if form.is_bound and form.is_valid():
        try:
            if claims:
                transfers.claim_customer(customer.pk, actor=request.user, reason=form.cleaned_data["reason"])
            else:
                transfers.offer_customer(customer.pk, actor=request.user, **form.cleaned_data)
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            return redirect("outreach:transfer-list")
    context = {"form": form, "customer": customer, "claims": claims}
    return render(request, "outreach/transfer_new.html", context, status=422 if form.is_bound else 200)


@require_POST
@requires("customers.view")
def transfer_answer(request: StaffRequest, pk: int, what: str) -> HttpResponseBase:
    """Accept, refuse with a reason, or withdraw."""
    if what not in ANSWERS:
        raise Http404
    transfer = get_object_or_404(ManagerTransfer.objects.visible_to(request.user), pk=pk)
    answer = request.POST.get("answer", "")[: transfers.LONGEST_REASON]
    try:
        if what == "accept":
            transfers.accept_transfer(transfer.pk, actor=request.user, answer=answer)
        elif what == "refuse":
            transfers.refuse_transfer(transfer.pk, actor=request.user, answer=answer)
        else:
            transfers.withdraw_transfer(transfer.pk, actor=request.user)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        return _list(request, refused=str(no.message), status=422)
    return redirect("outreach:transfer-list")


def _customer(request: StaffRequest) -> Customer:
    text = request.POST.get("customer") or request.GET.get("customer") or ""
    try:
        key = ids.from_text(text[:13])
    except ValueError:
        key = 0
    rows = Customer.objects.visible_to(request.user).select_related("manager")
    return get_object_or_404(rows, pk=key)
