"""What the bell says about first-ask matters and suggestions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.ui.wording import say_moment
from outreach.bellkinds import BellKind, register_bell_kind
from outreach.models import Notification

_MATTER: tuple[tuple[str, str, str, Any], ...] = (
    ("offered", "route", "info", _("Offered to you: %(number)s, answer the offer by %(until)s")),
    ("given", "inbox", "info", _("You answer for %(number)s, due %(due)s")),
    ("to_handle", "inbox", "info", _("Given to you to work on: %(number)s, due %(due)s")),
    ("accepted", "circle-check", "", _("%(number)s was accepted: a colleague answers for it now")),
    ("refused", "circle-x", "warn", _("%(number)s was refused: you still answer for it")),
    ("lapsed", "alarm-clock", "warn", _("Nobody answered the offer of %(number)s")),
    ("taken_over", "user-round-check", "", _("%(number)s was given to a colleague by order")),
    ("kept", "moon", "info", _("A shift ended: you answer for %(count)s matters until it begins again")),
    ("returned", "sun", "info", _("Your shift began: %(count)s matters are yours again")),
    ("due", "alarm-clock", "warn", _("The customer waits for an answer: %(number)s, due %(due)s")),
    ("overdue", "circle-alert", "danger", _("Customer not answered: %(number)s, due %(due)s")),
    ("answered", "message-square-text", "info", _("%(number)s is answered: tell the customer")),
    ("told", "circle-check", "", _("%(number)s: the customer has the answer")),
    ("security", "shield-alert", "danger", _("Threat or crime reported: %(number)s, act by %(due)s")),
)
_SUGGESTION: tuple[tuple[str, str, str, Any], ...] = (
    ("due", "alarm-clock", "warn", _("The author of %(number)s waits for an answer, due %(due)s")),
    ("overdue", "circle-alert", "danger", _("Suggestion not answered: %(number)s, due %(due)s")),
    ("decided", "lightbulb", "info", _("%(number)s is decided: answer the author")),
    ("tell_author", "lightbulb", "info", _("%(number)s is in effect: tell the author")),
)


def _said(words: Any) -> Callable[[Notification], str]:
    def title(notice: Notification) -> str:
        moments = {
            name: say_moment(datetime.fromisoformat(notice.params[key])) if notice.params.get(key) else ""
            for name, key in (("due", "due_at"), ("until", "until_at"))
        }
        return str(words) % {
            "number": notice.params.get("number", ""),
            "count": notice.params.get("count", 1),
            **moments,
        }

    return title


def _leads_to(name: str) -> Callable[[Notification], str]:
    return lambda notice: reverse(name, args=[notice.subject_id])


def register() -> None:
    """Make the kinds known."""
    for kind, icon, tone, words in _MATTER:
        several = kind in ("kept", "returned")
        url = (
            (lambda _notice: reverse("interactions:matter-list"))
            if several
            else _leads_to("interactions:matter-detail")
        )
        register_bell_kind(BellKind(f"matter.{kind}", icon, tone, _said(words), url))
    for kind, icon, tone, words in _SUGGESTION:
        url = _leads_to("interactions:suggestion-detail")
        register_bell_kind(BellKind(f"suggestion.{kind}", icon, tone, _said(words), url))
