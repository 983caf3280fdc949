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

from customers import copies, services
from customers.erasure.returning import document_erased_on
from customers.forms import PLAIN_FIELDS, CustomerEditForm, CustomerNewForm
from customers.labels import label, value_in_words
from customers.models import Band, Customer
from customers.presence import EDIT, mark, unmark
from customers.services import StaleCopy
from customers.services.remembering import as_text
from customers.services.second_look import needs_second_look
from customers.views.conflicts import Difference, differences, takes_theirs, without_theirs
from customers.views.showing import MASK_OF, View
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from staff.masking import masked, name_mask
from staff.models import User

# What the form's copy holds of the row: all it may change, and the end of the document's number.
COPIED = (*PLAIN_FIELDS, "status", "language", "manager_id", "id_last4")
# Which field a refusal belongs to; the others stand on top of the form.
FIELD_OF = {
    "customers.no_name": "name",
    "customers.bad_id": "id_number",
    "customers.duplicate_id": "id_number",
    "customers.no_such_lunar_day": "lunar_day",
    "customers.too_many_mobiles": "id_number",
    "customers.bad_phone": "mobile",
    "customers.bad_move": "status",
    "customers.needs_evidence": "status",
    "customers.no_manager": "manager",
}


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.create")
def customer_new(request: HttpRequest) -> HttpResponseBase:
    """A new archive; when there may be a duplicate, the form comes back with who it may be."""
    user: Any = request.user
    form = CustomerNewForm(request.POST or None)
    warned: dict[str, Any] = {"duplicates": []}
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
        warned = _warned(user, request.POST)
    context = {"form": form, **warned}
    return render(request, "customers/customer_new.html", context, status=422 if form.errors else 200)


@require_POST
@never_cache
@requires("customers.create")
def customer_duplicates(request: HttpRequest) -> HttpResponse:
    """Who may be meant by what is typed so far, for the warning beside the form."""
    return render(request, "customers/_duplicates.html", _warned(request.user, request.POST))


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.edit")
def customer_edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The fields of an archive; another's change meanwhile is shown field by field and nothing typed is lost."""
    view = View(request, pk)
    customer = view.customer
    shown = view.name
    hides_name = shown.text != customer.name
    hidden = {"name"} if hides_name else set()
    birthday = view.birthday
    if birthday is not None and birthday.text == birthday.masked:
        hidden.add("birth_date")
    more: dict[str, Any] = {
        "managers": managers_for(customer),
        "hides_name": hides_name,
        "hides_birth_date": "birth_date" in hidden,
        "guarded": (guarded := needs_second_look(customer)),
        "id_type": customer.id_type,
    }
    conflict: list[Difference] = []
    if request.method == "POST":
        form = CustomerEditForm(request.POST, **more)
        if form.is_valid():
            changes = without_theirs(request.POST, form.fields_of_archive())
            number = "" if takes_theirs(request.POST, "id_number") else form.cleaned_data["id_number"]
            try:
                services.change_customer(
                    pk,
                    actor=view.user,
                    version=form.cleaned_data["version"],
                    changes=changes,
                    id_number=number or None,
                )
                unmark(view.user, pk, EDIT)
                return redirect("customers:customer-detail", pk=pk)
            except StaleCopy as stale:
                view = View(request, pk)
                conflict = _differences(view, form, stale, changes, number)
                refuse(form, stale)
                # The next save is made on what the person has now compared with.
                form.data = {**request.POST.dict(), "version": str(stale.version), "copy": _copy(view.customer)}
            except RuleBroken as no:
                refuse(form, no)
    else:
        initial = {name: "" if name in hidden else getattr(customer, name) for name in PLAIN_FIELDS}
        initial |= {
            "version": customer.version,
            "copy": _copy(customer),
            "status": customer.status,
            "language": customer.language,
            "manager": customer.manager_id,
        }
        form = CustomerEditForm(initial=initial, **more)
    context = {
        "view": view,
        "customer": customer,
        "form": form,
        "conflict": conflict,
        "guarded": guarded,
        "present": mark(view.user, pk, EDIT),
        "doing": EDIT,
    }
    return render(request, "customers/customer_edit.html", context, status=422 if form.errors else 200)


