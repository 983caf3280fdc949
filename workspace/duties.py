"""What a person does next, whatever kind of duty it is: follow-ups and cases in one list by their deadlines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeGuard

from complaints.queries import Line as CaseLine
from complaints.queries import listed, view_of
from outreach.queries import Line
from staff.models import User

Duty = Line | CaseLine
CASES_RIGHT = "complaints.view"


def next_cases(user: User, most: int) -> list[CaseLine]:
    """The user's open cases by the time left; none for those who work on none."""
    if not user.has_perm(CASES_RIGHT):
        return []
    view = view_of(user, "mine")
    return list(listed(view.seen)[:most])


def by_deadline(rows: Iterable[Line], cases: Iterable[CaseLine], most: int) -> list[Duty]:
    """The first `most` of both, the most urgent first."""
    duties: list[Duty] = [*rows, *cases]
    return sorted(duties, key=due_of)[:most]


def is_case(duty: Duty) -> TypeGuard[CaseLine]:
    """Whether a duty is a case; rows of both kinds are tuples of Django's, told apart by their columns."""
    return hasattr(duty, "queue_at")


def due_of(duty: Duty) -> datetime:
    """When a duty is due; a case without a running clock comes last."""
    moment: datetime = duty.queue_at if is_case(duty) else duty.due_at  # type: ignore[union-attr]  # no negative guard
    return moment
