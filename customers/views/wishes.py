"""How and when the customer wants to hear from us (D§5.7, ui-guide §12.6)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from customers import services
from customers.forms import ContactTimeForm, WishesForm
from customers.labels import CHANNELS, LANGUAGES
from customers.models import ContactTime
from customers.views.customer_edit import refuse
from customers.views.showing import View, seen
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken

WISH_FIELDS = {"customers.bad_code": "channel"}
TIME_FIELDS = {"customers.no_time_left": "ends"}


@require_GET
@never_cache
@requires("customers.view")
def customer_wishes(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The wishes on file."""
    return _page(request, pk)


@require_POST
@never_cache
@requires("customers.edit")
def wishes_set(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Channel, language, and whether reminders leave."""
    user: Any = request.user
    seen(request, pk)
    form = WishesForm(request.POST)
    if form.is_valid():
        try:
            services.change_wishes(pk, actor=user, **form.cleaned_data)
            messages.success(request, _("The wishes are noted."))
            return redirect("customers:customer-wishes", pk=pk)
        except RuleBroken as no:
            refuse(form, no, WISH_FIELDS)
    return _page(request, pk, wishes=form)


@require_POST
@never_cache
@requires("customers.edit")
def time_add(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Another time the customer does, or does not, want."""
    user: Any = request.user
    seen(request, pk)
    form = ContactTimeForm(request.POST)
    if form.is_valid():
        try:
            services.add_contact_time(pk, actor=user, **form.cleaned_data)
            messages.success(request, _("The time is noted."))
            return redirect("customers:customer-wishes", pk=pk)
        except RuleBroken as no:
            refuse(form, no, TIME_FIELDS)
    return _page(request, pk, time=form)


@require_POST
@requires("customers.edit")
def time_drop(request: HttpRequest, pk: int, row: int) -> HttpResponseBase:
    """The customer minds this time no more."""
    user: Any = request.user
    seen(request, pk)
    if not ContactTime.objects.filter(pk=row, customer_id=pk).exists():
        raise Http404
    services.drop_contact_time(row, actor=user)
    messages.success(request, _("The time is removed."))
    return redirect("customers:customer-wishes", pk=pk)


def _page(
    request: HttpRequest, pk: int, *, wishes: forms.Form | None = None, time: forms.Form | None = None
) -> HttpResponseBase:
    view = View(request, pk)
    customer = view.customer
    asked_off = view.wishes.reminders_off
    held = {"channel": customer.channel_preference, "language": customer.language, "reminders": not asked_off}
    context = {
        "view": view,
        "customer": customer,
        "reminders_off": asked_off,
        "times": [*view.wishes.avoid, *view.wishes.best],
        "preferred": CHANNELS.get(customer.channel_preference, ""),
        "language": LANGUAGES.get(customer.language, customer.language),
        "unusable": view.wishes.unusable,
        "wishes": wishes or WishesForm(initial=held),
        "time": time or ContactTimeForm(),
    }
    return render(request, "customers/customer_wishes.html", context, status=422 if wishes or time else 200)
