"""What complainants are told at each step (D§24): what happened, what is next, by when, whom to ask.

The wording of NAME stands in `templates/outreach/messages/complaint_NAME.txt`. Raise the version when the words change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import ENDED, State
from complaints.models import Complaint
from outreach.lifecycle import MessageClass
from outreach.wording import MessageTemplate, register_template

_SERVICE = frozenset({MessageClass.SERVICE.value})
_TITLES: tuple[tuple[str, Any], ...] = (
    ("acknowledged", _("We have your complaint")),
    ("assessed", _("Your complaint is being given to whoever solves it")),
    ("assigned", _("Your complaint is with a colleague")),
    ("pooled", _("Your complaint is with those who solve it")),
    ("in_work", _("Somebody works on your complaint")),
    ("resumed", _("We go on with your complaint")),
    ("proposed", _("We have found a solution")),
    ("rework", _("We work on your complaint again")),
    ("accepted", _("You agree with our answer")),
    ("silent", _("We take our answer as accepted")),
    ("notice", _("Do you agree with our answer?")),
    ("disputed", _("You do not agree with our answer")),
    ("not_solved", _("We work on your complaint again")),
    ("closed", _("Your complaint is closed")),
    ("reopened", _("Your complaint is open again")),
    ("withdrawn", _("You withdrew your complaint")),
    ("taken_up", _("Your complaint is taken up again")),
    ("graded", _("Your complaint has a new date")),
    ("paused", _("Your complaint waits")),
    ("answered", _("Our answer to your complaint")),
    ("final", _("Our last word on your complaint")),
    ("rejected", _("Your complaint is not for us")),
    ("reply", _("A colleague writes to you about your complaint")),
    ("received", _("Your mail has arrived")),
    ("files_refused", _("Some of your files were not kept")),
    ("new_owner", _("Who answers for your complaint")),
    ("new_handler", _("Who works on your complaint")),
    ("manager", _("A superior contacts you about your complaint")),
    ("merged", _("Two of your complaints are one now")),
    ("unmerged", _("Your complaint stands by itself again")),
    ("split", _("Part of your complaint has a number of its own")),
    ("grouped", _("Your complaint and others have one cause")),
    ("group_answered", _("The cause of your complaint is removed")),
    ("call_us", _("We could not reach you")),
    ("mediation", _("Mediation of your complaint")),
    ("urged", _("You asked how far your complaint is")),
    ("behalf", _("There is news of the complaint you told us of")),
    ("missed", _("Complaint: deadline missed")),
)
# Those whose words were changed since.
_VERSIONS = dict.fromkeys(("group_answered", "merged", "unmerged", "split", "grouped", "call_us", "graded"), 3)
# A person's own words to the complainant: no notice.
_BY_HAND = frozenset({"reply"})
_ANSWERED = (State.DECIDED, State.ACCEPTED, State.CALLBACK, *ENDED)


def still_late(params: Mapping[str, Any]) -> bool:
    """Whether the case of an apology for lateness still has no answer: else it would say something false."""
    return Complaint.objects.filter(pk=int(params["case_id"])).exclude(state__in=_ANSWERED).exists()


def register() -> None:
    """Make them known; called once at start."""
    for name, title in _TITLES:
        words = MessageTemplate(
            f"complaint_{name}",
            title,
            version=_VERSIONS.get(name, 2),
            classes=_SERVICE,
            mark="number",
            by_hand=name in _BY_HAND,
        )
        register_template(words)
    late = MessageTemplate(
        "complaint_late", _("Our answer to your complaint is late"), 2, _SERVICE, still_true=still_late, mark="number"
    )
    register_template(late)
