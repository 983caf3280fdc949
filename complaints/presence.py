"""Who has a case open now (ui-guide §5 Collision): the marks of customers/presence.py, of cases."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from customers import presence
from customers.presence import EDIT, VIEW, Present
from foundation.ui.wording import join_words
from staff.models import User

CASE = "complaints"
REPLY = EDIT  # who writes in a case, writes to its customer or a note
__all__ = ["REPLY", "VIEW", "Present", "mark", "open_elsewhere", "sentences", "unmark"]


def mark(user: User, case_id: int, doing: str) -> Present:
    """The user has the case open now, `doing` VIEW or REPLY; returns who else has."""
    return presence.mark(user, case_id, doing, what=CASE)


def unmark(user: User, case_id: int, doing: str) -> None:
    """The user has finished `doing` it."""
    presence.unmark(user, case_id, doing, what=CASE)


def open_elsewhere(user: User, case_ids: Sequence[int]) -> set[int]:
    """Those of the cases that somebody else has open: one trip to the cache."""
    return presence.open_elsewhere(user, case_ids, what=CASE)


def sentences(present: Present) -> list[str]:
    """What the page says of them."""
    said = []
    if present.editing:
        said.append(_say(present.editing, _("%(name)s is replying"), _("%(names)s are replying")))
    if present.viewing:
        said.append(_say(present.viewing, _("%(name)s is viewing"), _("%(names)s are viewing")))
    return said


def _say(names: Sequence[str], one: str, many: str) -> str:
    return one % {"name": names[0]} if len(names) == 1 else many % {"names": join_words(names)}
