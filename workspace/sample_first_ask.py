"""What the sample operator's contacts left behind: first-ask matters, suggestions, verdicts, and where people come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import connection

from customers.copying import ids_at
from customers.sample.organisation import Organisation
from foundation.calendars.queries import ROUND_THE_CLOCK, STANDARD
from foundation.common import clock
from foundation.common.ids import first_id_at
from interactions.judging import count_day, judge_chunk
from interactions.models import (
    ContactPlace,
    Interaction,
    Matter,
    MatterMove,
    MatterOffer,
    Suggestion,
    SuggestionMove,
)
from outreach.models import FollowUp
from workspace import words_zh as words

KEPT_DAYS = 60  # of older contacts the sample tells only that they were
JUDGED_DAYS = 45
# Each contact came in at the first place of its unit and channel.
_COME_IN_AT = """
UPDATE interactions_interaction i SET place_id = p.id
FROM (SELECT DISTINCT ON (u.no, p.channel) u.no, p.channel, p.id
      FROM interactions_contactplace p JOIN staff_orgunit u ON u.id = p.unit_id ORDER BY u.no, p.channel, p.id) p
WHERE i.unit_no = p.no AND i.channel = p.channel
"""
Number = Callable[[str, int, datetime], str]  # prefix, digits, moment
WORKING_WEEK = timedelta(days=9)  # about seven working days


def write_first_ask(
    contacts: Iterable[Interaction], organisation: Organisation, now: datetime, number: Number
) -> dict[str, int]:
    """Write it for the contacts of the last two months, numbered by `number`; returns the counts."""
    recent = [row for row in contacts if row.started_at > now - timedelta(days=KEPT_DAYS)]
    left = [row for row in recent if row.next_action is not None and row.kind != "SUGGESTION"]
    matters = _matters(left, number)
    _offer(matters, now)
    suggestions = _suggestions([row for row in recent if row.kind == "SUGGESTION"], now, number)
    _places(organisation)
    _judge(now)
    return {"matters": len(matters), "suggestions": len(suggestions)}


def _matters(contacts: list[Interaction], number: Number) -> list[Matter]:
    keys = ids_at([row.logged_at or row.started_at for row in contacts])
    made, moves = [], []
    for row, key in zip(contacts, keys, strict=True):
        promise: FollowUp = row.next_action  # type: ignore[assignment]
        told = promise.closed_at
        matter = Matter(
            id=key,
            number=number("FA", 6, row.logged_at or row.started_at),
            contact=row,
            customer_id=row.customer_id,
            kind=row.kind,
            topic_id=row.topic_id,
            subject=promise.subject,
            owner=row.staff,
            handler=promise.owner,
            unit_no=row.unit_no,
            state="TOLD" if told else "OPEN",
            follow_up=promise,
            due_at=promise.due_at,
            answer=promise.result,
            answered_at=told,
            told_at=told,
            told_how="CALL" if told else "",
            done_by=promise.done_by,
            closed_at=told,
            next_notice_at=None if told else promise.due_at - timedelta(hours=1),
            created_at=row.logged_at or row.started_at,
        )
        made.append(matter)
        moves.append(
            MatterMove(matter=matter, at=matter.created_at, act="OPENED", actor=row.staff, new_owner=row.staff)
        )
        if told:
            moves.append(MatterMove(matter=matter, at=told, act="TOLD", actor=promise.done_by))
    Matter.objects.bulk_create(made, batch_size=1_000)
    MatterMove.objects.bulk_create(moves, batch_size=2_000)
    return made


def _offer(matters: list[Matter], now: datetime) -> None:
    """A few colleagues ask somebody of their unit to take a matter over."""
    waiting = [matter for matter in matters if matter.is_open and matter.due_at > now]
    by_unit: dict[int, list[Matter]] = {}
    for matter in waiting:
        by_unit.setdefault(matter.unit_no, []).append(matter)
    for rows in by_unit.values():
        people = sorted({row.owner_id: row.owner for row in rows}.items())
        if len(people) < 2:
            continue
        matter = next(row for row in rows if row.owner_id == people[1][0])
        until = now + timedelta(hours=6)
        MatterOffer.objects.create(matter=matter, to=people[0][1], by=people[1][1], made_at=now, until=until)
        MatterMove.objects.create(matter=matter, at=now, act="OFFERED", actor=people[1][1], handler=people[0][1])


def _suggestions(contacts: list[Interaction], now: datetime, number: Number) -> list[Suggestion]:
    keys = ids_at([row.logged_at or row.started_at for row in contacts])
    made, moves = [], []
    for place, (row, key) in enumerate(zip(contacts, keys, strict=True)):
        received = row.logged_at or row.started_at
        due = received + WORKING_WEEK
        verdict = ("ADOPTED", "KNOWN", "NOT_ADOPTED")[place % 3] if due < now - timedelta(days=1) else ""
        answered = due - timedelta(days=2) if verdict else None
        suggestion = Suggestion(
            id=key,
            number=number("SG", 6, received),
            contact=row,
            customer_id=row.customer_id,
            topic_id=row.topic_id,
            text=row.summary,
            owner=row.staff,
            unit_no=row.unit_no,
            state="ANSWERED" if verdict else ("REVIEWED" if place % 2 else "RECEIVED"),
            verdict=verdict,
            why_not="COST" if verdict == "NOT_ADOPTED" else "",
            wish=words.WISHES[place % len(words.WISHES)] if verdict == "ADOPTED" else "",
            received_at=received,
            due_at=due,
            answered_at=answered,
            answered_how="MESSAGE" if verdict else "",
            next_notice_at=None if verdict else due - timedelta(days=1),
        )
        made.append(suggestion)
        moves.append(
            SuggestionMove(suggestion=suggestion, at=received, act="RECEIVED", actor=row.staff, state="RECEIVED")
        )
        if answered:
            moves.append(
                SuggestionMove(suggestion=suggestion, at=answered, act="ANSWERED", actor=row.staff, state="ANSWERED")
            )
    Suggestion.objects.bulk_create(made, batch_size=1_000)
    SuggestionMove.objects.bulk_create(moves, batch_size=2_000)
    return made


def _places(organisation: Organisation) -> None:
    centre = organisation.call_centre
    round_the_clock = [
        ContactPlace(
            channel=channel, unit=centre, name_zh=zh, name_en=en, address=address, calendar_code=ROUND_THE_CLOCK
        )
        for channel, zh, en, address in words.PLACES
    ]
    halls = [
        ContactPlace(channel="HALL_OWN", unit=hall, name_zh=hall.name, name_en=hall.name, calendar_code=STANDARD)
        for branch in organisation.branches
        for hall in branch.halls
    ]
    ContactPlace.objects.bulk_create([*round_the_clock, *halls])
    with connection.cursor() as cursor:
        cursor.execute(_COME_IN_AT)


def _judge(now: datetime) -> None:
    first = clock.today(now) - timedelta(days=JUDGED_DAYS)
    with connection.cursor() as cursor:
        judge_chunk(cursor, None, first_id_at(clock.business_midnight(first)), first_id_at(now) + 1)
    for number in range(JUDGED_DAYS + 1):
        count_day(first + timedelta(days=number))
