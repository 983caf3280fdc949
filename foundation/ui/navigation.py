"""What the shell offers: places in the side menu and live slots in the top bar, registered by the apps.

Each app registers in its `AppConfig.ready()`. An item whose URL name does not exist or whose right the
user lacks is not shown. Cost: one query for a full page (none for a fragment), however many items and slots ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Tone = Literal["", "danger", "warn", "info"]
SlotKey = Literal["call-chip", "bell"]
SLOTS: tuple[SlotKey, ...] = ("call-chip", "bell")


@dataclass(frozen=True)
class FrameQuery:
    """A value the frame asks the database for; the frame sends all of them as one statement.

    `sql`: a SELECT of one row with one column, `%s` for parameters, bounded by an index. `params(user)`: their values.
    `shown(value)`: what the frame shows of it, for a menu item a number, a text such as "99+" or None for no badge,
    for a slot its inner HTML.
    """

    sql: str
    params: Callable[[Any], Sequence[Any]]
    shown: Callable[[Any], Any]


@dataclass(frozen=True)
class NavItem:
    """One place in the menu.

    `label`: lazy translation. `icon`: lucide name. `right`: permission string, "" for everybody signed in.
    `order`: ascending inside `section`; the first four of "work" are the phone's tab bar.
    `count`: the badge; `tone`: its colour.
    `match`: prefixes of view names that make the item current besides `url_name` itself.
    `key_hint`: the letter of the `g` sequence that leads here.
    """

    key: str
    label: Any
    icon: str
    url_name: str
    right: str = ""
    order: int = 100
    count: FrameQuery | None = None
    section: Literal["work", "manage"] = "work"
    tone: Tone = ""
    match: tuple[str, ...] = ()
    key_hint: str = ""


@dataclass(frozen=True)
class Slot:
    """A live part of the top bar: `call-chip` or `bell`.

    The element polls `url_name` on `live:tick`; the view answers the inner HTML or 204. Hidden inputs inside the
    content are sent along, so a view can compare the version that is shown. `first` gives the first content on the
    server; without it the element asks once after loading.
    """

    key: SlotKey
    url_name: str
    right: str = ""
    first: FrameQuery | None = None


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
