"""What a sweep writes, a chunk in a few statements: escalations, who was told, seats, bells, history, the cases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from complaints.lifecycle import Deed, Grade, GradeReason, SeatWhy
from complaints.watching.ladder import RANKS, Rung
from foundation.common.ids import new_id


@dataclass(frozen=True, slots=True)
class CaseNow:
    """What a sweep must know of a case it holds."""

    id: int
    number: str
    state: str
    grade: str
    owner_id: int
    handler_id: int | None
    about_staff_id: int | None
    work_unit_id: int
    customer_id: int | None
    channel: str
    parent_id: int | None
    is_parent: bool
    closed: bool
    service_due_at: datetime | None
    statutory_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Telling:
    """One person an escalation goes to. `tell_at`: when their bell may ring; None when it need not."""

    person_id: int
    role: str
    tell_at: datetime | None


@dataclass(slots=True)
class Raised:
    """One mark that was reached, and what comes of it."""

    case: CaseNow
    kind: str
    clock_id: int | None
    unit: str
    mark: int
    round: int
    due_at: datetime
    limit_at: datetime | None
    rung: Rung
    told: list[Telling] = field(default_factory=list)
    id: int = 0


def write_escalations(raised: Sequence[Raised], now: datetime) -> list[Raised]:
    """One row each; those that were written before are left out of what comes back."""
    for one in raised:
        one.id = new_id()
    kept = _insert(
        "complaints_escalation",
        {
            "id": "bigint",
            "complaint_id": "bigint",
            "clock_kind": "text",
            "clock_id": "bigint",
            "unit": "text",
            "mark": "smallint",
            "target_version": "smallint",
            "due_at": "timestamptz",
            "at": "timestamptz",
            "levels": "jsonb",
        },
        [
            (
                one.id,
                one.case.id,
                one.kind,
                one.clock_id,
                one.unit,
                one.mark,
                one.round,
                one.due_at,
                now,
                json.dumps(sorted({telling.role for telling in one.told})),
            )
            for one in raised
        ],
        returning="id",
    )
    return [one for one in raised if one.id in kept]


def write_tellings(raised: Sequence[Raised], now: datetime) -> None:
    """Who was brought each, with a seat in the case; bells of those whose hour it is."""
    each = [(one, telling) for one in raised for telling in one.told]
    _insert(
        "complaints_escalationtold",
        {
            "escalation_id": "bigint",
            "person_id": "integer",
            "role": "text",
            "tell_at": "timestamptz",
            "told_at": "timestamptz",
        },
        [
            (one.id, told.person_id, told.role, told.tell_at, now if told.tell_at and told.tell_at <= now else None)
            for one, told in each
        ],
    )
    _insert(
        "complaints_seat",
        {"complaint_id": "bigint", "user_id": "integer", "why": "text"},
        sorted(
            {
                (one.case.id, told.person_id, SeatWhy.RAISED.value)
                for one, told in each
                if told.person_id not in (one.case.handler_id, one.case.owner_id)
            }
        ),
    )
    write_bells([(one, told.person_id) for one, told in each if told.tell_at is not None and told.tell_at <= now])


def write_bells(rung: Sequence[tuple[Raised, int]]) -> None:
    """Ring for these escalations, once per person and escalation."""
    _insert(
        "outreach_notification",
        {
            "id": "bigint",
            "user_id": "integer",
            "kind": "text",
            "subject_type": "text",
            "subject_id": "bigint",
            "params": "jsonb",
            "dedupe_key": "text",
        },
        [
            (
                new_id(),
                person,
                _bell(one),
                "complaint",
                one.case.id,
                json.dumps(
                    {
                        "number": one.case.number,
                        "clock": one.kind,
                        "unit": one.unit,
                        "mark": one.mark,
                        "due_at": one.limit_at.isoformat() if one.limit_at else "",
                    }
                ),
                f"escalation-{one.id}",
            )
            for one, person in rung
        ],
    )


def write_history(raised: Sequence[Raised], now: datetime) -> None:
    """A history row per case and mark; one more where the miss made an ordinary case an upgraded one (D§10.1)."""
    rows = [
        (new_id(), one.case.id, now, _deed(one), one.case.handler_id, one.case.work_unit_id, _why(one))
        for one in raised
    ]
    rows += [
        (
            new_id(),
            one.case.id,
            now,
            Deed.GRADED.value,
            one.case.handler_id,
            one.case.work_unit_id,
            GradeReason.BREACH.value,
        )
        for one in raised
        if upgrades(one)
    ]
    _insert(
        "complaints_complaintmove",
        {
            "id": "bigint",
            "complaint_id": "bigint",
            "at": "timestamptz",
            "act": "text",
            "handler_id": "integer",
            "unit_id": "integer",
            "reason": "text",
        },
        rows,
        constants={"old": "''", "new": "''", "readings": "'{}'"},
    )


_CASES = """
UPDATE complaints_complaint c SET version = c.version + 1, level = greatest(c.level, r.level),
  escalated_to_id = CASE WHEN r.person IS NOT NULL AND r.level >= c.level THEN r.person ELSE c.escalated_to_id END,
  service_late = c.service_late OR r.service_late, statutory_late = c.statutory_late OR r.statutory_late,
  grade = CASE WHEN r.upgrade AND c.grade = 'ORDINARY' THEN 'UPGRADED' ELSE c.grade END,
  grade_reason = CASE WHEN r.upgrade AND c.grade = 'ORDINARY' THEN 'BREACH' ELSE c.grade_reason END,
  raised_at = CASE WHEN r.brought_up THEN %(now)s ELSE c.raised_at END
