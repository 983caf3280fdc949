"""What a bell says: kinds registered by the apps, words made when it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from foundation.common import ids
from foundation.ui.wording import say_moment
from outreach.models import Notification


@dataclass(frozen=True)
class BellKind:
    """One kind. `tone`: "", "info", "warn" or "danger". `title(notice)`: one line in the active language.
    `url(notice)`: where it leads."""

    kind: str
    icon: str
    tone: str
    title: Callable[[Notification], str]
    url: Callable[[Notification], str]


@dataclass(frozen=True)
class Shown:
    """A notification in words, as `templates/ui/bell.html` takes it."""

    pk: int
    ref: str
    title: str
    icon: str
    tone: str
    url: str
    at: datetime
    unread: bool


_kinds: dict[str, BellKind] = {}


def register_bell_kind(kind: BellKind) -> BellKind:
    """Make a kind known. Raises ValueError when another one has the name."""
    if _kinds.setdefault(kind.kind, kind) != kind:
        raise ValueError(f"two bell kinds are called {kind.kind!r}")
    return kind


def shown(notice: Notification) -> Shown:
    """A notification in words; one of a kind no installed app knows any more keeps a plain title."""
    kind = _kinds.get(notice.kind)
    return Shown(
        pk=notice.pk,
        ref=notice.ref,
        title=kind.title(notice) if kind else _("Notification"),
        icon=kind.icon if kind else "bell",
        tone=kind.tone if kind else "",
        url=reverse("outreach:bell-open", args=[notice.pk]),
        at=notice.at,
        unread=notice.read_at is None,
    )


def target_of(notice: Notification) -> str:
    """The address the notification is about; the bell page when nobody knows."""
    kind = _kinds.get(notice.kind)
    return kind.url(notice) if kind else reverse("outreach:bell")


def _followup_url(notice: Notification) -> str:
    return reverse("outreach:followup-detail", args=[notice.subject_id])


def _filled(words: str, notice: Notification) -> str:
    due = notice.params.get("due_at")
    return words % {
        "number": notice.params.get("number", ids.to_text(notice.subject_id)),
        "due": say_moment(datetime.fromisoformat(due)) if due else "",
    }


def _many_given(notice: Notification) -> str:
    number = int(notice.params.get("count", 0))
    words = ngettext("%(number)s follow-up was given to you", "%(number)s follow-ups were given to you", number)
    return words % {"number": number}


def register() -> None:
    """The kinds outreach itself rings."""
    register_bell_kind(
        BellKind(
            "followup.due",
            "alarm-clock",
            "warn",
            lambda notice: _filled(_("Due now: %(number)s, %(due)s"), notice),
            _followup_url,
        )
    )
    register_bell_kind(
        BellKind(
            "followup.overdue",
            "circle-alert",
            "danger",
            lambda notice: _filled(_("Nobody has finished %(number)s, due %(due)s"), notice),
            _followup_url,
        )
    )
    register_bell_kind(
        BellKind(
            "followup.given",
            "inbox",
            "info",
            lambda notice: _filled(_("Given to you: %(number)s, due %(due)s"), notice),
            _followup_url,
        )
    )
    register_bell_kind(
        BellKind("followup.many_given", "inbox", "info", _many_given, lambda _notice: reverse("outreach:followup-list"))
    )
