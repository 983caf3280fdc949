"""What bells ring and messages say when a case is handed over, given in parts, promised, ordered or late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import ENDED, ClockKind, State, label_of
from complaints.models import Complaint
from foundation.ui.wording import say_moment
from outreach.bellkinds import BellKind, register_bell_kind
from outreach.lifecycle import MessageClass
from outreach.models import Notification
from outreach.wording import MessageTemplate, register_template

_KINDS: tuple[tuple[str, str, str, Any], ...] = (
    ("offered", "route", "info", _("Offered to you: %(number)s, answer by %(until)s")),
    ("offer_taken", "circle-check", "", _("The hand-over of %(number)s was accepted")),
    ("offer_refused", "circle-x", "warn", _("The hand-over of %(number)s was refused")),
    ("offer_lapsed", "alarm-clock", "warn", _("Nobody answered the hand-over of %(number)s")),
    ("ordered_to", "user-round-check", "info", _("Given to you by order: %(number)s, answer by %(due)s")),
    ("to_decide", "scale", "info", _("Decide which unit is responsible: %(number)s, by %(until)s")),
    ("undecided", "circle-alert", "danger", _("Nobody decided which unit is responsible: %(number)s")),
    ("part_cancelled", "circle-x", "", _("Your part of %(number)s is not needed any more")),
    ("promise", "handshake", "info", _("You keep a promise: %(number)s, by %(until)s")),
    ("promise_due", "alarm-clock", "warn", _("A promise is due: %(number)s, by %(until)s")),
    ("order", "gavel", "info", _("Ordered: %(number)s, reply by %(until)s")),
    ("order_due", "circle-alert", "danger", _("No reply to the order about %(number)s, due %(until)s")),
    ("order_replied", "circle-check", "", _("Your order about %(number)s has a reply")),
    ("measure_due", "circle-alert", "danger", _("A measure is overdue: %(number)s, due %(until)s")),
    ("pool_again", "undo-2", "warn", _("Nobody accepted %(number)s in time: it waits for your unit again")),
    ("merged", "merge", "info", _("Two complaints are one now: %(number)s")),
    ("appeal", "landmark", "danger", _("The authority asks about %(number)s, our response by %(until)s")),
    ("appeal_approve", "file-check", "info", _("A response to the authority waits for your approval: %(number)s")),
    ("appeal_approved", "circle-check", "", _("The response to the authority about %(number)s is approved")),
    ("appeal_denied", "ban", "warn", _("The response to the authority about %(number)s came back")),
    ("appeal_due", "circle-alert", "danger", _("No response to the authority about %(number)s, due %(until)s")),
    ("mediation", "scale", "info", _("The mediation of %(number)s went on")),
    ("session", "calendar-clock", "info", _("Mediation session about %(number)s: %(until)s")),
    ("grouped", "users", "info", _("%(number)s belongs to a group now")),
)
_PARTS: tuple[tuple[str, str, str, Any], ...] = (
    ("part_given", "puzzle", "info", _("A part of %(number)s waits for your unit, due %(until)s")),
    ("part_done", "circle-check", "", _("A part of %(number)s is done")),
    ("part_passed", "arrow-right", "", _("A part of %(number)s was passed on to the next unit")),
    ("part_returned", "undo-2", "warn", _("A part of %(number)s came back: it was poorly prepared")),
    ("part_late", "circle-alert", "danger", _("A part of %(number)s is overdue, due %(until)s")),
)
# Of a mark of a clock: what is used up, and of what.
_MARKS: tuple[tuple[str, str, str], ...] = (
    ("reminded", "alarm-clock", "warn"),
    ("escalated", "trending-up", "warn"),
    ("missed", "circle-alert", "danger"),
    ("brought_up", "shield-alert", "danger"),
)
_SERVICE = frozenset({MessageClass.SERVICE.value})
_ANSWERED = (State.DECIDED, State.ACCEPTED, State.CALLBACK, *ENDED)
_TITLES: tuple[tuple[str, Any], ...] = (
    ("new_owner", _("Who answers for your complaint")),
    ("merged", _("Two of your complaints are one now")),
    ("unmerged", _("Your complaint stands by itself again")),
    ("split", _("Part of your complaint has a number of its own")),
    ("grouped", _("Your complaint and others have one cause")),
    ("group_answered", _("The cause of your complaint is removed")),
    ("call_us", _("We could not reach you")),
    ("missed", _("Complaint: deadline missed")),
)


def _said(words: Any) -> Callable[[Notification], str]:
    def title(notice: Notification) -> str:
        return str(words) % {"number": notice.params.get("number", ""), **_moments(notice)}

    return title


def _moments(notice: Notification) -> dict[str, str]:
    return {
        name: say_moment(datetime.fromisoformat(notice.params[key])) if notice.params.get(key) else "–"
        for name, key in (("due", "due_at"), ("until", "until_at"))
    }


def _mark(notice: Notification) -> str:
    """In words: how much of which limit is used up, or that it is over."""
    given = notice.params
    words = {
        "number": given.get("number", ""),
        "clock": label_of(ClockKind, given.get("clock", "")),
        "mark": given.get("mark", 0),
        **_moments(notice),
    }
    if given.get("mark") == 0:
        return _("Grave complaint: %(number)s, answer by %(due)s") % words
    if given.get("unit") == "D":
        return _("Day %(mark)s without an answer: %(number)s, by law due %(due)s") % words
    if given.get("mark", 0) > 100:
        return _("%(mark)s %% of the limit used: %(number)s, was due %(due)s") % words
    if given.get("mark") == 100:
        return _("Missed: %(clock)s, %(number)s, was due %(due)s") % words
    return _("%(mark)s %% of the limit used (%(clock)s): %(number)s, due %(due)s") % words


def _case(notice: Notification) -> str:
    return reverse("complaints:case", args=[notice.subject_id])


def _part(notice: Notification) -> str:
    return reverse("complaints:part-detail", args=[int(notice.params["part"])])


def still_late(params: Mapping[str, Any]) -> bool:
    """Whether the case of an apology for lateness still has no answer: else it would say something false."""
    return Complaint.objects.filter(pk=int(params["case_id"])).exclude(state__in=_ANSWERED).exists()


def register() -> None:
    """Make the kinds and wordings known."""
    for kind, icon, tone, words in _KINDS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _case))
    for kind, icon, tone, words in _PARTS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _part))
    for kind, icon, tone in _MARKS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _mark, _case))
    for name, title in _TITLES:
        register_template(MessageTemplate(f"complaint_{name}", title, version=2, classes=_SERVICE, mark="number"))
    late = MessageTemplate(
        "complaint_late", _("Our answer to your complaint is late"), 2, _SERVICE, still_true=still_late, mark="number"
    )
    register_template(late)
