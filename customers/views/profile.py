"""Profile and consent: ways to reach the customer, addresses, optional facts with their consent, needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import copies, services
from customers.forms import AddressForm, ContactPointForm, NeedForm, NeedStateForm, ProfileFieldForm
from customers.labels import label, say_unusable, value_in_words
from customers.models import Address, ContactPoint, Need, ProfileField
from customers.optional_facts import SENSITIVE, value_words
from customers.services import StaleCopy
from customers.services.contact_points import ADDRESS_PARTS, POINT_FIELDS
from customers.services.profile import FACT_FIELDS, NO_FACT
from customers.views import prefill
from customers.views.conflicts import Difference, differences, takes_theirs
from customers.views.customer_edit import refuse
from customers.views.showing import MASK_OF, View, seen, whole_address
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.wording import join_words
from staff.drafts import Place, forget_draft

FACT_LABELS = {name: ProfileFieldForm.base_fields[name].label for name in FACT_FIELDS}
POINT_MASK = {"EMAIL": "email", "IM": "account"}
FORMS: dict[str, type[forms.Form]] = {
    "contact": ContactPointForm,
    "address": AddressForm,
    "fact": ProfileFieldForm,
    "need": NeedForm,
}
# Forms with a longer text: where it is kept while it is typed.
TEXTS = {"fact": "customers.fact", "need": "customers.need"}


@dataclass(frozen=True)
class Kept:
    """A form that writes one of several rows anew: the field that says which, what is compared, an empty row."""

    by: str
    fields: tuple[str, ...]
    blank: dict[str, Any]

    def was(self, pk: int, data: dict[str, Any]) -> dict[str, Any] | None:
        """The row the person saw; None when the form carried no copy that reads."""
        seen_rows = copies.opened(pk, data["copy"])
        return {**self.blank, **seen_rows.get(data[self.by], {})} if seen_rows else None

    def is_hidden(self, pk: int, data: dict[str, Any]) -> bool:
        """Whether the form did not show what is on file."""
        return bool(copies.opened(pk, data["copy"]).get(prefill.ABOUT, {}).get(prefill.HIDDEN))


KEPT = {
    "address": Kept("kind", tuple(ADDRESS_PARTS), dict.fromkeys(ADDRESS_PARTS, "")),
    "fact": Kept("key", FACT_FIELDS, NO_FACT),
}


@require_GET
@never_cache
@requires("customers.view")
def customer_profile(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything kept about the customer, section by section."""
    return _page(request, pk)


def _page(
    request: HttpRequest,
    pk: int,
    bound: dict[str, forms.Form] | None = None,
    error: str = "",
    conflict: list[Difference] | None = None,
) -> HttpResponseBase:
    view = View(request, pk)
    bound = bound or {}
    started = {
        "address": lambda: prefill.address_start(view, request.GET.get("kind", "")),
        "fact": lambda: prefill.fact_start(view, request.GET.get("key", "")),
    }
    forms_shown = {
        name: bound.get(name) or form(auto_id=f"id_{name}_%s", initial=started.get(name, dict)())
        for name, form in FORMS.items()
    }
    prefill.explain_hidden(forms_shown["address"], view)
    context = {
        "view": view,
        "page": view.page,
        "customer": view.customer,
        "points": [
            {
                "row": point,
                "shown": view.shown("", POINT_MASK.get(point.kind, "phone"), point.value),
                "why_not": say_unusable(point.do_not_use),
                "copy": copies.sealed(point.pk, copies.copy_of(point, POINT_FIELDS)),
            }
            for point in view.page.points
        ],
        "addresses": [
            {
                "row": row,
                "shown": view.shown("address", "address", whole_address(row)),
                "copy": copies.sealed(row.pk, copies.copy_of(row, ADDRESS_PARTS)),
            }
            for row in view.page.addresses
        ],
        "facts": [_fact(view, row) for row in view.page.fields],
        "needs": [
            {
                "row": row,
                "form": NeedStateForm(
                    initial={"state": row.state, "due_on": row.due_on}, auto_id=f"id_need_{row.ref}_%s"
                ),
                "copy": copies.sealed(row.pk, copies.copy_of(row, ("state",))),
            }
            for row in view.page.needs
        ],
        "forms": forms_shown,
        "conflict": conflict or [],
        "fact_key": forms_shown["fact"].initial.get("key", ""),
        "opened": next(iter(bound), request.GET.get("add", "")),
        "error": error,
    }
    return render(request, "customers/customer_profile.html", context, status=422 if bound or error else 200)


