"""Trying the ladder of arrears: an account, typed; out come its state, late fee, steps with their dates, and why.
Nothing is written; the answer is that of `manage dunning_try` (docs/try.md)."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.dunning.facts import AccountKind, State
from billing.dunning.trying import try_dunning
from billing.dunning.words import NEEDS, STATES, STEPS
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.trying import BadCase
from staff.requests import StaffRequest

KINDS: dict[str, Any] = {
    AccountKind.MOBILE: gettext_lazy("Mobile line"),
    AccountKind.FIXED: gettext_lazy("Broadband or fixed line"),
    AccountKind.PREPAID: gettext_lazy("Prepaid"),
    AccountKind.ENTERPRISE: gettext_lazy("Company"),
    AccountKind.MINOR: gettext_lazy("Person under age"),
}
TIERS: dict[str, Any] = {
    "ordinary": gettext_lazy("Ordinary"),
    "silver": gettext_lazy("Silver"),
    "gold": gettext_lazy("Gold"),
    "platinum": gettext_lazy("Platinum"),
    "diamond": gettext_lazy("Diamond"),
}
TONES = {
    State.OVERDUE: "warn",
    State.WARNED: "warn",
    State.GRACE: "info",
    State.SUSPENDED_1WAY: "danger",
    State.SUSPENDED_2WAY: "danger",
    State.TERMINATION_NOTICE: "danger",
    State.TERMINATED: "danger",
    State.CLOSED: "ok",
}
# What a line of each box holds, in its order, and how many of it at least.
BOXES: dict[str, tuple[tuple[str, ...], int]] = {
    "bills": (("month", "amount", "due_date"), 2),
    "payments": (("at", "amount"), 2),
    "reversals": (("at", "amount"), 1),
    "holds": (("type", "from", "to", "amount"), 2),
}


def _lines(label: Any, help_text: Any, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=5_000, widget=forms.Textarea(attrs={"rows": rows}), help_text=help_text
    )


class DunningForm(forms.Form):
    """An account and what happened to it."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind of account"), choices=list(KINDS.items()))
    grade = forms.ChoiceField(label=gettext_lazy("Credit grade"), choices=[(one, one) for one in "ABCDE"], initial="C")
    tier = forms.ChoiceField(label=gettext_lazy("Tier"), choices=list(TIERS.items()))
    now = forms.CharField(label=gettext_lazy("Seen from"), max_length=40)
    bills = _lines(
        gettext_lazy("Bills, one a line"), gettext_lazy("Month, amount, due date: 2025-12 100 2026-01-31."), 3
    )
    payments = _lines(gettext_lazy("Payments, one a line"), gettext_lazy("Moment and amount: 2026-02-10T10:00 60."), 3)
    reversals = _lines(gettext_lazy("Payments taken back, one a line"), gettext_lazy("Moment and amount."), 2)
    holds = _lines(
        gettext_lazy("Holds, one a line"),
        gettext_lazy(
            "DISPUTE, PROMISE, HARDSHIP, DISASTER, PROTECTIVE or DECEASED, first and last day, amount: "
            "DISPUTE 2026-02-10 2026-03-19 40; a dash for no last day."
        ),
        2,
    )

    def case(self) -> dict[str, Any]:
        """The case as `manage dunning_try` takes it. Raises BadCase for a line that does not read."""
        asked = self.cleaned_data
        case: dict[str, Any] = {name: asked[name] for name in ("kind", "grade", "tier")}
        for name, (parts, least) in BOXES.items():
            if rows := [_read(line, parts, least) for line in asked[name].splitlines() if line.strip()]:
                case[name] = rows
        return {**case, "now": asked["now"].strip().replace(" ", "T")}


def _read(line: str, parts: tuple[str, ...], least: int) -> dict[str, Any]:
    words = line.split()
    if not least <= len(words) <= len(parts):
        raise BadCase(_("“%(line)s” does not read.") % {"line": line.strip()[:80]})
    return {part: word for part, word in zip(parts, words, strict=False) if word != "-"}


@require_http_methods(["GET", "POST"])
@requires("policies.view")
def dunning_try(request: StaffRequest) -> HttpResponse:
    """The form and, once sent, the answer."""
    form = DunningForm(request.POST if request.method == "POST" else None, initial={"now": clock.today().isoformat()})
    answer: dict[str, Any] | None = None
    line = ""
    if request.method == "POST" and form.is_valid():
        try:
            case = form.case()
            answer, line = try_dunning(case), json.dumps(case, ensure_ascii=False)
        except (RuleBroken, BadCase) as no:
            form.add_error(None, str(no))
    context = {"form": form, "answer": answer, "line": line, **(_shown(answer) if answer else {})}
    return render(request, "workspace/dunning_try.html", context, status=422 if form.errors else 200)


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "state": STATES[answer["state"]],
        "tone": TONES.get(State(answer["state"]), ""),
        "steps": [
            {
                "name": STEPS[one["step"]],
                "at": one["at"][:16].replace("T", " "),
                "why": one["why"],
                "taken": n < len(answer["taken"]),
                "needs": NEEDS[one["needs"]] if one.get("needs") else "",
            }
            for n, one in enumerate([*answer["taken"], *answer["ahead"]])
        ],
        "why": [step["words"] for step in answer["why"]],
        "change": answer["change"],
    }