def managers_for(customer: Customer) -> Any:
    """Who may look after the customer: those whose work it is, and who does so now."""
    managers = User.objects.filter(is_active=True, managed_customers=customer) | User.objects.filter(
        is_active=True, role_assignments__role__in=["ACCOUNT_MANAGER", "PROJECT_MANAGER"]
    )
    return managers.distinct().order_by("name", "pk")


def refuse(form: forms.Form, no: RuleBroken, fields: Mapping[str, str] = FIELD_OF) -> None:
    """Put a refusal of a service where the person looks for it; `fields`: code -> field."""
    if isinstance(no, NotAllowed):
        form.add_error(None, no.message)
        return
    field = fields.get(no.code)
    form.add_error(field if field in form.fields else None, no.message)


def _copy(customer: Customer) -> str:
    """What is on file now, for the form to carry."""
    return copies.sealed(customer.pk, copies.copy_of(customer, COPIED))


def _differences(
    view: View, form: CustomerEditForm, stale: StaleCopy, changes: dict[str, Any], number: str
) -> list[Difference]:
    was = copies.opened(view.customer.pk, form.cleaned_data["copy"])
    found = differences(
        changes,
        stale.current,
        was,
        label=label,
        own_words=_in_words,
        words=lambda field, value: _on_file(view, field, value),
    )
    now = view.customer.id_last4
    if number and was.get("id_last4", now) != now:
        before, after = (masked("id", tail) if tail else "" for tail in (was["id_last4"], now))
        found.append(Difference("id_number", label("id_number"), before, number, after, keeps_mine=True))
    return found


def _on_file(view: View, field: str, value: Any) -> str:
    """A stored value as this person may read it."""
    mask = name_mask(view.customer.customer_type) if field == "name" else MASK_OF.get(field)
    told = _in_words(field, value)
    return view.shown("", mask, told).text if mask and told else told


def _in_words(field: str, value: Any) -> str:
    if field == "manager_id" and value:
        return str(User.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return value_in_words("customer", field, as_text(value))


def _warned(user: Any, typed: Any) -> dict[str, Any]:
    """What somebody should know before opening this archive: who may be the same, and whether the person's data were
    erased once."""
    id_type = typed.get("id_type", "") or default_document(typed.get("customer_type", ""))
    erased_on = document_erased_on(typed.get("id_number", "")[:40], id_type)
    return {"duplicates": _duplicates(user, typed, id_type), "erased_on": erased_on}


def _duplicates(user: Any, typed: Any, id_type: str) -> list[dict[str, Any]]:
    """Who may be meant, as lines: those in sight by link, the others masked."""
    found = services.find_duplicates(
        user,
        name=typed.get("name", "")[:200],
        phone=typed.get("mobile", "")[:40],
        id_number=typed.get("id_number", "")[:40],
        id_type=id_type,
    )
    rows = Customer.objects.in_bulk([duplicate.customer_id for duplicate in found])
    why = {"id": _("same document"), "phone": _("same phone"), "name": _("same name")}
    return [
        {
            "customer": rows[duplicate.customer_id],
            "why": why[duplicate.why],
            "band": "" if duplicate.match.band == Band.LEAVE else Band(duplicate.match.band).label,
            "reasons": duplicate.match.why.in_words(),
            "visible": duplicate.visible,
        }
        for duplicate in found
        if duplicate.customer_id in rows
    ]


def default_document(customer_type: str) -> str:
    """The document a customer of a type usually has."""
    is_company = customer_type == Customer.Type.ENTERPRISE
    return str(Customer.IdType.LICENCE if is_company else Customer.IdType.ID_CARD)
