"""Search of the audit: by person, customer, act and day. Looking is itself recorded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from customers.models import Customer
from foundation.audit import services as audit
from foundation.audit.models import AuditEntry
from foundation.audit.words import areas
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.ids import first_id_at
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.models import User
from staff.requests import StaffRequest
from workspace.admin.audit_lines import lines_of

USUAL_DAYS, LONGEST_DAYS = 31, 366
FIRST_DAY = date(2020, 1, 1)  # ids begin here (foundation.common.ids)


def _acts() -> list[tuple[str, Any]]:
    """Every act there is, by area; the area itself stands for all of its acts."""
    every: list[tuple[str, Any]] = [("", gettext("All"))]
    for area, title, acts in areas():
        whole = gettext("%(area)s: everything") % {"area": title}
        every.append((title, [(f"{area}.", whole), *acts]))
    return every


class AuditFilter(forms.Form):
    """Which entries: everything optional, a span of at most a year.

    What was typed is not recorded as such: numbers become ids, an act is one of the list.
    """

    staff_no = forms.CharField(label=_("Staff number"), required=False, max_length=16)
    customer = forms.CharField(label=_("Customer number"), required=False, max_length=20)
    verb = forms.ChoiceField(label=_("Act"), required=False, choices=_acts)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def clean_staff_no(self) -> int | None:
        number = self.cleaned_data["staff_no"].strip()
        if not number:
            return None
        found = User.objects.filter(staff_no=number).values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError(_("Nobody has this staff number."))
        return found

    def clean_customer(self) -> int | None:
        number = self.cleaned_data["customer"].strip()
        if not number:
            return None
        found = Customer.objects.filter(number=number).values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError(_("No customer has this number."))
        return found

    def clean(self) -> dict[str, object]:
        values = super().clean() or {}
        today = clock.today()
        until: date = min(values.get("until") or today, today)
        since: date = values.get("since") or max(FIRST_DAY, until) - timedelta(days=USUAL_DAYS)
        if since > until:
            self.add_error("since", _("The first day lies after the last one."))
        elif (until - since).days > LONGEST_DAYS:
            self.add_error("since", _("At most a year at a time: choose a later first day."))
        return values | {"since": since, "until": until}

    def entries(self) -> QuerySet[AuditEntry]:
        """The entries asked for, newest first. Call after `is_valid()`."""
        asked = self.cleaned_data
        rows = AuditEntry.objects.filter(
            pk__gte=first_id_at(clock.business_midnight(asked["since"])),
            pk__lt=first_id_at(clock.business_midnight(asked["until"] + timedelta(days=1))),
        )
        if asked["staff_no"]:
            rows = rows.filter(actor_id=asked["staff_no"])
        if asked["customer"]:
            rows = rows.filter(customer_id=asked["customer"])
        if act := asked["verb"]:
            rows = rows.filter(verb__startswith=act) if act.endswith(".") else rows.filter(verb=act)
        return rows.order_by("-id")

    def as_detail(self) -> dict[str, str]:
        """What was asked, for the entry about the search."""
        return {name: str(value) for name, value in self.cleaned_data.items() if value and name != "customer"}


@require_GET
@requires("audit.view")
def audit_list(request: StaffRequest) -> HttpResponse:
    """The audit log; every search is an entry of its own."""
    form = AuditFilter(request.GET)
    page = None
    if form.is_valid():
        try:
            page = keyset_page(form.entries(), after=request.GET.get("after"), size=50)
        except RuleBroken:
            return redirect("workspace:audit-list")
        audit.record(
            "audit.searched",
            target=("audit", "log"),
            actor=request.user,
            customer_id=form.cleaned_data["customer"],
            detail=form.as_detail(),
        )
    template = "workspace/audit_list.html" + ("#results" if wants_fragment(request) else "")
    context = {"form": form, "page": page, "lines": lines_of(page.items) if page else []}
    return render(request, template, context, status=200 if form.is_valid() else 422)
