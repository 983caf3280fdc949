"""Settings the business tunes: all of them with their sources, their history, and a form for the next value."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from billing.dunning.policies import ARREARS_KEYS
from customers.models import Customer
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.policies import services as policies
from foundation.policies.drafting import activate_draft, draft_policy
from foundation.policies.kinds import Kind, as_text, from_text
from foundation.policies.models import PolicySetting
from foundation.policies.moving import limits_clocks, touched
from foundation.policies.queries import PolicyChange, effective, list_policies, policy_history
from foundation.policies.registry import Policy, definition
from staff.models import OrgUnit, User
from staff.requests import StaffRequest
from workspace.admin.draft_jobs import start_counting
from workspace.admin.policy_tables import in_line, table_of

Scope = PolicySetting.Scope
SHOWN = 100
OFFER_SENDER = "outreach.offer.sender"  # ships empty: only the operator knows its name
APPS = {
    "staff": _("Staff and security"),
    "customers": _("Customers"),
    "outreach": _("Messages and follow-ups"),
    "interactions": _("Contacts"),
    "complaints": _("Complaints"),
    "calendars": _("Work calendars"),
    "jobs": _("Background work"),
    "absence": _("Absences"),
    "imports": _("Imports"),
    "limits": _("Settlement limits"),
    "reveal": _("Sensitive data"),
    "signin": _("Sign-in"),
    "rest": _("Programs of other systems"),
}
# The units of the policies, named here so that the catalogues hold them; the templates translate them.
UNITS = (
    _("seconds"),
    _("minutes"),
    _("hours"),
    _("days"),
    _("working days"),
    _("working hours"),
    _("notices"),
    _("tries"),
    _("numbers"),
    _("years"),
    _("reveals"),
    _("calls"),
    _("kilobytes"),
    _("rows"),
    _("contacts"),
    _("customers"),
    _("archives"),
    _("months"),
    _("points"),
    _("% a month"),
    _("working minutes"),
    _("complaints"),
    _("hand-overs"),
    _("files"),
    _("forms"),
    _("mails"),
    _("promises"),
    _("‰ a day"),
)
TYPED = {
    Kind.INT: _("A whole number."),
    Kind.DECIMAL: _("A number, like 1.5."),
    Kind.DURATION: _("A number of the unit above."),
    Kind.BOOL: _("true or false."),
    Kind.TEXT: _("A text."),
    Kind.WINDOWS: _("Hours like 09:00-12:00, 13:30-18:00; empty means never."),
    Kind.TABLE: _("A table as JSON."),
}


class PolicyForm(forms.Form):
    """A new value for one key: where it holds, from when, and why; or taking the place's own value back."""

    value = forms.CharField(
        label=_("Value"), required=False, max_length=65_536, widget=forms.Textarea(attrs={"rows": 2})
    )
    segment = forms.ChoiceField(
        label=_("Only for the segment"), required=False, choices=[("", _("All customers")), *Customer.Segment.choices]
    )
    unit = forms.ModelChoiceField(
        OrgUnit.objects.order_by("no"), label=_("Only in the unit"), required=False, empty_label=_("Everywhere")
    )
    effective_from = forms.DateTimeField(
        label=_("In force from"), required=False, help_text=_("Empty: at once. Otherwise like 2026-11-22 13:00.")
    )
    note = forms.CharField(label=_("Reason"), max_length=200)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("segment") and values.get("unit"):
            self.add_error("unit", _("A value holds for a segment or in a unit, not both."))
        return values

    def place(self) -> dict[str, Any]:
        """Scope, reference, beginning and note, as the services take them. Call after `is_valid()`."""
        asked = self.cleaned_data
        scope, ref = Scope.GLOBAL, ""
        if asked["unit"]:
            scope, ref = Scope.UNIT, str(asked["unit"].pk)
        elif asked["segment"]:
            scope, ref = Scope.SEGMENT, asked["segment"]
        return {"scope": scope, "scope_ref": ref, "effective_from": asked["effective_from"], "note": asked["note"]}


@dataclass(frozen=True)
class Decision:
    """A row of the history in words: where it holds, the values, who decided."""

    change: PolicyChange
    old: str
    new: str
    where: str
    who: User | None


