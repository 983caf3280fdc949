"""What the bell says about rights requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.ui.wording import say_moment
from interactions.rights.lifecycle import RightsKind
from outreach.bellkinds import BellKind, register_bell_kind
from outreach.models import Notification


def _received() -> str:
    return _("Request about own data: %(kind)s, due %(due)s")


def _due() -> str:
    return _("Answer soon: %(kind)s, due %(due)s")


def _overdue() -> str:
    return _("Not answered in time: %(kind)s, due %(due)s")


def _untold() -> str:
    return _("Tell the customer yourself, no way to write is on file: %(kind)s, due %(due)s")


def _title(words: Callable[[], str]) -> Callable[[Notification], str]:
    def say(notice: Notification) -> str:
        kind, due = notice.params.get("kind", ""), notice.params.get("due_at")
        said = str(RightsKind(kind).label) if kind in RightsKind.values else kind
        return words() % {"kind": said, "due": say_moment(datetime.fromisoformat(due)) if due else ""}

    return say


def _url(notice: Notification) -> str:
    return reverse("interactions:rights-detail", args=[notice.subject_id])


def register() -> None:
    """Make the kinds known."""
    for kind, icon, tone, words in (
        ("rights.received", "scale", "info", _received),
        ("rights.due", "alarm-clock", "warn", _due),
        ("rights.overdue", "circle-alert", "danger", _overdue),
        ("rights.untold", "phone", "warn", _untold),
    ):
        register_bell_kind(BellKind(kind, icon, tone, _title(words), _url))
