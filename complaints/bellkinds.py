"""What the bell says about complaints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import ClockKind, label_of
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
    ("to_approve", "file-check", "warn", _("Yours to decide now: %(number)s, by %(until)s")),
    ("approval_passed", "trending-up", "warn", _("Nobody decided on %(number)s in time: it waits for %(name)s now")),
    ("approval_late", "circle-alert", "danger", _("Nobody decides on %(number)s, due %(until)s")),
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
    (
        "manager_asked",
        "user-round-cog",
        "warn",
        _("The customer asks for the manager: %(number)s, contact by %(until)s"),
    ),
    ("registered_late", "alarm-clock", "warn", _("%(number)s was registered long after it was told")),
    ("reopened", "rotate-ccw", "warn", _("%(number)s is reopened: give it to somebody")),
    ("closed", "circle-check", "", _("%(number)s is closed")),
    ("reject_asked", "signpost", "info", _("Is %(number)s not ours? It waits for your approval")),
    ("reject_denied", "undo-2", "warn", _("%(number)s is ours after all")),
    ("rejected", "circle-x", "info", _("%(number)s is declared not ours")),
    ("withdrawn", "circle-x", "", _("The customer withdrew %(number)s")),
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
    ("order_withdrawn", "undo-2", "", _("The order about %(number)s was taken back: no reply is owed")),
    ("order_replied", "circle-check", "", _("Your order about %(number)s has a reply")),
    ("measure_due", "circle-alert", "danger", _("A measure is overdue: %(number)s, due %(until)s")),
    ("to_assess", "clipboard-check", "warn", _("Nobody assessed %(number)s in time: assess it by %(until)s")),
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
_SHEETS: tuple[tuple[str, str, str, Any], ...] = (
    (
        "shift_left",
        "clipboard-list",
        "info",
        _("%(person)s leaves open work (%(cases)s): sign for it, until %(until)s"),
    ),
    ("shift_signed", "clipboard-check", "", _("Your open work is signed for (%(cases)s), until %(until)s")),
    ("shift_unsigned", "circle-alert", "danger", _("Nobody signed for what %(person)s leaves open (%(cases)s)")),
)
# Of a mark of a clock: what is used up, and of what.
_MARKS: tuple[tuple[str, str, str], ...] = (
    ("reminded", "alarm-clock", "warn"),
    ("escalated", "trending-up", "warn"),
    ("missed", "circle-alert", "danger"),
    ("brought_up", "shield-alert", "danger"),
)


def _said(words: Any) -> Callable[[Notification], str]:
    def title(notice: Notification) -> str:
        return str(words) % {**notice.params, "number": notice.params.get("number", ""), **_moments(notice)}

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


def _group(notice: Notification) -> str:
    given = notice.params
    topic = given["en"] if (get_language() or "").startswith("en") else given["zh"]
    words = {"topic": topic, "area": given["area"], "customers": given["customers"]}
    if given["area"]:
        return _("A group? %(customers)s customers in %(area)s: %(topic)s") % words
    return _("A group? %(customers)s customers: %(topic)s") % words


def _suggestion(notice: Notification) -> str:
    return reverse("complaints:group-detail", args=[notice.subject_id])


def _month(notice: Notification) -> str:
    told = notice.params
    if "complaints" not in told:
        return _("Complaints of %(month)s: the figures are ready") % {"month": told["month"]}
    rates = {code: "–" if told[code] is None else f"{told[code]:.1f}%" for code in ("on_time", "satisfaction")}
    words = _("Your area in %(month)s: complaints %(complaints)s, on time %(on_time)s, satisfied %(satisfaction)s")
    return words % {"month": told["month"], "complaints": f"{told['complaints']:,}", **rates}


def _analysis(notice: Notification) -> str:
    return f"{reverse('complaints:analysis')}?month={notice.params['month']}"


def _sheet(notice: Notification) -> str:
    return reverse("complaints:shift-sheet", args=[notice.subject_id])


def register() -> None:
    """Make the kinds known."""
    register_bell_kind(BellKind("complaint.group_suggested", "users", "warn", _group, _suggestion))
    register_bell_kind(BellKind("complaint.month_ready", "chart-column", "info", _month, _analysis))
    for kind, icon, tone, words in _KINDS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _case))
    for kind, icon, tone, words in _PARTS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _part))
    for kind, icon, tone, words in _SHEETS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _said(words), _sheet))
    for kind, icon, tone in _MARKS:
        register_bell_kind(BellKind(f"complaint.{kind}", icon, tone, _mark, _case))