@require_GET
@requires("policies.view")
def policy_list(request: StaffRequest) -> HttpResponse:
    """Every key, grouped by the app that owns it."""
    lines = list_policies()
    found = [{"line": line, "app": line.app, "text": in_line(line.policy, line.value) or line.text} for line in lines]
    groups = [(APPS.get(app, app), list(some)) for app, some in groupby(found, key=itemgetter("app"))]
    missing = [line for line in lines if line.policy.key == OFFER_SENDER and not line.text.strip()]
    return render(request, "workspace/policy_list.html", {"groups": groups, "missing": missing})


@require_http_methods(["GET", "POST"])
@requires("policies.view")
def policy_detail(request: StaffRequest, key: str) -> HttpResponse:
    """One key: why its value holds, its history, and the form for those with "policies.change"."""
    try:
        policy = definition(key)
    except RuleBroken as no:
        raise Http404 from no
    line = effective(key)
    if request.method == "POST":
        if not request.user.has_perm("policies.change"):
            raise PermissionDenied("policies.change")
        form = PolicyForm(request.POST)
        if form.is_valid() and (address := _decide(policy, form, request)):
            return redirect(address)
    else:
        form = PolicyForm(initial={"value": as_text(policy, line.value)})
    form.fields["value"].help_text = TYPED[policy.kind]
    text, words = as_text(policy, line.value), in_line(policy, line.value)
    context = {
        "tries_arrears": key in ARREARS_KEYS,
        "policy": policy,
        "line": line,
        "text": text,
        "table": table_of(policy, line.value),
        # The reasons keep the value as it is typed; of a table people read the words.
        "why": [said.replace(text, words) if words else said for said in line.explanation.in_words()],
        "history": _decisions(policy, policy_history(key)[:SHOWN]),
        "may_change": request.user.has_perm("policies.change"),
        "limits": limits_clocks(key),
        "form": form,
    }
    return render(request, "workspace/policy_detail.html", context, status=422 if form.errors else 200)


def _decide(policy: Policy, form: PolicyForm, request: StaffRequest) -> str:
    """Where to go on; "" when it was refused. What limits clocks that run is looked at first."""
    place, act = form.place(), request.POST.get("act")
    try:
        value = None if act == "withdraw" else from_text(policy, form.cleaned_data["value"])
        if limits_clocks(policy.key):
            draft = draft_policy(policy.key, value, actor=request.user, **place)
            if act == "draft" or touched(draft).exists():
                start_counting(draft, actor=request.user)
                return reverse("workspace:draft-detail", args=[draft.pk])
            activate_draft(draft.pk, actor=request.user)
        elif value is None:
            policies.withdraw_policy(policy.key, actor=request.user, **place)
        else:
            policies.set_policy(policy.key, value, actor=request.user, **place)
    except RuleBroken as no:
        form.add_error(_FIELDS.get(no.code, "value"), no.message)
        return ""
    words = gettext("The own value was taken back.") if value is None else gettext("The value was set.")
    messages.success(request, words)
    return reverse("workspace:policy-detail", args=[policy.key])


_FIELDS = {"policies.past": "effective_from", "policies.nothing_to_withdraw": "unit", "policies.note": "note"}


def _decisions(policy: Policy, changes: list[PolicyChange]) -> list[Decision]:
    settings = [change.setting for change in changes]
    units = OrgUnit.objects.in_bulk([int(row.scope_ref) for row in settings if row.scope == Scope.UNIT])
    people = User.objects.in_bulk({row.created_by_id for row in settings if row.created_by_id})
    segments = dict(Customer.Segment.choices)

    def where(row: PolicySetting) -> str:
        if row.scope == Scope.UNIT:
            unit = units.get(int(row.scope_ref))
            return unit.name if unit else f"{row.get_scope_display()} {row.scope_ref}"
        if row.scope == Scope.SEGMENT:
            return str(segments.get(row.scope_ref, row.scope_ref))
        return str(row.get_scope_display())

    def told(typed: str | None, kept: Any) -> str:
        return "" if typed is None else in_line(policy, kept) or typed

    return [
        Decision(
            change,
            told(change.old, change.setting.old_value),
            told(change.new, change.setting.value),
            where(change.setting),
            people.get(change.setting.created_by_id or 0),
        )
        for change in changes
    ]
