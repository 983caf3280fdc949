"""What the bell says about complaints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.ui.wording import say_moment
from outreach.bellkinds import BellKind, register_bell_kind
from outreach.models import Notification

_KINDS: tuple[tuple[str, str, str, Any], ...] = (
    ("given", "inbox", "info", _("Given to you to work on: %(number)s, accept by %(until)s")),
    ("pooled", "inbox", "info", _("A complaint waits for your unit: %(number)s, accept by %(until)s")),
    ("accepted", "circle-check", "", _("A colleague works on %(number)s")),
    ("taken_away", "user-round-check", "", _("%(number)s was given to a colleague by order")),
    ("major", "shield-alert", "danger", _("Grave complaint: %(number)s, answer by %(due)s")),
    ("graded", "arrow-up", "warn", _("The grade of %(number)s was raised, answer by %(due)s")),
    ("approval", "file-check", "info", _("A solution waits for your approval: %(number)s")),
    ("approved", "circle-check", "", _("The solution of %(number)s is approved")),
    ("denied", "ban", "warn", _("The solution of %(number)s is not approved")),
    ("measure", "clipboard-list", "info", _("You owe a measure in %(number)s, due %(until)s")),
    ("answered", "message-square-text", "", _("The customer has the answer: %(number)s")),
    (
        "disputed",
        "message-square-warning",
        "warn",
        _("The customer disputes the answer: %(number)s, contact by %(until)s"),
    ),
    ("not_solved", "undo-2", "warn", _("The callback says not solved: %(number)s is back in work")),
    ("callback", "phone-outgoing", "info", _("Call back by %(until)s: %(number)s")),
    ("resumed", "play", "info", _("The pause of %(number)s is over, answer by %(due)s")),
    ("wrote_otherwise", "mail", "info", _("Somebody wrote about %(number)s from an address not on file: see the note")),
    ("heard", "message-square", "info", _("The customer wrote: %(number)s")),
    ("urged", "megaphone", "warn", _("The customer urges, %(count)s times by now: %(number)s")),
    ("reopened", "rotate-ccw", "warn", _("%(number)s is reopened: give it to somebody")),
    ("closed", "circle-check", "", _("%(number)s is closed")),
    ("rejected", "circle-x", "info", _("%(number)s was declared not ours, with your approval")),
    ("withdrawn", "circle-x", "", _("The customer withdrew %(number)s")),
)


def _said(words: Any) -> Callable[[Notification], str]:
    def title(notice: Notification) -> str:
        moments = {
            name: say_moment(datetime.fromisoformat(notice.params[key])) if notice.params.get(key) else ""
            for name, key in (("due", "due_at"), ("until", "until_at"))
        }
        return str(words) % {**notice.params, "number": notice.params.get("number", ""), **moments}

    return title


def _case(notice: Notification) -> str:
    return reverse("complaints:case", args=[notice.subject_id])


def register() -> None:
    """Make the kinds known."""
    for kind, icon, tone, words in _KINDS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _case))
