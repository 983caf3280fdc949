"""What complaints write on the customer's timeline, in words: the number and what was done, never what was said (the
person complained of reads timelines too)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from complaints.lifecycle import Act, Deed, label_of
from customers.models import TimelineLine
from customers.timeline import LineKind, Words, register_kind

# What stands on the customer's timeline: every change of state, and what the customer took part in.
TELLING: tuple[str, ...] = (
    *Act.values,
    Deed.CONTACTED,
    Deed.URGED,
    Deed.GRADED,
    Deed.REPLIED,
    Deed.HEARD,
    Deed.CALLED_BACK,
    Deed.OFFER_TAKEN,
    Deed.ORDERED,
)
_TONES: dict[str, str] = {
    Act.REGISTER: "warn",
    Act.DISPUTE: "warn",
    Act.REOPEN: "warn",
    Deed.URGED: "warn",
    Act.DECIDE: "ok",
    Act.CLOSE: "ok",
}


def _words(act: str) -> Words:
    choices = Act if act in Act.values else Deed

    def words(line: TimelineLine, ref: Any) -> tuple[str, str]:
        told = {"number": line.params.get("number", ""), "act": label_of(choices, act)}
        return _("Complaint %(number)s: %(act)s") % told, ""

    return words


def register() -> None:
    """Make the kinds known to the timeline."""
    for act in TELLING:
        tone = _TONES.get(act, "info")
        register_kind(LineKind(f"complaint.{act.lower()}", "megaphone", tone, "business", _words(act)))
