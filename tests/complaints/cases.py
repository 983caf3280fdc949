"""The people of a complaints office, and cases in any state, as rows: nobody walks there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from complaints.lifecycle import ENDED, ClockKind, State
from complaints.models import Callback, Cause, Complaint, Measure, Solution
from complaints.services.ground import clocks_for, save_case
from foundation.common import clock
from interactions.models import Topic
from staff.models import RoleAssignment, Team, TeamMember, User
from tests.factories import ContactPointFactory, CustomerFactory, UnitFactory, UserFactory

_numbers = count(1)
ANSWERED = (State.DECIDED, State.ACCEPTED, State.DISPUTED, State.CALLBACK, State.CLOSED)
DAY = timedelta(days=1)


def moment(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """A moment of March 2026 in the business zone; the 2nd is a Monday, and no holiday is in it."""
    return datetime(2026, 3, 1, tzinfo=clock.BUSINESS_ZONE) + timedelta(days=day - 1, hours=hour, minutes=minute)


@contextmanager
def on(day: int, hour: int = 10, minute: int = 0) -> Iterator[None]:
    """It is that moment of March 2026."""
    with clock.travel(moment(day, hour, minute)):
        yield


WITHOUT_HANDLER = (State.REGISTERED, State.ACKNOWLEDGED, State.ASSESSED, State.REOPENED)


@dataclass
class Office:
    """A unit with everybody a case needs. `boss` holds every right over its cases (coordinator and director)."""

    unit: Any
    agent: User
    handler: User
    other: User
    lead: User
    head: User
    boss: User


def office() -> Office:
    """A unit: an agent who asks first, two handlers, their lead, their head, and one who may do everything."""
    unit = UnitFactory(function="CALL_CENTRE")
    lead, head = UserFactory(unit=unit, role="TEAM_LEAD"), UserFactory(unit=unit, role="DEPT_HEAD")
    unit.heads.create(user=head, from_day=clock.today())
    team = Team.objects.create(name=f"Complaints {next(_numbers)}", lead=lead, unit=unit)
    agent = UserFactory(unit=unit, role="AGENT")
    handler, other = (UserFactory(unit=unit, role="COMPLAINT_HANDLER") for _one in range(2))
    for member in (agent, handler, other):
        TeamMember.objects.create(team=team, user=member, from_day=clock.today())
    boss = UserFactory(unit=unit, role="COORDINATOR")
    RoleAssignment.objects.create(user=boss, role="DIRECTOR", unit=unit)
    return Office(unit, agent, handler, other, lead, head, boss)


def cause(code: str = "WRONG_BILL") -> Cause:
    """A cause to close with."""
    return Cause.objects.get_or_create(
        code=code, defaults={"name_zh": "\u8ba1\u8d39\u9519\u8bef", "name_en": "Wrong bill"}
    )[0]


def case(at: Office, state: str = State.REGISTERED, **columns: Any) -> Complaint:
    """A case of a customer with a mobile number, in `state`, consistent as the database wants it."""
    number = next(_numbers)
    if "customer" not in columns:
        columns["customer"] = CustomerFactory(unit=at.unit, number=f"CU20260301{number:06d}")
        ContactPointFactory(customer=columns["customer"])
    now = clock.now()
    given: dict[str, Any] = {
        "number": f"CP20260301{number:06d}",
        "channel": "HOTLINE",
        "received_at": now,
        "registered_at": now,
        "registered_by": at.agent,
        "topic": Topic.objects.get(code="BILLING.AMOUNT"),
        "subject": "Charged twice",
        "text": "I was charged twice for February.",
        "owner": at.agent,
        "handler": None if state in WITHOUT_HANDLER else at.handler,
        "work_unit": at.unit,
        "unit_no": at.unit.no,
        "work_unit_no": at.unit.no,
        "public_code": f"code{number}",
        "state": state,
    }
    if state in ENDED:
        given["closed_at"] = now
    if state == State.PAUSED:
        given["pause_reason"] = "THIRD_PARTY"
    if state == State.CLOSED:
        given |= {"cause": cause(), "responsible_unit": at.unit, "solved": "YES", "satisfaction": 4}
    if state == State.MERGED and "merged_into" not in columns:
        given["merged_into"] = case(at)
    return Complaint.objects.create(**given | columns)


def ready(at: Office, state: str, *, measures: tuple[dict[str, Any], ...] = ({},), **columns: Any) -> Complaint:
    """A case in `state` with what its next steps need: running clocks; a solution by the handler with its measures
    (done once the customer has it); in CALLBACK a callback that said solved."""
    one = case(at, state, **columns)
    clocks = clocks_for(one, None, new=True)
    if one.is_open and state not in ANSWERED:
        clocks.begin()
        if state not in (State.REGISTERED, State.ACKNOWLEDGED):
            clocks.start(clocks.service())
    if state == State.PAUSED:
        clocks.pause(reason=one.pause_reason, until=clock.now() + DAY)
        one.pause_until = clock.now() + DAY
    if state == State.ASSIGNED:
        clocks.start(clocks.duty(ClockKind.ACCEPT))
    if state == State.DECIDED:
        clocks.start(clocks.duty(ClockKind.CALLBACK))
        one.decided_at = one.answered_at = clock.now()
    save_case(one, "pause_until", "decided_at", "answered_at")
    if state == State.SOLUTION_PROPOSED or state in ANSWERED:
        told = clock.now() if state in ANSWERED else None
        solution = Solution.objects.create(complaint=one, finding="So", by=at.handler, told_at=told, at=clock.now())
        for given in measures:
            plain = {"kind": "EXPLAIN", "text": "Explain", "owner": at.handler, "due_at": clock.now() + DAY}
            Measure.objects.create(solution=solution, **{**plain, "done_at": told, **given})
        if told is not None:
            made = {"done_at": told, "reached_at": told, "solved": "YES"} if state == State.CALLBACK else {}
            Callback.objects.create(complaint=one, solution=solution, due_at=told + 2 * DAY, **made)
    return Complaint.objects.get(pk=one.pk)
