"""Opening and changing an archive by hand, with the live warning of duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from customers import services
from customers.forms import PLAIN_FIELDS, CustomerEditForm, CustomerNewForm
from customers.labels import value_in_words
from customers.models import Customer
from customers.services import StaleCopy
from customers.services.remembering import as_text
from customers.views.showing import View, name_mask
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

# Which field a refusal belongs to; the others stand on top of the form.
FIELD_OF = {
    "customers.no_name": "name",
    "customers.bad_id": "id_number",
    "customers.duplicate_id": "id_number",
    "customers.no_such_lunar_day": "lunar_day",
    "customers.too_many_mobiles": "id_number",
    "customers.bad_phone": "mobile",
    "customers.bad_move": "status",
    "customers.no_manager": "manager",
}


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.create")
def customer_new(request: HttpRequest) -> HttpResponseBase:
    """A new archive; when there may be a duplicate, the form comes back with who it may be."""
    user: Any = request.user
    form = CustomerNewForm(request.POST or None)
    duplicates: list[dict[str, Any]] = []
    if request.method == "POST":
        if form.is_valid():
            try:
                customer = services.create_customer(
                    actor=user,
                    fields=form.fields_of_archive(),
                    id_number=form.cleaned_data["id_number"],
                    mobile=form.cleaned_data["mobile"],
                    despite_duplicates=form.cleaned_data["despite_duplicates"],
                )
                return redirect("customers:customer-detail", pk=customer.pk)
            except RuleBroken as no:
                refuse(form, no)
        duplicates = _duplicates(user, request.POST)
    context = {"form": form, "duplicates": duplicates}
    return render(request, "customers/customer_new.html", context, status=422 if form.errors else 200)


@require_POST
@never_cache
@requires("customers.create")
def customer_duplicates(request: HttpRequest) -> HttpResponse:
    """Who may be meant by what is typed so far, for the warning beside the form."""
    return render(request, "customers/_duplicates.html", {"duplicates": _duplicates(request.user, request.POST)})


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.edit")
def customer_edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The fields of an archive; another's change meanwhile is shown field by field and nothing typed is lost."""
    view = View(request, pk)
    customer = view.customer
    managers = User.objects.filter(is_active=True, managed_customers=customer) | User.objects.filter(
        is_active=True, role_assignments__role__in=["ACCOUNT_MANAGER", "PROJECT_MANAGER"]
    )
    shown = view.name
    hides_name = shown.text != customer.name
    hidden = {"name"} if hides_name else set()
    birthday = view.birthday
    if birthday is not None and birthday.text == birthday.masked:
        hidden.add("birth_date")
    more: dict[str, Any] = {
        "managers": managers.distinct().order_by("name", "pk"),
        "hides_name": hides_name,
        "hides_birth_date": "birth_date" in hidden,
    }
    conflict: list[dict[str, str]] = []
    if request.method == "POST":
        form = CustomerEditForm(request.POST, **more)
        if form.is_valid():
            try:
                services.change_customer(
                    pk,
                    actor=view.user,
                    version=form.cleaned_data["version"],
                    changes=form.fields_of_archive(),
                    id_number=form.cleaned_data["id_number"] or None,
                )
                return redirect("customers:customer-detail", pk=pk)
            except StaleCopy as stale:
                conflict = _differences(form, stale, hidden=hidden)
                refuse(form, stale)
                # The next save is made on what the person has now compared with.
                form.data = {**request.POST.dict(), "version": str(stale.version)}
            except RuleBroken as no:
                refuse(form, no)
    else:
        initial = {name: "" if name in hidden else getattr(customer, name) for name in PLAIN_FIELDS}
        initial |= {
            "version": customer.version,
            "status": customer.status,
            "identity_status": customer.identity_status,
            "manager": customer.manager_id,
        }
        form = CustomerEditForm(initial=initial, **more)
    context = {"view": view, "customer": customer, "form": form, "conflict": conflict}
    return render(request, "customers/customer_edit.html", context, status=422 if form.errors else 200)


def refuse(form: forms.Form, no: RuleBroken, fields: Mapping[str, str] = FIELD_OF) -> None:
    """Put a refusal of a service where the person looks for it; `fields`: code -> field."""
    if isinstance(no, NotAllowed):
        form.add_error(None, no.message)
        return
    field = fields.get(no.code)
    form.add_error(field if field in form.fields else None, no.message)


def _differences(form: CustomerEditForm, stale: StaleCopy, hidden: set[str]) -> list[dict[str, str]]:
    mine = form.fields_of_archive()
    found = []
    for field, theirs in stale.current.items():
        if field in hidden or mine.get(field) == theirs:
            continue
        name = field.removesuffix("_id")
        bound = form[name] if name in form.fields else None
        found.append(
            {
                "label": str(bound.label) if bound else field,
                "mine": _in_words(field, mine.get(field)),
                "theirs": _in_words(field, theirs),
            }
        )
    return found


def _in_words(field: str, value: Any) -> str:
    if field == "manager_id" and value:
        return str(User.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value_in_words("customer", field, as_text(value))


def _duplicates(user: Any, typed: Any) -> list[dict[str, Any]]:
    """Who may be meant, as lines: those in sight by link, the others masked."""
    found = services.find_duplicates(
        user,
        name=typed.get("name", "")[:200],
        phone=typed.get("mobile", "")[:40],
        id_number=typed.get("id_number", "")[:40],
        id_type=typed.get("id_type", "") or default_document(typed.get("customer_type", "")),
    )
    rows = Customer.objects.in_bulk([duplicate.customer_id for duplicate in found])
    why = {"id": _("same document"), "phone": _("same phone"), "name": _("same name")}
    return [
        {
            "customer": rows[duplicate.customer_id],
            "mask": name_mask(rows[duplicate.customer_id]),
            "why": why[duplicate.why],
            "visible": duplicate.visible,
        }
        for duplicate in found
        if duplicate.customer_id in rows
    ]


def default_document(customer_type: str) -> str:
    """The document a customer of a type usually has."""
    is_company = customer_type == Customer.Type.ENTERPRISE
    return str(Customer.IdType.LICENCE if is_company else Customer.IdType.ID_CARD)
