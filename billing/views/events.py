"""For the billing engineer: every event as it came, what it did, why it did nothing."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from billing.fault_words import say_fault
from billing.mirror.inbox import try_again
from billing.models import BillingAccount, BillingEvent, Command
from billing.showing import masked_body
from foundation.audit.services import record
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.requests import StaffRequest

RIGHT = "billing.engineer"
PAGE = 50


class EventFilter(forms.Form):
    """Which events: by what became of them, and the exact id of event, account or resource."""

    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("All")), *BillingEvent.State.choices]
    )
    q = forms.CharField(label=gettext_lazy("Number at billing"), required=False, max_length=100)


@require_safe
@never_cache
@requires(RIGHT)
def event_list(request: StaffRequest) -> HttpResponse:
    """Events, the newest first."""
    form = EventFilter(request.GET)
    asked: dict[str, Any] = form.cleaned_data if form.is_valid() else {}
    rows = BillingEvent.objects.order_by("-pk")
    if asked.get("state"):
        rows = rows.filter(state=asked["state"])
    if text := (asked.get("q") or "").strip():
        rows = rows.filter(pk__in=_named(text))
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("billing:event-list")
    template = "billing/event_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, {"rows": page.items, "page": page, "form": form, "asked": asked})


def _named(text: str) -> list[int]:
    """Events that say exactly this, each by its own index; of many the newest."""
    found: list[int] = []
    for column in ("event_id", "account_ref", "resource_id"):
        some = BillingEvent.objects.filter(**{column: text}).order_by("-pk").values_list("pk", flat=True)
        found += some[:500]
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(RIGHT)
def event_detail(request: StaffRequest, pk: int) -> HttpResponseBase:
    """One event: raw, its effect, why it was ignored or refused. POST works on a refused one again."""
    event = get_object_or_404(BillingEvent, pk=pk)
    if request.method == "POST":
        if try_again(event.pk):
            record("billing.event_again", target=event, actor=request.user)
        return redirect("billing:event", pk)
    account = BillingAccount.objects.filter(external_id=event.account_ref).first() if event.account_ref else None
    command = None
    if key := event.effect.get("command"):
        command = Command.objects.filter(key=key).first()
    context = {
        "event": event,
        "account": account,
        "command": command,
        "raw": json.dumps(masked_body(event.body), ensure_ascii=False, indent=2) if event.body else _("(erased)"),
        "faults": [say_fault(fault) for fault in event.faults],
        "changed": ", ".join(event.effect.get("changed", [])),
        "again": event.state == BillingEvent.State.FAILED and bool(event.body),
    }
    return render(request, "billing/event_detail.html", context)
