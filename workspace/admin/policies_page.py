"""Settings the business tunes: all of them with their sources, their history, and a form for the next value."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.policies import services as policies
from foundation.policies.kinds import from_text
from foundation.policies.models import PolicySetting
from foundation.policies.queries import effective, list_policies, policy_history
from foundation.policies.registry import Policy, definition
from staff.models import OrgUnit


class PolicyForm(forms.Form):
    """A new value for one key: where it holds, from when, and why."""

    value = forms.CharField(label=_("Value"), max_length=65_536, widget=forms.Textarea(attrs={"rows": 2}))
    unit = forms.ModelChoiceField(
        OrgUnit.objects.order_by("no"), label=_("Only in the unit"), required=False, empty_label=_("Everywhere")
    )
    effective_from = forms.DateTimeField(
        label=_("In force from"), required=False, help_text=_("Empty: at once. Otherwise like 2026-11-22 13:00.")
    )
    note = forms.CharField(label=_("Reason"), max_length=200)


@require_GET
@requires("policies.view")
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every key, grouped by the app that owns it."""
    groups = [(app, list(lines)) for app, lines in groupby(list_policies(), key=lambda line: line.app)]
    return render(request, "workspace/policy_list.html", {"groups": groups})


@require_http_methods(["GET", "POST"])
@requires("policies.view")
def policy_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One key: why its value holds, its history, and the form for those with "policies.change"."""
    try:
        policy = definition(key)
    except RuleBroken as no:
        raise Http404 from no
    form = PolicyForm(request.POST or None)
    if request.method == "POST":
        if not request.user.has_perm("policies.change"):
            raise PermissionDenied("policies.change")
        if form.is_valid() and _set(policy, form, request.user):
            return redirect("workspace:policy-detail", key=key)
    context = {
        "policy": policy,
        "line": effective(key),
        "history": policy_history(key)[:100],
        "may_change": request.user.has_perm("policies.change"),
        "form": form,
    }
    return render(request, "workspace/policy_detail.html", context, status=422 if form.errors else 200)


def _set(policy: Policy, form: PolicyForm, actor: Any) -> bool:
    asked = form.cleaned_data
    unit: OrgUnit | None = asked["unit"]
    try:
        policies.set_policy(
            policy.key,
            from_text(policy, asked["value"]),
            actor=actor,
            scope=PolicySetting.Scope.UNIT if unit else PolicySetting.Scope.GLOBAL,
            scope_ref=unit.pk if unit else "",
            effective_from=asked["effective_from"],
            note=asked["note"],
        )
    except RuleBroken as no:
        form.add_error("effective_from" if no.code == "policies.past" else "value", no.message)
        return False
    return True
