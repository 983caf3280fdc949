"""The context processor behind `templates/ui/shell.html`: everything is computed on first use only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.ui.addresses import place
from foundation.ui.navigation import NavItem, nav_items, slot

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
    count: int | str | None
    current: bool


@dataclass(frozen=True)
class ShownSlot:
    """A slot as this user sees it: its address, its first content and what triggers the request."""

    href: str
    content: str
    trigger: str


class Shell:
    """What the frame of a page needs to know about the request.

    Menu links cost one query per counted item. A control whose URL name does not exist is not shown.
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

    @property
    def here(self) -> str:
        """The address of this page, to come back to after a switch."""
        return self._request.get_full_path() if self._request.method == "GET" else self._request.path

    @cached_property
    def links(self) -> list[NavLink]:
        if not self.signed_in:
            return []
        allowed = [
            (item, href)
            for item in nav_items()
            if (not item.right or self.user.has_perm(item.right)) and (href := place(item.url_name))
        ]
        current = self._current([item for item, _ in allowed])
        return [
            NavLink(item, href, item.count(self.user) if item.count else None, item.key == current)
            for item, href in allowed
        ]

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
        if found is None or not self.signed_in or (found.right and not self.user.has_perm(found.right)):
            return None
        href = place(found.url_name)
        if not href:
            return None
        content = mark_safe(found.render(self._request)) if found.render else ""  # noqa: S308  rendered by a template
        trigger = "live:tick from:body" if found.render else "load, live:tick from:body"
        return ShownSlot(href, content, trigger)

    @cached_property
    def call_chip(self) -> ShownSlot | None:
        return self._slot("call-chip")

    @cached_property
    def bell(self) -> ShownSlot | None:
        return self._slot("bell")


def shell(request: HttpRequest) -> dict[str, Shell]:
    """Context processor: `shell` for the frame of the page."""
    return {"shell": Shell(request)}
