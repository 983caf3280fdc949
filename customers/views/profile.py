"""Profile and consent: ways to reach the customer, addresses, optional facts with their consent, needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.forms import AddressForm, ContactPointForm, NeedForm, NeedStateForm, ProfileFieldForm
from customers.models import ContactPoint, Need, ProfileField
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen, whole_address
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken

POINT_MASK = {"EMAIL": "email", "IM": "account"}
FORMS: dict[str, type[forms.Form]] = {
    "contact": ContactPointForm,
    "address": AddressForm,
    "fact": ProfileFieldForm,
    "need": NeedForm,
}


@require_GET
@never_cache
@requires("customers.view")
def customer_profile(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything kept about the customer, section by section."""
    return _page(request, pk)


def _page(
    request: HttpRequest, pk: int, bound: dict[str, forms.Form] | None = None, error: str = ""
) -> HttpResponseBase:
    view = View(request, pk)
    bound = bound or {}
    context = {
        "view": view,
        "page": view.page,
        "customer": view.customer,
        "points": [
            {"row": point, "shown": view.shown("", POINT_MASK.get(point.kind, "phone"), point.value)}
            for point in view.page.points
        ],
        "addresses": [
            {"row": row, "shown": view.shown("address", "address", whole_address(row))} for row in view.page.addresses
        ],
        "facts": [
            {"row": row, "shown": view.income if row.key == ProfileField.Key.INCOME_BAND else None}
            for row in view.page.fields
        ],
        "needs": [
            {"row": row, "form": NeedStateForm(initial={"state": row.state}, auto_id=f"id_need_{row.ref}_%s")}
            for row in view.page.needs
        ],
        "forms": {name: bound.get(name) or form(auto_id=f"id_{name}_%s") for name, form in FORMS.items()},
        "opened": next(iter(bound), ""),
        "error": error,
    }
    return render(request, "customers/customer_profile.html", context, status=422 if bound or error else 200)


def _write(request: HttpRequest, pk: int, name: str, act: Callable[[dict[str, Any]], Any]) -> HttpResponseBase:
    """Check the shape, call the service, come back; what was refused stands in the form again."""
    seen(request, pk)
    form = FORMS[name](request.POST, auto_id=f"id_{name}_%s")
    if form.is_valid():
        try:
            act(form.cleaned_data)
            return redirect("customers:customer-profile", pk=pk)
        except RuleBroken as no:
            refuse(form, no)
    return _page(request, pk, {name: form})


@require_POST
@requires("customers.edit")
def contact_add(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Another way to reach the customer."""
    return _write(request, pk, "contact", lambda data: services.add_contact_point(pk, actor=_user(request), **data))


@require_POST
@requires("customers.edit")
def contact_act(request: HttpRequest, pk: int, point: int) -> HttpResponseBase:
    """`act` of a contact point: primary, verified, unusable (with a reason), end."""
    seen(request, pk)
    _own(ContactPoint, pk, point)
    user, reason = _user(request), request.POST.get("reason", "")
    acts: dict[str, Callable[[], Any]] = {
        "primary": lambda: services.make_primary(point, actor=user),
        "verified": lambda: services.verify_contact_point(point, actor=user),
        "unusable": lambda: services.mark_unusable(point, actor=user, reason=reason),
        "end": lambda: services.end_contact_point(point, actor=user, reason=reason),
    }
    return _do(request, pk, acts.get(request.POST.get("act", "")))


@require_POST
@requires("customers.edit")
def address_set(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The address of a kind."""
    return _write(
        request,
        pk,
        "address",
        lambda data: services.set_address(pk, actor=_user(request), kind=data["kind"], parts=data),
    )


@require_POST
@requires("customers.edit")
def fact_record(request: HttpRequest, pk: int) -> HttpResponseBase:
    """An optional fact, with what it is for and how the customer agreed (D§5.5)."""
    return _write(request, pk, "fact", lambda data: services.record_profile_field(pk, actor=_user(request), **data))


@require_POST
@requires("customers.edit")
def fact_remove(request: HttpRequest, pk: int, row: int) -> HttpResponseBase:
    """The customer no longer agrees."""
    seen(request, pk)
    _own(ProfileField, pk, row)
    return _do(request, pk, lambda: services.remove_profile_field(row, actor=_user(request)))


@require_POST
@requires("customers.edit")
def need_add(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Something the customer wants of us."""
    return _write(request, pk, "need", lambda data: services.add_need(pk, actor=_user(request), **data))


@require_POST
@requires("customers.edit")
def need_change(request: HttpRequest, pk: int, need: int) -> HttpResponseBase:
    """How far a need is."""
    seen(request, pk)
    _own(Need, pk, need)
    return _do(
        request, pk, lambda: services.change_need(need, actor=_user(request), state=request.POST.get("state", ""))
    )


def _own(model: type[Any], pk: int, row: int) -> None:
    """The row must hang on this customer."""
    if not model.objects.filter(pk=row, customer_id=pk).exists():
        raise Http404


def _do(request: HttpRequest, pk: int, act: Callable[[], Any] | None) -> HttpResponseBase:
    if act is None:
        return _page(request, pk, error=_("Choose one of the values offered."))
    try:
        act()
    except RuleBroken as no:
        return _page(request, pk, error=str(no.message))
    return redirect("customers:customer-profile", pk=pk)


def _user(request: HttpRequest) -> Any:
    return request.user
