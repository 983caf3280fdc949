"""How many cases each tab of the queue has: one statement, written once for each shape of sight and planned once for
each connection. It says by hand what `queries.view_of` says; a test lets both count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection

from complaints.lifecycle import AppealState, ApprovalState, HandoverState, State
from complaints.models.cases import PART_RIGHT, VIEW_RIGHT
from complaints.signing import SIGNED_SQL
from foundation.common.prepared import prepared
from staff.models import User
from staff.rights import Sight, sight_of

MOST_COUNTED = 99
WORK_RIGHT = "complaints.work"
_CASES = "SELECT id FROM complaints_complaint WHERE closed_at IS NULL AND about_staff_id IS DISTINCT FROM %(user)s"
_AMONG = "id = ANY(ARRAY(SELECT complaint_id FROM {} WHERE {}))"
_SIGNED = SIGNED_SQL.format(now="%(now)s", people="%(people)s")
_MINE = ("owner_id = ANY(%(people)s)", "handler_id = ANY(%(people)s)", f"id = ANY(ARRAY({_SIGNED}))")
_OFFERED = _AMONG.format(
    "complaints_handover",
    f"state = '{HandoverState.OFFERED.value}'"
    " AND (to_id = ANY(%(people)s) OR (to_id IS NULL AND to_unit_id = %(unit)s))",
)
_ASKED = "asked_of_id = ANY(%(people)s)"
# `waiting.cases_waiting` in SQL.
_TO_DECIDE = (
    "id = ANY(ARRAY(SELECT s.complaint_id FROM complaints_approval a JOIN complaints_solution s ON s.id = a.solution_id"
    f" WHERE a.state = '{ApprovalState.ASKED.value}' AND {_ASKED}))",
    _AMONG.format("complaints_rejection", f"state = '{ApprovalState.ASKED.value}' AND {_ASKED}"),
    _AMONG.format(
        "complaints_appealcase",
        f"state = '{AppealState.LINKED.value}' AND response_by_id IS NOT NULL AND responded_at IS NULL AND {_ASKED}",
    ),
)
# What distinguishes the tabs of one's whole sight.
_SEEN = {
    "breached": "queue_at < %(now)s",
    "today": "queue_at >= %(now)s AND queue_at < %(tomorrow)s",
    "waiting": f"state = '{State.PAUSED.value}'",
    "callback": f"state = '{State.CALLBACK.value}'",
    "all": "TRUE",
}
# (sees everything, number of unit ranges, has owners) of a right
_Shape = tuple[bool, int, bool]


def counts_for(
    user: User, keys: Sequence[str], *, people: list[int], now: datetime, tomorrow: datetime
) -> dict[str, int]:
    """How many rows the tabs `keys` have for the user, counted to 100. `people`: the user and who is represented."""
    sights = {right: sight_of(user, right) for right in (VIEW_RIGHT, WORK_RIGHT, PART_RIGHT)}
    values: dict[str, Any] = {"user": user.pk, "people": people, "unit": user.unit_id, "now": now, "tomorrow": tomorrow}
    for right, sight in sights.items():
        name = _name(right)
        values[f"{name}_owners"] = sorted(sight.owners)
        for n, (low, high) in enumerate(sight.ranges):
            values |= {f"{name}_low{n}": low, f"{name}_high{n}": high}
    sql, used = _statement(tuple(keys), *(_shape(sight) for sight in sights.values()))
    with connection.cursor() as cursor:
        cursor.execute(*prepared(sql, {name: values[name] for name in used}))
        return dict(zip(keys, cursor.fetchone(), strict=True))


def _name(right: str) -> str:
    return right.rpartition(".")[2]


def _shape(sight: Sight) -> _Shape:
    return sight.everything, len(sight.ranges), bool(sight.owners)


@lru_cache(maxsize=256)
def _statement(keys: tuple[str, ...], view: _Shape, work: _Shape, part: _Shape) -> tuple[str, tuple[str, ...]]:
    """The statement, and which values it needs."""
    seen = _seen(view, part)
    parts = []
    for key in keys:
        if key == "mine":
            parts.append(_counted("TRUE", _MINE))
        elif key == "offered":
            parts.append(_counted("TRUE", [_OFFERED]))
        elif key == "decide":
            parts.append(_counted("TRUE", _TO_DECIDE))
        elif key == "pool":
            parts.append(_counted("handler_id IS NULL", _reached(work, WORK_RIGHT, "work_unit_no", "owner_id")))
        else:
            parts.append(_counted(_SEEN[key], seen))
    sql = f"SELECT {', '.join(parts)}"
    return sql, tuple(sorted({piece.partition(")s")[0] for piece in sql.split("%(")[1:]}))


def _counted(condition: str, streams: Sequence[str]) -> str:
    """The number of cases in any of the streams, each read no further than what is counted."""
    most = MOST_COUNTED + 1
    few = [f"({_CASES} AND {condition} AND {stream} LIMIT {most})" for stream in streams]
    found = few[0] if len(few) == 1 else f"{' UNION '.join(few)} LIMIT {most}"
    return f"(SELECT count(*) FROM ({found}) few)"


def _reached(shape: _Shape, right: str, unit_no: str, owner: str) -> list[str]:
    """`Sight.streams` in SQL."""
    everything, ranges, owners = shape
    if everything:
        return ["TRUE"]
    name = _name(right)
    found = [f"{unit_no} BETWEEN %({name}_low{n})s AND %({name}_high{n})s" for n in range(ranges)]
    if owners:
        found.append(f"{owner} = ANY(%({name}_owners)s)")
    return found or ["FALSE"]


def _seen(view: _Shape, part: _Shape) -> list[str]:
    """`queries.sight_streams` in SQL."""
    everything, ranges, owners = view
    if everything:
        return ["TRUE"]
    found: list[str] = []
    if ranges or owners:
        found += _reached(view, VIEW_RIGHT, "unit_no", "owner_id")
        found += _reached(view, VIEW_RIGHT, "work_unit_no", "handler_id")
    if owners:
        found.append(_AMONG.format("complaints_seat", "user_id = ANY(%(view_owners)s)"))
    if part[1] or part[2]:
        given = _reached((False, *part[1:]), PART_RIGHT, "unit_no", "handler_id")
        found.append(_AMONG.format("complaints_part", f"({' OR '.join(given)})"))
    return found or ["FALSE"]
