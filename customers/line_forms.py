"""The shape of what people type about a line; the rules are in the services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.labels import LABELS
from customers.models import Plan
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from foundation.ui.widgets import DayInput
from foundation.ui.wording import say_money

_NONE: list[tuple[str, Any]] = [("", "–")]


def plan_choices(plans: Iterable[Plan]) -> list[tuple[str, Any]]:
    """Plans with their fees for a select, grouped by product in the order given."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for plan in plans:
        groups.setdefault(plan.product_line, []).append((str(plan.pk), f"{plan.name} · {say_money(plan.monthly_fee)}"))
    return [(str(ProductLine(product).label), rows) for product, rows in groups.items()]


class LineTermsForm(forms.Form):
    """What a line costs and how long it is bound."""

    plan = forms.ChoiceField(label=LABELS["plan_id"], required=False)
    monthly_fee = forms.DecimalField(
        label=LABELS["monthly_fee"], required=False, help_text=_("Only when it differs from that of the plan.")
    )
    contract_end = forms.DateField(label=LABELS["contract_end"], required=False, widget=DayInput)

    def __init__(self, *args: Any, plans: Iterable[Plan], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plans = {str(plan.pk): plan for plan in plans}
        self.fields["plan"].choices = plan_choices(self.plans.values())  # type: ignore[attr-defined]

    def clean_plan(self) -> Plan | None:
        """The plan chosen, or None."""
        return self.plans.get(self.cleaned_data["plan"])


class LineNewForm(LineTermsForm):
    """A line of a customer; the guardian is asked for minors only."""

    product_line = forms.ChoiceField(label=_("Product"), choices=ProductLine.choices)
    service_no = forms.CharField(
        label=_("Number or account"), max_length=100, strip=False, widget=forms.TextInput({"autocomplete": "off"})
    )
    activated_on = forms.DateField(label=_("Active from"), widget=DayInput)
    user_name = forms.CharField(
        label=LABELS["user_name"],
        max_length=200,
        required=False,
        strip=False,
        help_text=_("Only when somebody else than the customer uses it."),
    )
    guardian = forms.CharField(
        label=LABELS["guardian"], max_length=200, strip=False, help_text=_("Name and document of the guardian.")
    )

    def __init__(self, *args: Any, minor: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["plan"].choices = [*_NONE, *self.fields["plan"].choices]  # type: ignore[attr-defined]
        self.initial.setdefault("activated_on", clock.today())
        if not minor:
            del self.fields["guardian"]


class LineChangeForm(LineTermsForm):
    """The terms of a line being changed; `version` and `copy` are of what is on the screen."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plan = self.fields["plan"]
        plan.required = bool(self.initial.get("plan"))
        if not plan.required:  # imported without one: saving another term must not choose a plan
            plan.choices = [*_NONE, *plan.choices]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """The terms under their stored names."""
        chosen = self.cleaned_data["plan"]
        terms = {name: self.cleaned_data[name] for name in ("monthly_fee", "contract_end")}
        return ({"plan_id": chosen.pk} if chosen else {}) | terms


class LineEndForm(forms.Form):
    """When and how a line ends."""

    on = forms.DateField(label=_("Last day"), widget=DayInput)
    how = forms.ChoiceField(
        label=_("How it ends"),
        choices=[("ended", _("The customer gives it up")), ("ported", _("The number goes to another operator"))],
    )
