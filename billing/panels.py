"""What billing puts on the customer's page: what is overdue, bills and credit in short (ui-guide §12.4)."""

from __future__ import annotations

from django.template.loader import render_to_string

from billing.credit.showing import TONES
from billing.glance import VIEW, glance
from billing.saying import said_arrears
from customers.models import Customer
from customers.panels import Panel, register_panel
from foundation.ui.wording import say_money
from staff.models import User

MOST_NOTICES = 3


def arrears(customer: Customer, user: User) -> str | None:
    """The red strip: what is owed since when, what is barred, what comes next, what pays it off."""
    looked = glance(customer, user)
    owing = [said for one in looked.arrears if (said := said_arrears(one)).is_red]
    if not owing and not looked.suspended:
        return None
    context = {"customer": customer, "owing": owing[:MOST_NOTICES], "suspended": looked.suspended}
    return render_to_string("billing/_arrears_notice.html", context)


def bills(customer: Customer, user: User) -> str | None:
    """Last bill, what is open, prepaid balance, the next step of arrears; nothing for whom billing does not know."""
    looked = glance(customer, user)
    if not looked.accounts:
        return None
    change = None
    if len(looked.months) > 1:
        more = looked.months[0][1] - looked.months[1][1]
        change = ("+" if more > 0 else "") + say_money(more)
    context = {
        "customer": customer,
        "looked": looked,
        "last": next(iter(looked.months), None),
        "change": change,
        "ahead": [said_arrears(one) for one in looked.arrears[:MOST_NOTICES]],
    }
    return render_to_string("billing/_bills_card.html", context)


def credit(customer: Customer, user: User) -> str | None:
    """Grade, limit and days of grace; nothing before the first judgement."""
    found = glance(customer, user).credit
    if found is None:
        return None
    context = {"customer": customer, "credit": found, "tone": TONES.get(found.grade, "")}
    return render_to_string("billing/_credit_card.html", context)


def register() -> None:
    """Make them known. One query serves all of them on a page."""
    register_panel(Panel("arrears", "top", 5, VIEW, render=arrears, max_queries=1))
    register_panel(Panel("bills", "left", 10, VIEW, render=bills, max_queries=1))
    register_panel(Panel("credit", "right", 25, VIEW, render=credit, max_queries=1))
