"""How codes of a case look: tones and icons of grades, states and channels, the same on every page."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from complaints.lifecycle import ENDED, Grade, PauseReason, State
from foundation.ui.parts.marks import icon, sla, tag
from foundation.ui.wording import say_choice
from interactions.lifecycle import Channel

GRADE_TONES = {
    Grade.ORDINARY: "info",
    Grade.UPGRADED: "warn",
    Grade.MAJOR: "danger",
    Grade.SKIP_LEVEL: "danger",
    Grade.GROUP: "violet",
}
STATE_TONES = {
    State.PAUSED: "mute",
    State.SOLUTION_PROPOSED: "info",
    State.DECIDED: "ok",
    State.ACCEPTED: "ok",
    State.DISPUTED: "danger",
    State.REOPENED: "warn",
    State.CLOSED: "ok",
}
CHANNEL_ICONS = {
    Channel.HOTLINE: "phone",
    Channel.HALL_OWN: "store",
    Channel.HALL_PARTNER: "store",
    Channel.AGENT_SHOP: "store",
    Channel.WEB: "globe",
    Channel.APP: "smartphone",
    Channel.SMS: "message-square",
    Channel.EMAIL: "mail",
    Channel.LETTER: "mailbox",
    Channel.SOCIAL: "share-2",
    Channel.IM: "message-square",
    Channel.VISIT: "map-pin",
    Channel.PARTNER: "handshake",
}


def grade_tag(grade: str) -> SafeString:
    """The grade as a tag."""
    return _grade(get_language(), grade)


@lru_cache(maxsize=64)
def _grade(_language: str | None, grade: str) -> SafeString:
    return tag(say_choice(Grade, grade), GRADE_TONES.get(Grade(grade), ""))


def state_tag(state: str) -> SafeString:
    """The state as a tag."""
    return tag(say_choice(State, state), STATE_TONES.get(State(state), "mute" if state in ENDED else "info"))


def channel_line(channel: str) -> SafeString:
    """Icon and name of a channel."""
    return _channel(get_language(), channel)


@lru_cache(maxsize=64)
def _channel(_language: str | None, channel: str) -> SafeString:
    drawn = icon(CHANNEL_ICONS.get(Channel(channel), "message-square"), "s")
    return SafeString(f'<span class="with-i">{drawn}<span>{say_choice(Channel, channel)}</span></span>')


def case_clock(row: Any, due: datetime | None, label: str = "") -> SafeString:
    """The badge of a case's deadline; grey while its clock stands still, done when it is ended."""
    if row.closed_at is not None:
        return sla(row.closed_at, state="done", label=label)
    if row.state == State.PAUSED and row.pause_reason:
        reason = say_choice(PauseReason, row.pause_reason)
        return sla(due or row.received_at, state="paused", reason=reason, label=label)
    if due is None:
        return SafeString(f'<span class="mut small">{_("no deadline")}</span>')
    return sla(due, start=row.received_at, label=label)
