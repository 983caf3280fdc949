"""Small makers for the tests of the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from foundation.common import clock
from outreach.models import FollowUp
from outreach.services import owe_followup
from staff.models import Absence, Team, User
from tests.factories import TeamFactory, TeamMemberFactory, UserFactory

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)  # Tuesday, 12:00 in Beijing
HX = {"HX-Request": "true"}


def person(role: str, **more: Any) -> User:
    """A user with a role who reads English."""
    return UserFactory(role=role, language="en", **more)


def enter(user: User) -> Client:
    """A client signed in as `user`, reading English."""
    client = Client()
    with override_settings(AXES_ENABLED=False):  # force_login's request has no address to count attempts by
        client.force_login(user, backend="staff.backends.StaffBackend")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    return client


def team_of(number: int = 2) -> tuple[User, list[User], Team]:
    """A lead and `number` agents of one team in one unit."""
    lead = person("TEAM_LEAD")
    team = TeamFactory(lead=lead)
    agents = [person("AGENT", unit=lead.unit) for _ in range(number)]
    for member in (lead, *agents):
        TeamMemberFactory(team=team, user=member)
    return lead, agents, team


def owe(owner: User, *, minutes: float = 60, **more: Any) -> FollowUp:
    """A duty of `owner` due in so many minutes (negative: it was due then)."""
    fields: dict[str, Any] = {"customer": None, "kind": "TASK", "subject": "Ring back", "actor": owner} | more
    follow_up = owe_followup(owner=owner, due_at=clock.now() + timedelta(days=1), **fields)
    follow_up.due_at = clock.now() + timedelta(minutes=minutes)
    FollowUp.objects.filter(pk=follow_up.pk).update(due_at=follow_up.due_at)
    return follow_up


def many(owner: User, number: int, *, minutes: float = -5) -> None:
    """`number` open duties written in one go."""
    start = FollowUp.objects.count()
    due = clock.now() + timedelta(minutes=minutes)
    FollowUp.objects.bulk_create(
        FollowUp(
            number=f"CB2026M{start + at:08d}",
            kind="CALLBACK",
            subject="One of many",
            owner=owner,
            unit_no=owner.unit.no,
            due_at=due,
            next_notice_at=None,
            created_at=due - timedelta(hours=1),
        )
        for at in range(number)
    )


def away(user: User, delegate: User | None = None) -> Absence:
    """The user is on leave from yesterday until tomorrow."""
    now = clock.now()
    return Absence.objects.create(
        user=user,
        reason="LEAVE",
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
        delegate=delegate,
    )


@contextmanager
def queries() -> Iterator[CaptureQueriesContext]:
    with CaptureQueriesContext(connection) as seen:
        yield seen


def rows_behind(client: Client, url: str) -> int:
    """How many rows the list behind a figure shows on its first page (at most 50)."""
    response = client.get(url)
    assert response.status_code == 200
    return len(response.context["page"].items)
