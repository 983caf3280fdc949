"""What the shell offers: places in the side menu and live slots in the top bar, registered by the apps.

Each app registers in its `AppConfig.ready()`. An item whose URL name does not exist or whose right the
user lacks is not shown. Cost: `count` is called once per full page and item (never for a fragment) and
may spend one query, bounded by a partial index or a capped count; a page with n counted items spends n.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import HttpRequest

Tone = Literal["", "danger", "warn", "info"]


@dataclass(frozen=True)
class NavItem:
    """One place in the menu.

    `label`: lazy translation. `icon`: lucide name. `right`: permission string, "" for everybody signed in.
    `order`: ascending inside `section`; the first four of "work" are the phone's tab bar.
    `count(user)`: a number, a text such as "500+", or None for no badge. `tone`: of that badge.
    `match`: prefixes of view names that make the item current besides `url_name` itself.
    `key_hint`: the letter of the `g` sequence that leads here.
    """

    key: str
    label: Any
    icon: str
    url_name: str
    right: str = ""
    order: int = 100
    count: Callable[[Any], int | str | None] | None = None
    section: Literal["work", "manage"] = "work"
    tone: Tone = ""
    match: tuple[str, ...] = ()
    key_hint: str = ""


@dataclass(frozen=True)
class Slot:
    """A live part of the top bar: `call-chip` or `bell`.

    The element polls `url_name` on `live:tick`; the view answers the inner HTML or 204. Hidden inputs inside the
    content are sent along, so a view can compare the version that is shown. `render(request)` gives the first
    content on the server; without it the element asks once after loading.
    """

    key: Literal["call-chip", "bell"]
    url_name: str
    right: str = ""
    render: Callable[[HttpRequest], str] | None = None


_items: dict[str, NavItem] = {}
_slots: dict[str, Slot] = {}


def register_nav(item: NavItem) -> None:
    """Add a place to the menu. Raises ValueError when another item has the key."""
    if _items.setdefault(item.key, item) != item:
        raise ValueError(f"two menu items are called {item.key!r}")


def register_slot(slot: Slot) -> None:
    """Fill a slot of the top bar. Raises ValueError when it is taken."""
    if _slots.setdefault(slot.key, slot) != slot:
        raise ValueError(f"two apps fill the slot {slot.key!r}")


def nav_items() -> list[NavItem]:
    """All registered items, in the order of the menu."""
    return sorted(_items.values(), key=lambda item: (item.section != "work", item.order, item.key))


def slot(key: str) -> Slot | None:
    """The registered slot, if any."""
    return _slots.get(key)
