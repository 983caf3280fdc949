"""The context processor behind `templates/ui/shell.html`: everything is computed on first use only.

The parts of the frame are the same for all who may see the same places. Each is rendered once per language, set of
places and looks, with holes where a request has its own value (`Mould`), and afterwards only filled.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.prepared import prepared
from foundation.ui.addresses import place
from foundation.ui.moulds import hole, pour
from foundation.ui.navigation import SLOTS, FrameQuery, NavItem, nav_items, slot
from foundation.ui.parts.marks import avatar, count
from foundation.ui.widgetry import said

TABS_ON_PHONE = 4
HTML_LANGUAGES = {"zh-hans": "zh-Hans", "en": "en"}


def html_language() -> str:
    """The value of `<html lang>` for the active language."""
    code = get_language() or settings.LANGUAGE_CODE
    return HTML_LANGUAGES.get(code, code)


@dataclass(frozen=True)
class NavLink:
    """A menu item as this user sees it on this page."""

    item: NavItem
    href: str
    badge: SafeString
    current: bool


@dataclass(frozen=True)
class ShownSlot:
    """A slot as this user sees it: its address, its first content and what triggers the request."""

    href: str
    content: str
    trigger: str


class Shell:
    """What the frame of a page needs to know about the request.

    Counts and slots together cost one query. A control whose URL name does not exist is not shown.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def user(self) -> Any:
        return getattr(self._request, "user", None)

    @property
    def signed_in(self) -> bool:
        return bool(self.user is not None and self.user.is_authenticated)

    @property
    def user_name(self) -> str:
        return self.user.get_full_name() or self.user.get_username()

    @cached_property
    def user_face(self) -> SafeString:
        """Who is signed in, as the side menu shows it."""
        if not self.signed_in:
            return SafeString("")
        name = self.user_name
        return SafeString(
            f'{avatar(name, "m")}<span class="who"><b>{said(name)}</b><span>{said(self.user_line)}</span></span>'
        )

    @property
    def user_line(self) -> str:
        """Unit and staff number, the unit only where it was loaded with the user."""
        number = getattr(self.user, "staff_no", "") or self.user.get_username()
        state = getattr(self.user, "_state", None)
        unit = state.fields_cache.get("unit") if state is not None else None
        return _("%(unit)s · No. %(number)s") % {"unit": unit, "number": number} if unit else str(number)

    @property
    def now(self) -> int:
        return int(clock.now().timestamp())

    @property
    def lang(self) -> str:
        return html_language()

    @property
    def other_language(self) -> tuple[str, str]:
        """Code and own name of the language the switch leads to."""
        active = get_language()
        return next(((code, str(name)) for code, name in settings.LANGUAGES if code != active), ("", ""))

    def _preference(self, name: str, default: str) -> str:
        return (getattr(self.user, name, "") or default) if self.signed_in else default

    @cached_property
    def theme(self) -> str:
        return self._preference("theme", "auto")

    @property
    def next_theme(self) -> str:
        return "light" if self.theme == "dark" else "dark"

    @cached_property
    def density(self) -> str:
        return self._preference("density", "normal")

    @cached_property
    def text_size(self) -> str:
        return self._preference("text_size", "normal")

    @cached_property
    def shortcuts(self) -> bool:
        return bool(getattr(self.user, "shortcuts", True)) if self.signed_in else False

    @property
    def idle_seconds(self) -> int:
        return settings.SESSION_COOKIE_AGE if self.signed_in else 0

    @cached_property
    def search_url(self) -> str:
        return place("workspace:search") if self.signed_in else ""

    @cached_property
    def palette_url(self) -> str:
        return place("workspace:palette") if self.signed_in else ""

    @cached_property
    def language_url(self) -> str:
        return place("staff:set-language")

    @cached_property
    def theme_url(self) -> str:
        return place("staff:set-theme") if self.signed_in else ""

    @cached_property
    def me_url(self) -> str:
        return place("staff:me")

    @cached_property
    def sign_out_url(self) -> str:
        return place("account_logout")

    @cached_property
    def here(self) -> str:
        """The address of this page, to come back to after a switch."""
        return self._request.get_full_path() if self._request.method == "GET" else self._request.path

    @cached_property
    def places(self) -> list[NavItem]:
        """The menu items this user may see."""
        if not self.signed_in:
            return []
        return [item for item in nav_items() if self._may(item.right) and place(item.url_name)]

    @cached_property
    def links(self) -> list[NavLink]:
        current, found = self._current(self.places), self._answers
        return [
            NavLink(item, place(item.url_name), count(found.get(item.key), item.tone), item.key == current)
            for item in self.places
        ]

    def _may(self, right: str) -> bool:
        return not right or self.user.has_perm(right)

    @cached_property
    def _answers(self) -> dict[str, Any]:
        """What the database said to the counts of the menu and the slots, by key: one query."""
        asked: dict[str, FrameQuery] = {item.key: item.count for item in self.places if item.count is not None}
        slots = (found for key in SLOTS if (found := slot(key)) is not None and self.signed_in)
        asked |= {found.key: found.first for found in slots if found.first is not None and self._may(found.right)}
        if not asked:
            return {}
        params = [value for query in asked.values() for value in query.params(self.user)]
        with connection.cursor() as cursor:
            cursor.execute(*prepared("SELECT " + ", ".join(f"({query.sql})" for query in asked.values()), params))
            values = cursor.fetchone()
        return {key: query.shown(value) for (key, query), value in zip(asked.items(), values, strict=True)}

    def _current(self, items: list[NavItem]) -> str:
        match = getattr(self._request, "resolver_match", None)
        name = match.view_name if match else ""
        exact = next((item.key for item in items if item.url_name == name), "")
        return exact or next((item.key for item in items if item.match and name.startswith(item.match)), "")

    @cached_property
    def sections(self) -> list[list[NavLink]]:
        parts = [[link for link in self.links if link.item.section == part] for part in ("work", "manage")]
        return [part for part in parts if part]

    @property
    def tabs(self) -> list[NavLink]:
        return self.links[:TABS_ON_PHONE]

    @property
    def more(self) -> list[NavLink]:
        return self.links[TABS_ON_PHONE:]

    @property
    def go_keys(self) -> list[NavLink]:
        return [link for link in self.links if link.item.key_hint]

    def _slot(self, key: str) -> ShownSlot | None:
        found = slot(key)
        if found is None or not self.signed_in or not self._may(found.right):
            return None
        href = place(found.url_name)
        if not href:
            return None
        content = mark_safe(self._answers[key]) if found.first else ""  # noqa: S308  rendered by a template
        trigger = "live:tick from:body" if found.first else "load, live:tick from:body"
        return ShownSlot(href, content, trigger)

    @cached_property
    def call_chip(self) -> ShownSlot | None:
        return self._slot("call-chip")

    @cached_property
    def bell(self) -> ShownSlot | None:
        return self._slot("bell")

    @cached_property
    def _looks(self) -> tuple[Any, ...]:
        """What decides how the frame looks, besides what fills its holes."""
        return (
            type(self),
            get_language(),
            self.signed_in,
            self.theme,
            self.shortcuts,
            self.search_url,
            self.palette_url,
            tuple((link.item.key, link.current) for link in self.links),
            self.call_chip and (self.call_chip.href, self.call_chip.trigger),
            self.bell and (self.bell.href, self.bell.trigger),
        )

    def frame(self, part: str, csrf_token: Any) -> SafeString:
        """A part of the frame, `templates/ui/_<part>.html`, in this user's language and looks."""
        holes = {
            "token": csrf_token,
            "here": self.here,
            "face": self.user_face,
            "call": self.call_chip.content if self.call_chip else "",
            "bell": self.bell.content if self.bell else "",
        }
        holes |= {f"badge-{link.item.key}": link.badge for link in self.links}
        return pour(f"ui/_{part}.html", self._looks, self._cast, holes)

    def _cast(self) -> dict[str, Any]:
        """The context a mould is made with: this shell, with holes where each request has its own value."""
        cast = copy(self)
        vars(cast).update(
            here=hole("here"),
            user_face=hole("face"),
            call_chip=self.call_chip and replace(self.call_chip, content=hole("call")),
            bell=self.bell and replace(self.bell, content=hole("bell")),
            links=[replace(link, badge=hole(f"badge-{link.item.key}")) for link in self.links],
        )
        vars(cast).pop("sections", None)
        return {"shell": cast, "csrf_token": hole("token")}


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Context processor: `shell` for the frame of the page."""
    return {"shell": Shell(request)}
