"""What interactions puts on the customer's page and into the shell."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from customers.panels import CustomerAction, Panel, register_action, register_panel
from customers.visibility import register_opener
from foundation.common import clock
from foundation.ui.navigation import NavItem, Slot, register_nav, register_slot
from interactions.customer_page import shown_of
from interactions.matter_queries import CUSTOMERS_WAITING, MY_MATTERS
from interactions.queries import CUSTOMERS_OPEN
from interactions.rights.queries import CUSTOMERS_ASKING, OPEN_COUNT, open_requests_of
from interactions.views.calls import CALL_CHIP
from staff.models import User

TAKE = "interactions.take"
RAISE = "rights.raise"


def open_contact(customer: Customer, user: User) -> str | None:
    """The strip that says a contact goes on, and whether the caller is verified; nothing without one."""
    contact = shown_of(customer, user).contact
    if contact is None:
        return None
    context = {"contact": contact, "verified": contact.is_verified(clock.now())}
    return render_to_string("interactions/_open_contact.html", context)


def complaint_archive(customer: Customer, user: User) -> str | None:
    """The customer's complaints by topic; nothing for one who never complained."""
    archive = shown_of(customer, user).archive
    if not archive.topics:
        return None
    return render_to_string("interactions/_complaint_card.html", {"archive": archive, "customer": customer})


def _start_url(customer: Customer) -> str:
    return f"{reverse('interactions:contact-start')}?customer={customer.ref}"


def open_rights(customer: Customer, user: User) -> str | None:
    """The strip that says what the customer asked of their data and until when; nothing without an open request."""
    found = open_requests_of(customer.pk)
    if not found:
        return None
    context = {"requests": found, "may_view": user.has_perm("rights.view"), "now": clock.now()}
    return render_to_string("interactions/_open_rights.html", context)


def _rights_url(customer: Customer) -> str:
    return f"{reverse('interactions:rights-new')}?customer={customer.ref}"


def register() -> None:
    """Make them known."""
    register_opener(CUSTOMERS_OPEN)
    register_opener(CUSTOMERS_ASKING)
    register_opener(CUSTOMERS_WAITING)
    register_panel(Panel("open-rights", "top", 15, RAISE, render=open_rights, max_queries=1))
    register_action(CustomerAction("rights-new", _("Request about own data"), "scale", _rights_url, RAISE, 90))
    register_nav(
        NavItem(
            "rights",
            _("Rights requests"),
            "scale",
            "interactions:rights-list",
            right="rights.view",
            order=45,
            count=OPEN_COUNT,
            match=("interactions:rights-",),
        )
    )
    register_panel(Panel("open-contact", "top", 10, TAKE, render=open_contact, max_queries=1))
    register_panel(Panel("contact-note", "main", 20, TAKE, template="interactions/_note_panel.html", max_queries=0))
    register_panel(Panel("complaints", "right", 30, "interactions.view", render=complaint_archive, max_queries=1))
    register_action(CustomerAction("contact-start", _("Start contact"), "phone", _start_url, TAKE, 10))
    register_action(
        CustomerAction(
            "contact-log",
            _("Log contact"),
            "pencil",
            lambda customer: reverse("interactions:contact-quick-log", args=[customer.pk]),
            TAKE,
            30,
            "n",
        )
    )
    register_nav(
        NavItem(
            "contacts",
            _("Contacts"),
            "phone",
            "interactions:contact-list",
            right="interactions.view",
            order=40,
            match=("interactions:contact-", "interactions:call-", "interactions:customer-complaints"),
        )
    )
    register_nav(
        NavItem(
            "matters",
            _("First-ask"),
            "route",
            "interactions:matter-list",
            right="interactions.handle",
            order=42,
            count=MY_MATTERS,
            match=("interactions:matter-",),
        )
    )
    register_nav(
        NavItem(
            "suggestions",
            _("Suggestions"),
            "lightbulb",
            "interactions:suggestion-list",
            right="interactions.view",
            order=44,
            match=("interactions:suggestion-",),
        )
    )
    register_nav(
        NavItem(
            "contact-figures",
            _("Solved at once"),
            "target",
            "interactions:figure-list",
            right="interactions.figures",
            order=52,
            match=("interactions:figure-",),
        )
    )
    register_nav(
        NavItem(
            "contact-places",
            _("Contact places"),
            "store",
            "interactions:place-list",
            right="places.change",
            order=86,
            section="manage",
            match=("interactions:place-",),
        )
    )
    register_slot(Slot("call-chip", "interactions:call-chip", right=TAKE, first=CALL_CHIP))
