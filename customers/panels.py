"""What other apps put on the customer's page: panels and actions, registered in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import HttpRequest
from django.template.loader import render_to_string

from customers.models import Customer
from staff.models import User

Place = Literal["top", "left", "main", "right"]


@dataclass(frozen=True)
class Panel:
    """A part of the page. Shown to users with `right` ("" for all), `order` ascending within its `place`.

    `render(customer, user)` gives safe HTML, or None to show nothing; or a `template`, rendered with `customer` and
    `user`. `max_queries` is its budget, held by a test. "main" panels stand above the timeline, "top" ones are
    warnings below the header.
    """

    key: str
    place: Place
    order: int
    right: str
    render: Callable[[Customer, User], str | None] | None = None
    template: str = ""
    max_queries: int = 2


@dataclass(frozen=True)
class CustomerAction:
    """A button in the header; the first by `order` is the primary one, those after the third stand in the menu beside
    them. `shortcut`: a single key, or ""; it works from the menu too."""

    key: str
    label: Any
    icon: str
    url: Callable[[Customer], str]
    right: str
    order: int
    shortcut: str = ""


_panels: dict[str, Panel] = {}
_actions: dict[str, CustomerAction] = {}


def register_panel(panel: Panel) -> None:
    """Add a panel. Raises ValueError when another has its key, or when it says neither or both ways to render."""
    if (panel.render is None) == (not panel.template):
        raise ValueError(f"panel {panel.key!r} needs either `render` or `template`")
    if _panels.setdefault(panel.key, panel) != panel:
        raise ValueError(f"two panels are called {panel.key!r}")


def register_action(action: CustomerAction) -> None:
    """Add an action. Raises ValueError when another has its key or its shortcut."""
    taken = any(a.shortcut == action.shortcut for a in _actions.values() if a.key != action.key and a.shortcut)
    if taken or _actions.setdefault(action.key, action) != action:
        raise ValueError(f"the action {action.key!r} or its shortcut is taken")


def panels() -> list[Panel]:
    """All panels, in order."""
    return sorted(_panels.values(), key=lambda panel: (panel.order, panel.key))


def rendered_panels(customer: Customer, user: User, request: HttpRequest | None = None) -> dict[str, list[str]]:
    """HTML of the panels the user may see, by place. `request` reaches template panels: their forms need its token."""
    found: dict[str, list[str]] = {"top": [], "left": [], "main": [], "right": []}
    for panel in panels():
        if panel.right and not user.has_perm(panel.right):
            continue
        html = render_panel(panel, customer, user, request)
        if html:
            found[panel.place].append(html)
    return found


def render_panel(panel: Panel, customer: Customer, user: User, request: HttpRequest | None = None) -> str | None:
    """One panel, whoever asks."""
    if panel.render is not None:
        return panel.render(customer, user)
    return render_to_string(panel.template, {"customer": customer, "user": user}, request=request)


def actions_for(user: User) -> list[CustomerAction]:
    """The actions the user may take, in order."""
    allowed = [action for action in _actions.values() if not action.right or user.has_perm(action.right)]
    return sorted(allowed, key=lambda action: (action.order, action.key))
