"""Taking what telephony reports: each event once, an older one never over a newer state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from interactions.lifecycle import CallState
from interactions.models import Call, CallEvent
from staff.models import User


@dataclass(frozen=True)
class CallReport:
    """One event in checked form. `agent`: extension or account of the person it rings at; `at`: aware."""

    event_id: str
    call_ref: str
    state: str
    number: str
    agent: str
    at: datetime
    raw: dict[str, Any]


@transaction.atomic
def take_call_event(report: CallReport) -> tuple[CallEvent, bool]:
    """Store the event and bring its call up to date; the flag says whether it was new.

    A repeated `event_id` changes nothing. An event older than the last one taken of its call, or one after the end,
    is stored but not followed.
    """
    event = CallEvent(
        event_id=report.event_id,
        call_ref=report.call_ref,
        state=report.state,
        at=report.at,
        raw=report.raw,
        taken=False,
    )
    CallEvent.objects.bulk_create([event], ignore_conflicts=True)
    stored = CallEvent.objects.get(event_id=report.event_id)
    if stored.pk != event.pk:
        return stored, False
    agent = _agent(report.agent)
    Call.objects.bulk_create(
        [
            Call(
                call_ref=report.call_ref,
                number=report.number,
                agent=agent,
                state=report.state,
                started_at=report.at,
                answered_at=report.at if report.state == CallState.ANSWERED else None,
                event_at=report.at,
            )
        ],
        ignore_conflicts=True,
    )
    call = Call.objects.select_for_update(no_key=True).get(call_ref=report.call_ref)
    if report.at >= call.event_at and (call.state != CallState.ENDED or report.state == CallState.ENDED):
        call.state, call.event_at = report.state, report.at
        if agent is not None:
            call.agent = agent
        call.number = report.number or call.number
        if report.state == CallState.ANSWERED and call.answered_at is None:
            call.answered_at = report.at
        call.save(update_fields=["state", "event_at", "agent", "number", "answered_at"])
        stored.taken = True
        stored.save(update_fields=["taken"])
    return stored, True


def _agent(name: str) -> User | None:
    """The person at this extension, else with this account; None when nobody, or several, answer to it."""
    if not name:
        return None
    people = list(User.objects.filter(extension=name, is_active=True)[:2])
    if len(people) == 1:
        return people[0]
    return User.objects.filter(username=name, is_active=True).first()
