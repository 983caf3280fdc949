"""Who the customer is and what shows it: checks, protective hold, death (D§5.1-5.3, D§5.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.ages import age_of
from customers.identity_forms import DeathForm, HoldForm, ReasonForm, RejectForm, VerifyForm
from customers.lifecycle import IDENTITY_MOVES
from customers.models import Customer, IdentityCheck, ProtectiveHold
from customers.services.holds import HOLD_RIGHT
from customers.services.line_checks import needs_guardian
from customers.services.relations import guardian_of
from customers.views.customer_detail import IDENTITY
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from staff.masking import masked
from staff.models import User

MOST_CHECKS = 30
FORMS: dict[str, type[forms.Form]] = {
    "verify": VerifyForm,
    "reject": RejectForm,
    "recheck": ReasonForm,
    "hold": HoldForm,
    "lift": ReasonForm,
    "death": DeathForm,
    "alive": ReasonForm,
}
# Which field a refusal belongs to; the others stand on top of the form.
FIELD_OF = {
    "customers.bad_id": "id_number",
    "customers.duplicate_id": "id_number",
    "identity.no_document": "id_number",
    "identity.other_document": "id_number",
    "identity.no_handler": "acting_role",
    "customers.no_guardian": "acting_role",
    "identity.acting_incomplete": "acting_number",
    "customers.bad_phone": "relative_phone",
    "customers.impossible_date": "died_on",
}


@require_GET
@never_cache
@requires("customers.view")
def identity(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The state of the identity, how it came, and what may be done now."""
    return _page(request, pk)


@require_POST
@never_cache
@requires("customers.edit")
def identity_verify(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The document was compared."""
    return _write(
        request,
        pk,
        "verify",
        lambda form: services.verify_identity(pk, actor=_user(request), **form.answer()),
        _("The identity is verified."),
    )


@require_POST
@never_cache
@requires("customers.edit")
def identity_reject(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The document does not hold."""
    return _write(
        request,
        pk,
        "reject",
        lambda form: services.reject_identity(pk, actor=_user(request), **form.cleaned_data),
        _("The identity is rejected; no line begins."),
    )


@require_POST
@never_cache
@requires("customers.edit")
def identity_recheck(request: HttpRequest, pk: int) -> HttpResponseBase:
    """To be verified again."""
    return _write(
        request,
        pk,
        "recheck",
        lambda form: services.recheck_identity(pk, actor=_user(request), reason=form.cleaned_data["reason"]),
        _("The identity is to be verified again."),
    )


@require_POST
@never_cache
@requires(HOLD_RIGHT)
def hold_put(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Fraud control holds the customer back."""
    return _write(
        request,
        pk,
        "hold",
        lambda form: services.put_hold(pk, actor=_user(request), **form.cleaned_data),
        _("The hold is put; the customer is told why and where to appeal."),
    )


@require_POST
@never_cache
@requires(HOLD_RIGHT)
def hold_lift(request: HttpRequest, pk: int) -> HttpResponseBase:
    """An appeal was right."""
    seen(request, pk)
    rows = ProtectiveHold.objects.filter(customer_id=pk)
    hold = rows.filter(lifted_at__isnull=True).first() or rows.order_by("-pk").first()
    if hold is None:
        raise Http404
    return _write(
        request,
        pk,
        "lift",
        lambda form: services.lift_hold(hold.pk, actor=_user(request), because=form.cleaned_data["reason"]),
        _("The hold is lifted; the customer is told."),
    )


@require_POST
@never_cache
@requires("customers.edit")
def death_note(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer has died."""
    return _write(
        request,
        pk,
        "death",
        lambda form: services.note_death(pk, actor=_user(request), **form.cleaned_data),
        _("The death is noted; nothing leaves any more."),
    )


@require_POST
@never_cache
@requires("customers.edit")
def death_take_back(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Noted by mistake."""
    return _write(
        request,
        pk,
        "alive",
        lambda form: services.take_back_death(pk, actor=_user(request), because=form.cleaned_data["reason"]),
        _("Taken back."),
    )


def _write(request: HttpRequest, pk: int, name: str, act: Callable[[Any], Any], done: str) -> HttpResponseBase:
    """Check the shape, call the service, come back; what was refused stands in the form again."""
    seen(request, pk)
    form = FORMS[name](request.POST, auto_id=f"id_{name}_%s")
    if form.is_valid():
        try:
            act(form)
            messages.success(request, done)
            return redirect("customers:identity", pk=pk)
        except RuleBroken as no:
            refuse(form, no, FIELD_OF)
    return _page(request, pk, {name: form})


def _page(request: HttpRequest, pk: int, bound: dict[str, forms.Form] | None = None) -> HttpResponseBase:
    view, bound = View(request, pk), bound or {}
    customer = view.customer
    checks = list(customer.identity_checks.order_by("-pk")[:MOST_CHECKS])
    holds = list(customer.protective_holds.order_by("-pk")[:MOST_CHECKS])
    death = customer.death_notes.filter(taken_back_at__isnull=True).first()
    _name_people(checks, holds)
    for check in checks:
        check.tone = IDENTITY[Customer.IdentityStatus(check.new)][0]  # type: ignore[attr-defined]
        check.acting = view.shown("", "name", check.acting_name).text  # type: ignore[attr-defined]
        check.acting_masked = masked("id", check.acting_last4) if check.acting_last4 else ""  # type: ignore[attr-defined]
    age = age_of(customer)
    context = {
        "view": view,
        "customer": customer,
        "identity": IDENTITY[Customer.IdentityStatus(customer.identity_status)],
        "checks": checks,
        "holds": holds,
        "hold": next((hold for hold in holds if hold.lifted_at is None), None),
        "death": death,
        "age": age if age is not None and age < 18 else None,
        "guardian": guardian_of(customer) if age is not None and age < 18 else None,
        "guardian_needed": needs_guardian(customer),
        "moves": IDENTITY_MOVES[customer.identity_status],
        "may_hold": view.user.has_perm(HOLD_RIGHT),
        "forms": {name: bound.get(name) or form(auto_id=f"id_{name}_%s") for name, form in FORMS.items()},
        "opened": next(iter(bound), ""),
        # The form that would say it may be gone by now.
        "refusals": [words for form in bound.values() for words in form.non_field_errors()],
    }
    return render(request, "customers/customer_identity.html", context, status=422 if bound else 200)


def _name_people(checks: list[IdentityCheck], holds: list[ProtectiveHold]) -> None:
    wanted = {row.actor_id for row in checks} | {pk for row in holds for pk in (row.put_by_id, row.lifted_by_id)}
    names = dict(User.objects.filter(pk__in=[pk for pk in wanted if pk]).values_list("pk", "name"))
    for check in checks:
        check.who = names.get(check.actor_id, _("System"))  # type: ignore[attr-defined,arg-type]
    for hold in holds:
        hold.put_by = names.get(hold.put_by_id, _("System"))  # type: ignore[attr-defined,arg-type]
        hold.lifted_by = names.get(hold.lifted_by_id, "")  # type: ignore[attr-defined,arg-type]


def _user(request: HttpRequest) -> Any:
    return request.user
