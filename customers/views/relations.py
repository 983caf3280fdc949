"""Who belongs to the customer: relations, household, the people of a company, payers and users of lines (D§4, D§26)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.finding import owners_of
from customers.identity_forms import HouseholdForm, RelationForm
from customers.lines import masked_number
from customers.models import Customer, HouseholdMember, Relation, RelationKind, Subscription
from customers.models.relations import REVERSE
from customers.relation_map import relation_map
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.wording import join_words
from staff.masking import masked_name

MOST_RELATIONS = 100
FIELD_OF = {
    "relations.nobody": "other",
    "relations.oneself": "other",
    "relations.unknown_customer": "other",
    "relations.several": "other",
    "relations.foreign_line": "line",
    "relations.wrong_type": "kind",
    "customers.bad_phone": "other_phone",
    "customers.impossible_date": "valid_from",
    "relations.in_household": "head",
}


@dataclass(frozen=True)
class Related:
    """One row of the list: who (masked), as what, for which line, on which days; `customer` when in sight."""

    row: Relation
    role: str
    name: str
    phone: str
    number: str
    customer: Customer | None
    line: str
    since: date
    until: date | None


@require_GET
@never_cache
@requires("customers.view")
def relation_list(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everybody who belongs to the customer, as a list and as a drawing."""
    return _page(request, pk)


