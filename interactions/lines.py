"""What interactions writes on the customer's timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from customers.models import TimelineLine
from customers.models.timeline import CONTACT
from customers.timeline import LineKind, Words, register_kind
from customers.value.contacts import count_as_contact
from foundation.ui.wording import say_moment
from interactions.lifecycle import Caller, Channel, Kind, Result
from interactions.models import Interaction
from interactions.rights.lifecycle import RightsKind
from interactions.stages import TELLING, MatterAct, SuggestionAct, SuggestionState


def _label(choices: Any, code: str) -> str:
    return str(choices(code).label) if code in choices.values else code


def load_contacts(ids: Iterable[int]) -> dict[int, Any]:
    """The contacts lines refer to, with their topics."""
    return Interaction.objects.select_related("topic").in_bulk(list(ids))


def _started(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = {
        "channel": _label(Channel, line.params.get("channel", "")),
        "caller": _label(Caller, line.params.get("caller", "")),
    }
    return _("Contact by %(channel)s: %(caller)s") % words, ""


def _logged(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = {
        "kind": _label(Kind, line.params.get("kind", "")),
        "result": _label(Result, line.params.get("result", "")),
        "topic": str(ref.topic) if ref and ref.topic else "",
    }
    title = _("%(kind)s, %(topic)s: %(result)s") if words["topic"] else _("%(kind)s: %(result)s")
    # What was said about a colleague stands in the contact, which that colleague does not see; the timeline they do.
    return title % words, ref.summary if ref and ref.about_staff_id is None else ""


def _matter(act: MatterAct) -> Words:
    titles = {
        MatterAct.PASSED_ON: _lazy("Matter %(number)s: a colleague works on it, answer by %(due)s"),
        MatterAct.ACCEPTED: _lazy("Matter %(number)s: another colleague answers for it now"),
        MatterAct.ORDERED: _lazy("Matter %(number)s: another colleague answers for it now"),
        MatterAct.ANSWERED: _lazy("Matter %(number)s answered, customer not told yet"),
        MatterAct.TOLD: _lazy("Matter %(number)s: customer has the answer"),
    }

    def words(line: TimelineLine, ref: Any) -> tuple[str, str]:
        due = line.params.get("due_at")
        told = {
            "number": line.params.get("number", ""),
            "due": say_moment(datetime.fromisoformat(due)) if due else "",
        }
        return str(titles[act]) % told, ""

    return words


def _suggestion(act: SuggestionAct) -> Words:
    titles = {
        SuggestionAct.RECEIVED: _lazy("Suggestion %(number)s received"),
        SuggestionAct.REVIEWED: _lazy("Suggestion %(number)s reviewed"),
        SuggestionAct.DECIDED: _lazy("Suggestion %(number)s: %(verdict)s"),
        SuggestionAct.ANSWERED: _lazy("Suggestion %(number)s answered: %(verdict)s"),
        SuggestionAct.DONE: _lazy("Suggestion %(number)s put into effect, author told"),
    }

    def words(line: TimelineLine, ref: Any) -> tuple[str, str]:
        verdict = _label(SuggestionState, line.params.get("verdict", ""))
        return str(titles[act]) % {"number": line.params.get("number", ""), "verdict": verdict}, ""

    return words


def _kind_asked(line: TimelineLine) -> dict[str, str]:
    return {"kind": _label(RightsKind, line.params.get("kind", "")), "number": line.params.get("number", "")}


def _rights(words: str, line: TimelineLine) -> tuple[str, str]:
    return words % _kind_asked(line), line.params.get("number", "")


def _rights_received(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _rights(_("Request about own data: %(kind)s"), line)


def _rights_overdue(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _rights(_("Request overdue, brought to the director: %(kind)s"), line)


def _rights_answered(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _rights(_("Request answered: %(kind)s"), line)


def _rights_refused(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _rights(_("Request refused: %(kind)s"), line)


def _rights_withdrawn(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _rights(_("Request withdrawn: %(kind)s"), line)


def register() -> None:
    """Make the kinds known to the timeline."""
    for matter_act in TELLING:
        kind = f"matter.{matter_act.lower()}"
        register_kind(LineKind(kind, "route", "info", "contacts", _matter(matter_act)))
    for act in SuggestionAct:
        if act not in (SuggestionAct.REMINDED, SuggestionAct.ESCALATED):
            kind = f"suggestion.{act.lower()}"
            register_kind(LineKind(kind, "lightbulb", "", "contacts", _suggestion(act)))
    register_kind(LineKind("contact.started", "phone-incoming", "info", "contacts", _started))
    register_kind(LineKind(CONTACT, "message-square-text", "", "contacts", _logged, load_contacts))
    count_as_contact(CONTACT, complaint={"kind": Kind.COMPLAINT.value})
    for kind, icon, tone, words in (
        ("rights.received", "scale", "info", _rights_received),
        ("rights.overdue", "circle-alert", "danger", _rights_overdue),
        ("rights.answered", "scale", "ok", _rights_answered),
        ("rights.refused", "scale", "warn", _rights_refused),
        ("rights.withdrawn", "scale", "mute", _rights_withdrawn),
    ):
        register_kind(LineKind(kind, icon, tone, "business", words))
