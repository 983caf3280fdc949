"""The command palette: customers, what can be done on this page, places. It shows nothing the menus would not."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from customers.finding.search import search
from customers.models import Customer, SearchLink
from customers.panels import actions_for
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.navigation import nav_items
from staff.models import User
from staff.requests import StaffRequest
from workspace.found_cases import found_case
from workspace.search import found_customers

LONGEST = 100
SHORTEST_SEARCH = 2
CUSTOMERS_SHOWN = 6


@dataclass(frozen=True)
class Item:
    """One line of the palette: where it leads, what it says, a small hint at the end."""

    label: Any
    url: str
    icon: str
    hint: Any = ""


@dataclass(frozen=True)
class Group:
    label: str
    entries: list[Item]


@dataclass(frozen=True)
class Command:
    """Something to begin from anywhere; shown to those with `right`."""

    label: Any
    icon: str
    url_name: str
    right: str


COMMANDS = (
    Command(gettext_lazy("New customer"), "user-round-plus", "customers:customer-new", "customers.create"),
    Command(gettext_lazy("New follow-up"), "plus", "outreach:followup-new", "outreach.work"),
    Command(gettext_lazy("New import"), "file-up", "imports:import-new", "imports.run"),
    Command(gettext_lazy("My profile and settings"), "user-round-cog", "staff:me", ""),
)


@require_POST
@requires("workspace.home")
def palette(request: StaffRequest) -> HttpResponse:
    """What fits the words typed; without words, what can be done here and where to go."""
    text = request.POST.get("q", "").strip()[:LONGEST]
    groups = [
        Group(_("Cases"), _cases(request.user, text)),
        Group(_("Customers"), _customers(request.user, text)),
        Group(_("On this page"), _fitting(actions_here(request), text)),
        Group(_("Begin"), _fitting(_commands(request.user), text)),
        Group(_("Go to"), _fitting(_places(request.user), text)),
    ]
    response = render(request, "ui/palette_results.html", {"groups": [group for group in groups if group.entries]})
    response.headers["Cache-Control"] = "no-store"
    return response


def _customers(user: User, text: str) -> list[Item]:
    """The first customers the search box would find, masked. Somebody else's is found by a full identifier only and
    leads to the page of results, where a contact is started (D§3.1)."""
    if len(text) < SHORTEST_SEARCH or not user.has_perm("customers.find"):
        return []
    try:
        hits = search(user, text, limit=CUSTOMERS_SHOWN)
    except RuleBroken:  # too short or too long a text finds nobody
        return []
    items = []
    for found in found_customers(user, hits):
        if found.outside:
            items.append(Item(found.name, _results_url(user, text), "building-2", _("Looked after by another unit")))
        else:
            url = reverse("customers:customer-detail", args=[found.customer.pk])
            items.append(Item(found.name, url, "user-round", found.customer.number))
    return items


def _cases(user: User, text: str) -> list[Item]:
    """The case of a full number: its page for who may see it, for others the page of results with one masked line."""
    found = found_case(user, text)
    if found is None:
        return []
    label = f"{found.number} · {found.subject}" if found.url else found.number
    hint = found.state if found.url else _("Looked after by another unit")
    return [Item(label, found.url or _results_url(user, text), "inbox", hint)]


def _results_url(user: User, text: str) -> str:
    link = SearchLink.objects.create(token=secrets.token_urlsafe(24), user_id=user.pk, query=text)
    return reverse("workspace:search-results", args=[link.token])


def _fitting(items: Iterable[Item], text: str) -> list[Item]:
    words = text.casefold().split()
    return [item for item in items if all(word in str(item.label).casefold() for word in words)]


def actions_here(request: StaffRequest) -> list[Item]:
    """The actions of the customer whose page is open, when the user sees that customer."""
    customer = _customer_of_page(request)
    if customer is None:
        return []
    return [
        Item(action.label, action.url(customer), action.icon, action.shortcut.upper())
        for action in actions_for(request.user)
    ]


def _customer_of_page(request: StaffRequest) -> Customer | None:
    try:
        match = resolve(urlsplit(request.headers.get("HX-Current-URL", "")).path)
    except (Resolver404, ValueError):
        return None
    if match.view_name != "customers:customer-detail":
        return None
    return Customer.objects.visible_to(request.user).filter(pk=match.kwargs["pk"]).first()


def _commands(user: User) -> list[Item]:
    return _reachable(user, ((c.label, c.url_name, c.icon, c.right, "") for c in COMMANDS))


def _places(user: User) -> list[Item]:
    hints = (
        (n.label, n.url_name, n.icon, n.right, f"G {n.key_hint.upper()}" if n.key_hint else "") for n in nav_items()
    )
    return _reachable(user, hints)


def _reachable(user: User, offered: Iterable[tuple[Any, str, str, str, str]]) -> list[Item]:
    found = []
    for label, url_name, icon, right, hint in offered:
        if right and not user.has_perm(right):
            continue
        try:
            found.append(Item(label, reverse(url_name), icon, hint))
        except NoReverseMatch:  # an app without this page is not installed
            continue
    return found
