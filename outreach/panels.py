"""What outreach puts on the customer's page: the next actions, and the key to promise another."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.book import MANAGE_RIGHT
from customers.models import Customer
from customers.panels import CustomerAction, Panel, register_action, register_panel
from customers.visibility import register_opener
from foundation.common import clock
from outreach.queries import CUSTOMERS_OWED, open_for_customer
from staff.models import User

SHOWN = 5


def next_actions(customer: Customer, user: User) -> str:
    """The open duties towards the customer, by due."""
    rows = open_for_customer(customer.pk, most=SHOWN + 1)
    context = {
        "customer": customer,
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "now": clock.now(),
        "user": user,
        "may_add": user.has_perm("outreach.work"),
    }
    return render_to_string("outreach/_next_actions.html", context)


def _new_url(customer: Customer) -> str:
    return f"{reverse('outreach:followup-new')}?customer={customer.ref}"


def _transfer_url(customer: Customer) -> str:
    return f"{reverse('outreach:transfer-new')}?customer={customer.ref}"


def register() -> None:
    """Make them known."""
    register_opener(CUSTOMERS_OWED)
    register_panel(Panel("next-actions", "main", 10, "outreach.view", render=next_actions, max_queries=1))
    register_action(CustomerAction("transfer", _("Hand over"), "arrow-right-left", _transfer_url, MANAGE_RIGHT, 90))
    register_action(CustomerAction("followup", _("Follow-up"), "calendar-clock", _new_url, "outreach.work", 20, "f"))
