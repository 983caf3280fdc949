"""What outreach writes on the customer's timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from customers.models import TimelineLine
from customers.timeline import LineKind, register_kind
from foundation.ui.wording import say_moment
from outreach.lifecycle import AttemptOutcome, Channel, FollowUpKind, MessageClass
from outreach.models import FollowUp, OutMessage, SmsReply
from outreach.wording import title_of


def _label(choices: Any, code: str) -> str:
    return str(choices(code).label) if code in choices.values else code


def _load_followups(ids: Iterable[int]) -> dict[int, Any]:
    return FollowUp.objects.select_related("owner", "handed_to").in_bulk(list(ids))


def _due(line: TimelineLine) -> str:
    return say_moment(datetime.fromisoformat(line.params["due_at"])) if line.params.get("due_at") else ""


def _about(line: TimelineLine, follow_up: FollowUp | None) -> dict[str, str]:
    return {
        "kind": _label(FollowUpKind, line.params.get("kind", "")),
        "number": line.params.get("number", ""),
        "due": _due(line),
        "owner": follow_up.owner.name if follow_up else "",
        "lead": follow_up.handed_to.name if follow_up and follow_up.handed_to else "",
        "outcome": _label(AttemptOutcome, line.params.get("outcome", "")),
    }


def _subject(follow_up: FollowUp | None) -> str:
    return follow_up.subject if follow_up else ""


def _owed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s promised for %(due)s") % _about(line, ref), _subject(ref)


def _attempt(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s tried: %(outcome)s") % _about(line, ref), _subject(ref)


def _rescheduled(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s moved to %(due)s") % _about(line, ref), _subject(ref)


def _reassigned(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s given to another colleague") % _about(line, ref), _subject(ref)


def _reminded(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s is due: the owner was reminded") % _about(line, ref), _subject(ref)


def _handed_over(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s overdue: brought to the lead") % _about(line, ref), _subject(ref)


def _done(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s done") % _about(line, ref), (ref.result or ref.subject) if ref else ""


def _cancelled(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("%(kind)s cancelled") % _about(line, ref), (ref.result or ref.subject) if ref else ""


def _message(words: str, line: TimelineLine) -> str:
    return words % {
        "class": _label(MessageClass, line.params.get("class", "")),
        "channel": _label(Channel, line.params.get("channel", "")),
    }


def _why(line: TimelineLine) -> str:
    reason = line.params.get("reason", "")
    return str(OutMessage.Reason(reason).label) if reason in OutMessage.Reason.values else ""


def _sent(line: TimelineLine, ref: Any) -> tuple[str, str]:
    # The words name the customer, and the reader may see the page masked: the wording's title says enough.
    return _message(_("%(class)s message sent (%(channel)s)"), line), title_of(line.params.get("template", ""))


def _held(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _message(_("%(class)s message held back (%(channel)s)"), line), _why(line)


def _failed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _message(_("%(class)s message failed (%(channel)s)"), line), _why(line)


def _unknown(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _message(_("%(class)s message: outcome unknown (%(channel)s)"), line), _why(line)


def _undelivered(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _message(_("%(class)s message did not arrive (%(channel)s)"), line), title_of(
        line.params.get("template", "")
    )


def _replied(line: TimelineLine, ref: Any) -> tuple[str, str]:
    if line.params.get("state") == SmsReply.State.REFUSAL:
        return _("The customer wrote a text message"), _("It refuses further offers.")
    return _("The customer wrote a text message"), ref.text if ref else ""


def _load_replies(ids: Iterable[int]) -> dict[int, Any]:
    return SmsReply.objects.in_bulk(list(ids))


def register() -> None:
    """Make the kinds known to the timeline."""
    followups = (
        ("followup.owed", "calendar-clock", "info", _owed),
        ("followup.attempt", "phone", "", _attempt),
        ("followup.rescheduled", "calendar-clock", "", _rescheduled),
        ("followup.reassigned", "user-round", "", _reassigned),
        ("followup.reminded", "alarm-clock", "warn", _reminded),
        ("followup.handed_over", "circle-alert", "danger", _handed_over),
        ("followup.done", "circle-check", "ok", _done),
        ("followup.cancelled", "ban", "mute", _cancelled),
    )
    for kind, icon, tone, words in followups:
        register_kind(LineKind(kind, icon, tone, "followups", words, _load_followups))
    messages = (
        ("message.sent", "send", "", _sent),
        ("message.held", "ban", "mute", _held),
        ("message.failed", "circle-alert", "danger", _failed),
        ("message.undelivered", "circle-alert", "warn", _undelivered),
        ("message.unknown", "circle-question-mark", "warn", _unknown),
    )
    for kind, icon, tone, words in messages:
        register_kind(LineKind(kind, icon, tone, "messages", words))
    register_kind(LineKind("sms.reply", "message-square", "info", "messages", _replied, _load_replies))