def _fact(view: View, row: ProfileField) -> dict[str, Any]:
    """A fact as the page shows it; only who reads its value can have asked the customer about it."""
    shown = view.sensitive_fact(row.key) if row.key in SENSITIVE else None
    return {
        "row": row,
        "words": value_words(row.key, row.value),
        "shown": shown,
        "copy": copies.sealed(row.pk, copies.copy_of(row, ("value",))) if shown is None or shown.left else "",
    }


def _write(request: HttpRequest, pk: int, name: str, act: Callable[[dict[str, Any]], Any]) -> HttpResponseBase:
    """Check the shape, call the service, come back; what was refused stands in the form again, and what a colleague
    changed meanwhile beside it."""
    seen(request, pk)
    form, kept = FORMS[name](request.POST, auto_id=f"id_{name}_%s"), KEPT.get(name)
    conflict: list[Difference] = []
    if form.is_valid():
        data = dict(form.cleaned_data)
        if kept is not None:
            data["was"], hidden = kept.was(pk, data), kept.is_hidden(pk, data)
            del data["copy"]
            if name == "address":
                data = prefill.kept_where_hidden(data, data["was"] or {}, hidden)
            for field in kept.fields:
                if data["was"] and takes_theirs(request.POST, field):
                    data[field] = _stored(field, data["was"][field])
        try:
            act(data)
            if name in TEXTS:
                for of in ("", data.get("key", "")):
                    forget_draft(_user(request), Place(TEXTS[name], pk, of))
            return redirect("customers:customer-profile", pk=pk)
        except StaleCopy as stale:
            view = View(request, pk)
            conflict = _differences(view, data, stale)
            refuse(form, stale)
            fresh = prefill.address_copy(view) if name == "address" else prefill.fact_copy(view)
            form.data = {**request.POST.dict(), "copy": fresh}
        except RuleBroken as no:
            refuse(form, no)
    return _page(request, pk, {name: form}, conflict=conflict)


def _stored(field: str, kept: Any) -> Any:
    """A value of a copy as the service takes it."""
    return date.fromisoformat(kept) if field == "expires_on" and kept else kept


def _differences(view: View, data: dict[str, Any], stale: StaleCopy) -> list[Difference]:
    key, was = data.get("key", ""), data["was"] or {}
    hidden = key in SENSITIVE

    def in_words(field: str, told: str) -> str:
        return value_words(key, told) if field == "value" else told

    def own(field: str, value: Any) -> str:
        """What the person typed; a masked part they left as it was stays masked."""
        told = str(copies.plain(value) or "")
        return on_file(field, value) if MASK_OF.get(field) and told == was.get(field) else in_words(field, told)

    def on_file(field: str, value: Any) -> str:
        told = in_words(field, str(copies.plain(value) or ""))
        if hidden and field == "value":
            return view.shown(SENSITIVE[key], "id", told, masked_as="****", sensitive=True).text if told else ""
        mask = MASK_OF.get(field)
        return view.shown("address", mask, told).text if mask and told else told

    return differences(
        data,
        stale.current,
        was,
        label=lambda field: str(FACT_LABELS.get(field) or label(field)),
        own_words=own,
        words=on_file,
    )


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
    user, reason, was = _user(request), request.POST.get("reason", ""), _seen_row(request, point)
    acts: dict[str, Callable[[], Any]] = {
        "primary": lambda: services.make_primary(point, actor=user, was=was),
        "verified": lambda: services.verify_contact_point(point, actor=user, was=was),
        "unusable": lambda: services.mark_unusable(point, actor=user, reason=reason, was=was),
        "end": lambda: services.end_contact_point(point, actor=user, reason=reason, was=was),
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
        lambda data: services.set_address(pk, actor=_user(request), kind=data["kind"], parts=data, was=data["was"]),
    )


