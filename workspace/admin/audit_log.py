"""Search of the audit: by person, customer, act and day. Looking is itself recorded."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from customers.models import Customer
from foundation.audit import services as audit
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.ids import first_id_at
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.models import User

LONGEST_DAYS = 366


class AuditFilter(forms.Form):
    """Which entries: everything optional, a span of at most a year."""

    staff_no = forms.CharField(label=_("Staff number"), required=False, max_length=16)
    customer = forms.CharField(label=_("Customer number"), required=False, max_length=20)
    verb = forms.CharField(label=_("Act"), required=False, max_length=64)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        until: date = values.get("until") or clock.today()
        since: date = values.get("since") or until - timedelta(days=31)
        if since > until:
            self.add_error("since", _("The first day lies after the last one."))
        elif (until - since).days > LONGEST_DAYS:
            self.add_error("since", _("At most a year at a time: choose a later first day."))
        return values | {"since": since, "until": until}

    def entries(self) -> QuerySet[AuditEntry]:
        """The entries asked for, newest first. Call after `is_valid()`."""
        asked = self.cleaned_data
        rows = AuditEntry.objects.filter(
            pk__gte=first_id_at(_begin(asked["since"])), pk__lt=first_id_at(_begin(asked["until"] + timedelta(days=1)))
        )
        if asked["staff_no"]:
            rows = rows.filter(
                actor_id__in=list(User.objects.filter(staff_no=asked["staff_no"]).values_list("pk", flat=True))
            )
        if asked["customer"]:
            rows = rows.filter(
                customer_id__in=list(Customer.objects.filter(number=asked["customer"]).values_list("pk", flat=True))
            )
        if asked["verb"]:
            rows = rows.filter(verb__startswith=asked["verb"])
        return rows.order_by("-id")


def _begin(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=clock.BUSINESS_ZONE)


@require_GET
@requires("audit.view")
def audit_list(request: HttpRequest) -> HttpResponse:
    """The audit log; every search is an entry of its own."""
    form = AuditFilter(request.GET)
    page, actors, numbers = None, {}, {}
    if form.is_valid():
        page = keyset_page(form.entries(), after=request.GET.get("after"), size=50)
        actors = User.objects.in_bulk({entry.actor_id for entry in page.items if entry.actor_id})
        numbers = dict(
            Customer.objects.filter(pk__in={e.customer_id for e in page.items if e.customer_id}).values_list(
                "pk", "number"
            )
        )
        asked = {name: str(value) for name, value in form.cleaned_data.items() if value and name != "customer"}
        audit.record("audit.searched", target=("audit", "log"), actor=request.user, detail=asked)
    rows = [(entry, actors.get(entry.actor_id), numbers.get(entry.customer_id)) for entry in page.items] if page else []
    template = "workspace/audit_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, {"form": form, "page": page, "rows": rows}, status=200 if form.is_valid() else 422)