FROM unnest(%(ids)s::bigint[], %(levels)s::smallint[], %(people)s::integer[], %(service)s::bool[],
            %(statutory)s::bool[], %(upgrades)s::bool[], %(brought)s::bool[])
  AS r(id, level, person, service_late, statutory_late, upgrade, brought_up)
WHERE c.id = r.id
"""


def write_cases(raised: Sequence[Raised], now: datetime) -> None:
    """How high each case has come and what it missed; one UPDATE of the cases for which that changes."""
    found: dict[int, list[Any]] = {}
    for one in raised:
        row = found.setdefault(one.case.id, [0, None, False, False, False, False])
        top = max(one.told, key=lambda told: _rank(told.role), default=None)
        if top is not None and _rank(top.role) > 0 and _rank(top.role) >= row[0]:
            row[0], row[1] = _rank(top.role), top.person_id
        if one.unit == "P" and one.mark == 100:
            row[2] = row[2] or one.kind == "service"
            row[3] = row[3] or one.kind == "statutory"
        row[4] = row[4] or upgrades(one)
        row[5] = row[5] or one.mark == 0
    changed = {key: row for key, row in found.items() if any(row)}
    if not changed:
        return
    columns = list(zip(*changed.values(), strict=True))
    names = ("levels", "people", "service", "statutory", "upgrades", "brought")
    values = {name: list(column) for name, column in zip(names, columns, strict=True)}
    with connection.cursor() as cursor:
        cursor.execute(_CASES, {"ids": list(changed), "now": now, **values})


def upgrades(one: Raised) -> bool:
    """Whether the miss raises the grade: an ordinary case that is no member of a group (D§10.1, 26)."""
    missed = one.kind == "service" and one.unit == "P" and one.mark == 100
    return missed and one.case.grade == Grade.ORDINARY and one.case.parent_id is None and not one.case.closed


def _rank(role: str) -> int:
    return RANKS.get(role, 0)


def _bell(one: Raised) -> str:
    if one.mark == 0:
        return "complaint.brought_up"
    if one.rung.reminds:
        return "complaint.reminded"
    return "complaint.missed" if one.unit == "P" and one.mark >= 100 else "complaint.escalated"


def _deed(one: Raised) -> str:
    return (Deed.REMINDED if one.rung.reminds else Deed.ESCALATED).value


def _why(one: Raised) -> str:
    return f"{one.kind} {one.mark}{'%' if one.unit == 'P' else ' d'}"


def _insert(
    table: str,
    columns: dict[str, str],
    rows: Sequence[tuple[Any, ...]],
    *,
    returning: str = "",
    constants: dict[str, str] | None = None,
) -> set[int]:
    """One INSERT of many rows, those that are there already left out; the returned column of the new ones."""
    if not rows:
        return set()
    constants = constants or {}
    names = ", ".join([*columns, *constants])
    given = ", ".join(f"%({name})s::{kind}[]" for name, kind in columns.items())
    picked = ", ".join([*(f"r.{name}" for name in columns), *constants.values()])
    sql = (
        f"INSERT INTO {table} ({names}) SELECT {picked} FROM unnest({given}) AS r({', '.join(columns)})"
        f" ON CONFLICT DO NOTHING{f' RETURNING {returning}' if returning else ''}"
    )
    values = {name: list(column) for name, column in zip(columns, zip(*rows, strict=True), strict=True)}
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {key for (key,) in cursor.fetchall()} if returning else set()
