"""The history of fields: which value became which, who did it, when, and where it came from (ARC-03)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.labels import label, value_in_words
from customers.models import FieldChange, Plan
from customers.optional_facts import SENSITIVE
from customers.views.showing import MASK_OF, View
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.widgets import DayInput
from staff.masking import name_mask
from staff.models import User

SENSITIVE_FIELDS = {*SENSITIVE, "id_number"}
SYSTEM = "system"


class HistoryFilter(forms.Form):
    """What of the history to show: one field, one person, from a day to a day."""

    field = forms.ChoiceField(label=gettext_lazy("Field"), required=False)
    who = forms.ChoiceField(label=gettext_lazy("Who"), required=False)
    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=DayInput)
    until = forms.DateField(label=gettext_lazy("To"), required=False, widget=DayInput)

    def __init__(self, data: Any, *, fields: list[str], people: dict[int | None, str]) -> None:
        super().__init__(data)
        every: tuple[str, Any] = ("", _("All"))
        names = sorted(((name, label(name)) for name in fields), key=lambda pair: pair[1])
        who = [(str(pk) if pk else SYSTEM, name) for pk, name in people.items()]
        self.fields["field"].choices = [every, *names]  # type: ignore[attr-defined]
        self.fields["who"].choices = [every, *sorted(who, key=lambda pair: pair[1])]  # type: ignore[attr-defined]

    def wanted(self) -> Q:
        """The condition on field changes; parts that do not read are left out."""
        data, found = self.cleaned_data, Q()
        if data.get("field"):
            found &= Q(field=data["field"])
        if who := data.get("who"):
            found &= Q(actor_id__isnull=True) if who == SYSTEM else Q(actor_id=int(who))
        if since := data.get("since"):
            found &= Q(at__gte=_midnight(since))
        if until := data.get("until"):
            found &= Q(at__lt=_midnight(until + timedelta(days=1)))
        return found


def _midnight(day: date) -> Any:
    return clock.business_midnight(day)


@require_GET
@never_cache
@requires("customers.view")
def customer_history(request: HttpRequest, pk: int) -> HttpResponse:
    """Who changed which field when, from what to what; sensitive values stay hidden. The URL holds the filters."""
    view = View(request, pk)
    rows = FieldChange.objects.filter(customer_id__in=[pk, *view.page.absorbed])
    told = list(rows.order_by().values_list("field", "actor_id").distinct())
    names = dict(User.objects.filter(pk__in={actor for _field, actor in told if actor}).values_list("pk", "name"))
    people = {actor: names.get(actor, _("System")) if actor else _("System") for _field, actor in told}
    asked = request.GET.get("field", "")
    fields = {field for field, _actor in told} | ({asked} if label(asked) != asked else set())
    form = HistoryFilter(request.GET, fields=sorted(fields), people=people)
    form.is_valid()
    rows, refusal = rows.filter(form.wanted()).order_by("-pk"), ""
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=50)
    except RuleBroken as no:
        refusal, page = str(no.message), keyset_page(rows, after=None, size=50)
    plans = _plan_names(page.items)
    managers = _manager_names(page.items)
    for row in page.items:
        row.label = label(row.field)  # type: ignore[attr-defined]
        row.who = people[row.actor_id]  # type: ignore[attr-defined]
        if row.field == "plan_id":
            row.old, row.new = plans.get(row.old or ""), plans.get(row.new or "")
        if row.field == "manager_id":
            row.old, row.new = (managers.get(value or "", value) for value in (row.old, row.new))
        row.before = _history_value(view, row, row.old)  # type: ignore[attr-defined]
        row.after = _history_value(view, row, row.new)  # type: ignore[attr-defined]
    context = {
        "view": view,
        "customer": view.customer,
        "page": page,
        "refusal": refusal,
        "filter": form,
        "filtered": any(form.cleaned_data.values()),
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"customers/customer_history.html{part}", context)


def _plan_names(rows: list[FieldChange]) -> dict[str, str]:
    """Names of the plans that field changes tell of, by the id as it is stored."""
    told = {value for row in rows if row.field == "plan_id" for value in (row.old, row.new) if value}
    if not told:
        return {}
    return {str(pk): name for pk, name in Plan.objects.filter(pk__in=told).values_list("pk", "name")}


def _manager_names(rows: list[FieldChange]) -> dict[str, str]:
    """Names of the managers they tell of, likewise."""
    told = {v for row in rows if row.field == "manager_id" for v in (row.old, row.new) if v and v.isdecimal()}
    if not told:
        return {}
    return {str(pk): name for pk, name in User.objects.filter(pk__in=told).values_list("pk", "name")}


def _history_value(view: View, row: FieldChange, stored: str | None) -> str:
    if not stored:
        return ""
    if row.field in SENSITIVE_FIELDS:
        return stored if row.field == "id_number" else "****"  # of the document only its masked end is ever kept
    words = value_in_words(row.entity, row.field, stored)
    if row.entity == "contactpoint":
        return view.shown("", "email" if "@" in words else "phone", words).text
    mask = name_mask(view.customer.customer_type) if row.field == "name" else MASK_OF.get(row.field)
    return view.shown("", mask, words).text if mask else words
