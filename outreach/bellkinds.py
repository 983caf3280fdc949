"""What a bell says: kinds registered by the apps, words made when it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from foundation.common import ids
from foundation.ui.wording import say_moment
from outreach.models import Notification
from outreach.services.bell import notify
from staff.exports.models import Export
from staff.exports.telling import News, register_teller
from staff.models import User


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


def _filled(words: Any, notice: Notification) -> str:
    due = notice.params.get("due_at")
    return str(words) % {
        "number": notice.params.get("number", ids.to_text(notice.subject_id)),
        "due": say_moment(datetime.fromisoformat(due)) if due else "",
    }


def _many_given(notice: Notification) -> str:
    number = int(notice.params.get("count", 0))
    words = ngettext("%(number)s follow-up was given to you", "%(number)s follow-ups were given to you", number)
    return words % {"number": number}


def _export_url(notice: Notification) -> str:
    return reverse("exports:export-detail", args=[notice.subject_id])


def ring_about_export(person: User, export: Export, news: News) -> None:
    """Tell a person what happened with an export."""
    params = {"number": export.number}
    notify(person, f"export.{news}", subject_ref=export, params=params, dedupe_key=f"export-{news}-{export.pk}")


def _register_exports() -> None:
    for news, icon, tone, words in (
        (News.ASKED, "file-check", "info", gettext_lazy("An export waits for your decision: %(number)s")),
        (News.GRANTED, "circle-check", "", gettext_lazy("Your export was approved: %(number)s")),
        (News.REFUSED, "ban", "warn", gettext_lazy("Your export was refused: %(number)s")),
        (News.EXPIRED, "clock", "warn", gettext_lazy("Nobody decided about your export in time: %(number)s")),
        (News.READY, "file-down", "info", gettext_lazy("Your file is ready: %(number)s")),
    ):
        title = partial(_filled, words)
        register_bell_kind(BellKind(f"export.{news}", icon, tone, title, _export_url))
    register_teller(ring_about_export)


def _register_transfers() -> None:
    for news, icon, tone, words in (
        ("offered", "arrow-right-left", "info", gettext_lazy("A customer is offered to you")),
        ("claimed", "arrow-right-left", "warn", gettext_lazy("A manager claims a customer: you decide")),
        ("accepted", "circle-check", "", gettext_lazy("A customer was handed over")),
        ("refused", "ban", "warn", gettext_lazy("The transfer of a customer was refused")),
        ("superseded", "ban", "", gettext_lazy("Another manager has the customer you asked for")),
    ):
        register_bell_kind(BellKind(f"transfer.{news}", icon, tone, partial(_filled, words), _transfer_url))


def _transfer_url(_notice: Notification) -> str:
    return reverse("outreach:transfer-list")


def register() -> None:
    """The kinds outreach itself rings, and those about exports."""
    _register_transfers()
    _register_exports()
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