@require_POST
@never_cache
@requires("customers.edit")
def relation_add(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Somebody is related, from a day on."""
    customer = seen(request, pk)
    form = RelationForm(request.POST, lines=_live_lines(customer), auto_id="id_relation_%s")

    def act() -> None:
        other = form.cleaned_data["other"].strip()
        other_id = _one_customer(request, other) if other else None
        services.add_relation(pk, actor=_user(request), other_id=other_id, **form.answer())

    return _write(request, pk, "relation", form, act, _("The relation is written down."))


@require_POST
@never_cache
@requires("customers.edit")
def relation_end(request: HttpRequest, pk: int, row: int) -> HttpResponseBase:
    """It holds no longer."""
    seen(request, pk)
    relation = Relation.objects.filter(pk=row).first()
    if relation is None or pk not in (relation.customer_id, relation.other_id):
        raise Http404
    return _act(request, pk, lambda: services.end_relation(row, actor=_user(request)), _("The relation has ended."))


@require_POST
@never_cache
@requires("customers.edit")
def household_join(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer belongs to somebody's household."""
    seen(request, pk)
    form = HouseholdForm(request.POST, auto_id="id_household_%s")

    def act() -> None:
        head_id = _one_customer(request, form.cleaned_data["head"])
        services.join_household(pk, actor=_user(request), head_id=head_id, role=form.cleaned_data["role"])

    return _write(request, pk, "household", form, act, _("The household is written down."))


@require_POST
@never_cache
@requires("customers.edit")
def household_leave(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The customer leaves the household."""
    seen(request, pk)
    return _act(request, pk, lambda: services.leave_household(pk, actor=_user(request)), _("Left the household."))


def _one_customer(request: HttpRequest, text: str) -> int:
    """The customer a full identifier belongs to. Refuses none and several."""
    found = owners_of(_user(request), text)
    if not found:
        raise RuleBroken("relations.unknown_customer", _("No customer has exactly this number."))
    if len(found) > 1:
        raise RuleBroken("relations.several", _("Several customers have this number; write the customer number."))
    return found[0]


def _write(
    request: HttpRequest, pk: int, name: str, form: forms.Form, act: Callable[[], None], done: str
) -> HttpResponseBase:
    if form.is_valid():
        try:
            act()
            messages.success(request, done)
            return redirect("customers:relation-list", pk=pk)
        except RuleBroken as no:
            refuse(form, no, FIELD_OF)
    return _page(request, pk, {name: form})


def _act(request: HttpRequest, pk: int, act: Callable[[], Any], done: str) -> HttpResponseBase:
    try:
        act()
    except RuleBroken as no:
        return _page(request, pk, error=no.message)
    messages.success(request, done)
    return redirect("customers:relation-list", pk=pk)


def _page(
    request: HttpRequest, pk: int, bound: dict[str, forms.Form] | None = None, error: str = ""
) -> HttpResponseBase:
    view, bound = View(request, pk), bound or {}
    customer = view.customer
    rows = _related(view)
    members = _household(view)
    held = [row for row in rows if row.until is None]
    bound_relation = bound.get("relation")
    context = {
        "view": view,
        "customer": customer,
        "rows": held,
        "former": [row for row in rows if row.until is not None],
        "members": members,
        "map": relation_map(_around(held, members)),
        "relation_form": bound_relation or RelationForm(lines=_live_lines(customer), auto_id="id_relation_%s"),
        "household_form": bound.get("household") or HouseholdForm(auto_id="id_household_%s"),
        "opened": next(iter(bound), ""),
        "error": error,
    }
    return render(request, "customers/customer_relations.html", context, status=422 if bound or error else 200)


def _related(view: View) -> list[Related]:
    """Relations from both sides, the newest first; names stay masked unless the customer's own page is clear."""
    customer = view.customer
    own = customer.relations.select_related("other", "subscription").order_by("-pk")[:MOST_RELATIONS]
    others = customer.related_to.select_related("customer", "subscription").order_by("-pk")[:MOST_RELATIONS]
    pairs = [(row, row.other, str(RelationKind(row.kind).label)) for row in own]
    pairs += [(row, row.customer, str(REVERSE[row.kind])) for row in others]
    ids = [other.pk for _row, other, _role in pairs if other is not None]
    in_sight = (
        set(Customer.objects.visible_to(view.user, view.opened).filter(pk__in=ids).values_list("pk", flat=True))
        if ids
        else ()
    )
    found = []
    for row, other, role in sorted(pairs, key=lambda pair: -pair[0].pk):
        name = masked_name(other.name, other.customer_type) if other else view.shown("", "name", row.other_name).text
        found.append(
            Related(
                row=row,
                role=role,
                name=name,
                phone=view.shown("", "phone", row.other_phone).text if row.other_phone else "",
                number=other.number if other else "",
                customer=other if other is not None and other.pk in in_sight else None,
                line=masked_number(row.subscription) if row.subscription else "",
                since=row.valid_from,
                until=row.valid_to,
            )
        )
    return found


def _around(held: list[Related], members: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who stands around the customer, each once, with all that they are."""
    found: dict[str, tuple[str, list[str]]] = {}
    for row in held:
        found.setdefault(row.number or row.row.ref, (row.name, []))[1].append(row.role)
    for one in members:
        if not one["is_self"]:
            found.setdefault(one["member"].customer.number, (one["name"], []))[1].append(str(one["role"]))
    return [(name, join_words(dict.fromkeys(roles))) for name, roles in found.values()]


def _household(view: View) -> list[dict[str, Any]]:
    customer = view.customer
    own = customer.household_memberships.filter(valid_to__isnull=True).first()
    if own is None:
        return []
    rows = list(
        HouseholdMember.objects.filter(household=own.household_id, valid_to__isnull=True)
        .select_related("customer")
        .order_by("pk")
    )
    ids = [row.customer_id for row in rows]
    in_sight = set(Customer.objects.visible_to(view.user, view.opened).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {
            "member": row,
            "customer": row.customer if row.customer_id in in_sight - {customer.pk} else None,
            "role": row.get_role_display(),
            "name": masked_name(row.customer.name, row.customer.customer_type),
            "is_self": row.customer_id == customer.pk,
        }
        for row in rows
    ]


def _live_lines(customer: Customer) -> list[Subscription]:
    return list(Subscription.objects.filter(customer=customer, terminated_on__isnull=True).order_by("pk")[:50])


def _user(request: HttpRequest) -> Any:
    return request.user
