"""One field of the archive changed where it stands, and taken back (ui-guide §5 Inline edit)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from customers import copies, services
from customers.forms import InlineForm
from customers.inline import INLINE, Inline, from_history
from customers.labels import value_in_words
from customers.models import FieldChange
from customers.services import StaleCopy
from customers.services.remembering import as_text
from customers.templatetags.inline import inline_row, words
from customers.views.customer_edit import managers_for
from customers.views.showing import View
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.htmx import toast, wants_fragment
from staff.models import User

UNDO_WITHIN = timedelta(hours=1)
# Fields the header of the page repeats.
IN_HEAD = {"home_city", "segment"}


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.edit")
def inline_edit(request: HttpRequest, pk: int, field: str) -> HttpResponseBase:
    """GET opens the value (`?show=1` closes it again), POST saves it. Without htmx the edit page does the same."""
    view, one = _opened(request, pk, field)
    if not wants_fragment(request):
        return redirect(f"{reverse('customers:customer-edit', args=[pk])}#id_{one.form_name}")
    if request.method == "GET":
        if request.GET.get("show"):
            return _shown(view, one, focus=bool(request.GET.get("back")))
        return _form(request, view, one, _blank(view, one))
    form = InlineForm(request.POST, field=field, managers=managers_for(view.customer))
    error = ""
    if form.is_valid():
        try:
            changed = _save(view, one, form)
            return _saved(request, view, one, changed, focus=bool(form.cleaned_data["back"]))
        except StaleCopy as stale:
            theirs = _in_words(field, stale.current[field])
            error = f"{stale.message} {_('On file now: %(value)s') % {'value': theirs or '–'}}"
            form.data = {
                **request.POST.dict(),
                "version": str(stale.version),
                "copy": copies.sealed(pk, {field: copies.plain(stale.current[field])}),
            }
        except RuleBroken as no:
            error = str(no.message)
    else:
        error = " ".join(str(words) for errors in form.errors.values() for words in errors)
    return _form(request, view, one, form, error)


@require_POST
@never_cache
@requires("customers.edit")
def inline_undo(request: HttpRequest, pk: int, change: int) -> HttpResponseBase:
    """Take one's own change of a field back, while nobody has changed it again."""
    row = FieldChange.objects.filter(
        pk=change,
        customer_id=pk,
        entity="customer",
        actor_id=request.user.pk,
        at__gt=clock.now() - UNDO_WITHIN,
        field__in=INLINE,
    ).first()
    if row is None:
        raise Http404
    view, one = _opened(request, pk, row.field)
    refusal = ""
    if (as_text(getattr(view.customer, row.field)) or "") != (row.new or ""):
        refusal = _("Somebody has changed it again; it was not taken back.")
    else:
        try:
            services.change_customer(
                pk,
                actor=view.user,
                version=view.customer.version,
                changes={row.field: from_history(row.field, row.old)},
                source="undo",
            )
        except RuleBroken as no:
            refusal = str(no.message)
    if not wants_fragment(request):
        return redirect("customers:customer-detail", pk=pk)
    if refusal:
        return toast(HttpResponse(status=200), refusal, tone="danger")
    view = View(request, pk)
    answer = _with_head(view, one, _oob(_row(view, one)))
    return toast(answer, _("Taken back: %(field)s") % {"field": one.label})


def _opened(request: HttpRequest, pk: int, field: str) -> tuple[View, Inline]:
    """The customer and the field, both open to this person; Http404 otherwise."""
    view, one = View(request, pk), INLINE.get(field)
    if one is None or not one.open_to(view):
        raise Http404
    return view, one


def _blank(view: View, one: Inline) -> InlineForm:
    value = getattr(view.customer, one.name)
    seen = copies.sealed(view.customer.pk, {one.name: copies.plain(value)})
    initial = {"version": view.customer.version, "copy": seen, one.form_name: value}
    return InlineForm(field=one.name, managers=managers_for(view.customer), initial=initial)


def _save(view: View, one: Inline, form: InlineForm) -> bool:
    """Save the one field; what others changed beside it is no conflict. Returns whether anything became different."""
    pk, version, changes = view.customer.pk, form.cleaned_data["version"], {one.name: form.value()}
    before = getattr(view.customer, one.name)
    try:
        services.change_customer(pk, actor=view.user, version=version, changes=changes)
    except StaleCopy as stale:
        was = copies.opened(pk, form.cleaned_data["copy"])
        now = stale.current[one.name]
        if was.get(one.name, now) != copies.plain(now) or one.name not in was:
            raise
        services.change_customer(pk, actor=view.user, version=stale.version, changes=changes)
    return bool(before != form.value())


def _saved(request: HttpRequest, view: View, one: Inline, changed: bool, *, focus: bool) -> HttpResponseBase:
    pk = view.customer.pk
    view = View(request, pk)
    if not changed:
        return _shown(view, one, focus=focus)
    mine = FieldChange.objects.filter(customer_id=pk, entity="customer", field=one.name, actor_id=view.user.pk)
    change = mine.order_by("-pk").values_list("pk", flat=True).first()
    answer = _with_head(view, one, _row(view, one, saved=True, focus=focus))
    undo = reverse("customers:inline-undo", args=[pk, change]) if change else ""
    return toast(answer, _("Saved: %(field)s") % {"field": one.label}, undo_url=undo)


def _row(view: View, one: Inline, *, saved: bool = False, focus: bool = False) -> str:
    if one.name == "birth_date":
        return render_to_string(
            "customers/_birthday.html",
            {"view": view, "customer": view.customer, "birthday": view.birthday_line, "saved": saved, "focus": focus},
        )
    return inline_row(view, one, words(), saved=saved, focus=focus)


def _shown(view: View, one: Inline, *, focus: bool = False) -> HttpResponse:
    return HttpResponse(_row(view, one, focus=focus))


def _oob(row: str) -> str:
    return row.replace('<div class="kv"', '<div class="kv" hx-swap-oob="true"', 1)


def _with_head(view: View, one: Inline, row: str) -> HttpResponse:
    """The row, and what the header repeats of it."""
    if one.name not in IN_HEAD:
        return HttpResponse(row)
    context = {"name": one.name, "text": one.words(view)}
    return HttpResponse(row + render_to_string("customers/_head_part.html", context))


def _form(request: HttpRequest, view: View, one: Inline, form: InlineForm, error: str = "") -> HttpResponse:
    field = form[one.form_name]
    attrs: dict[str, str | bool] = {"data-focus": True, "autocomplete": "off", "class": "input"}
    if error:
        attrs |= {"aria-invalid": "true", "aria-describedby": f"{field.id_for_label}_err"}
    context = {
        "customer": view.customer,
        "one": one,
        "form": form,
        "field": field,
        "widget": field.as_widget(attrs=attrs),
    }
    status = 422 if error else 200
    return render(request, "customers/_inline_form.html", context | {"error": error}, status=status)


def _in_words(field: str, value: Any) -> str:
    if field == "manager_id" and value:
        return str(User.objects.filter(pk=value).values_list("name", flat=True).first() or value)
    return value_in_words("customer", field, as_text(value))
