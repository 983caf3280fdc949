"""What billing puts on the customer's page: credit in short (LIF-11, CLS-01)."""

from __future__ import annotations

from django.template.loader import render_to_string

from billing.credit.showing import TONES
from billing.glance import VIEW, glance
from customers.models import Customer
from customers.panels import Panel, register_panel
from staff.models import User


def credit(customer: Customer, user: User) -> str | None:
    """Grade, limit and days of grace; nothing before the first judgement."""
    found = glance(customer, user).credit
    if found is None:
        return None
    context = {"customer": customer, "credit": found, "tone": TONES.get(found.grade, "")}
    return render_to_string("billing/_credit_card.html", context)


def register() -> None:
    """Make them known."""
    register_panel(Panel("credit", "right", 25, VIEW, render=credit, max_queries=1))