@require_POST
@requires("customers.edit")
def address_end(request: HttpRequest, pk: int, row: int) -> HttpResponseBase:
    """The customer is not there any more."""
    seen(request, pk)
    kind = Address.objects.filter(pk=row, customer_id=pk, valid_to__isnull=True).values_list("kind", flat=True).first()
    if kind is None:
        raise Http404
    was = _seen_row(request, row)
    return _do(request, pk, lambda: services.set_address(pk, actor=_user(request), kind=kind, parts={}, was=was))


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
def fact_confirm(request: HttpRequest, pk: int, row: int) -> HttpResponseBase:
    """The customer was asked and says that it still holds; only what was read can have been asked."""
    seen(request, pk)
    _own(ProfileField, pk, row)
    was = _seen_row(request, row)
    if was is None:
        return _page(request, pk, error=_("Read the fact first: only what was read can be checked with the customer."))
    return _do(request, pk, lambda: services.confirm_profile_field(row, actor=_user(request), was=was))


@require_POST
@requires("customers.edit")
def need_add(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Something the customer wants of us."""
    return _write(request, pk, "need", lambda data: services.add_need(pk, actor=_user(request), **data))


@require_POST
@requires("customers.edit")
def need_change(request: HttpRequest, pk: int, need: int) -> HttpResponseBase:
    """How far a need is, by when and by whom it is planned, or why it is declined."""
    customer = seen(request, pk)
    _own(Need, pk, need)
    form = NeedStateForm(request.POST)
    if not form.is_valid():
        return _page(request, pk, error=str(next(iter(form.errors.values()))[0]))
    data, user = form.cleaned_data, _user(request)
    owners = {"me": user, "manager": customer.manager}
    return _do(
        request,
        pk,
        lambda: services.change_need(
            need,
            actor=user,
            state=data["state"],
            due_on=data["due_on"],
            owner=owners.get(data["owner"]),
            reason=data["reason"],
            was=_seen_row(request, need),
        ),
    )


def _seen_row(request: HttpRequest, row: int) -> dict[str, Any] | None:
    """The row as it stood on the page the person acts on."""
    return copies.opened(row, request.POST.get("copy", "")) or None


def _own(model: type[Any], pk: int, row: int) -> None:
    """The row must hang on this customer."""
    if not model.objects.filter(pk=row, customer_id=pk).exists():
        raise Http404


def _do(request: HttpRequest, pk: int, act: Callable[[], Any] | None) -> HttpResponseBase:
    if act is None:
        return _page(request, pk, error=_("Choose one of the values offered."))
    try:
        act()
    except StaleCopy as stale:
        return _page(request, pk, error=f"{stale.message} {_now_so(stale)}")
    except RuleBroken as no:
        return _page(request, pk, error=str(no.message))
    return redirect("customers:customer-profile", pk=pk)


def _now_so(stale: StaleCopy) -> str:
    """How the row stands now, for one who acted on an older copy and may act again."""
    if "value" in stale.current or "street" in stale.current:
        return _("Look at it again: it stands here as it is on file now.")
    if "state" in stale.current:
        return _("On file now: %(value)s") % {"value": value_in_words("need", "state", stale.current["state"])}
    if stale.current["do_not_use"]:
        return _("On file now: %(value)s") % {
            "value": f"{_('Do not use:')} {say_unusable(stale.current['do_not_use'])}"
        }
    words = [_("first")] if stale.current["is_primary"] else []
    words.append(
        pgettext("contact", "verified") if stale.current["verified_at"] else pgettext("contact", "not verified")
    )
    return _("On file now: %(value)s") % {"value": join_words(words)}


def _user(request: HttpRequest) -> Any:
    return request.user
