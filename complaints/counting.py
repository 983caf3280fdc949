"""What the tabs of the queue hold, in SQL written once for each shape of sight and planned once for each connection:
how many cases each has, and the first keys of one. It says by hand what `queries.view_of` says; a test compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from complaints.lifecycle import AppealState, ApprovalState, HandoverState, State
from complaints.models.cases import PART_RIGHT, VIEW_RIGHT
from complaints.team.signing import SIGNED_SQL
from foundation.common.prepared import prepared
from staff.models import User
from staff.rights import NARROW_UNITS, Sight, sight_of

MOST_COUNTED = 99
WORK_RIGHT = "complaints.work"
RIGHTS = (VIEW_RIGHT, WORK_RIGHT, PART_RIGHT)
_CASES = "SELECT id FROM complaints_complaint WHERE closed_at IS NULL AND about_staff_id IS DISTINCT FROM %(user)s"
_AMONG = "id = ANY(ARRAY(SELECT complaint_id FROM {} WHERE {}))"
_OURS = "source = ''"  # a record of the past is nobody's duty until somebody takes it up
_SIGNED = SIGNED_SQL.format(now="%(now)s", people="%(people)s")
_POOLED = f"handler_id IS NULL AND {_OURS} AND "
# By number of owners: the planner takes an array for ten of them, whatever it holds.
_IS_ONE_OF = {1: "{} = %({}_one)s", 2: "{} = ANY(%({})s)"}
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
# (sees everything, whether each unit range is one unit, how many owners: 0, 1, 2 for more) of a right
_Shape = tuple[bool, tuple[bool, ...], int]
# how many people, and the sights of RIGHTS
_Shapes = tuple[int, _Shape, _Shape, _Shape]


def counts_for(
    user: User, keys: Sequence[str], *, people: list[int], now: datetime, tomorrow: datetime
) -> dict[str, int]:
    """How many rows the tabs `keys` have for the user, counted to 100. `people`: the user and who is represented."""
    values, shapes = _values(user, people, now)
    sql = _statement(tuple(keys), shapes)
    with connection.cursor() as cursor:
        cursor.execute(*prepared(sql, values | {"tomorrow": tomorrow}))
        return dict(zip(keys, cursor.fetchone(), strict=True))


def keys_for(user: User, key: str, rows: QuerySet[Any], count: int, *, people: list[int], now: datetime) -> list[int]:
    """The keys of the first `count` of `rows`, which are those of the tab `key` filtered and in order, that the user
    sees. The rows are put in words once, however many parts the sight has, each of which an index gives in that
    order."""
    values, shapes = _values(user, people, now)
    order = [str(name) for name in rows.query.order_by]
    names = [name.lstrip("-") for name in order]
    sql, given = rows.order_by().values_list(*names).query.sql_with_params()
    by = ", ".join(f"{n} {'DESC' if name.startswith('-') else 'ASC'}" for n, name in enumerate(order, 1))
    parts, params = list[str](), list[Any]()
    for part, used in _parts(key, shapes):
        parts.append(f"({sql} AND {part} ORDER BY {by} LIMIT {count})")
        params += [*given, *(values[name] for name in used)]
    whole = parts[0] if len(parts) == 1 else f"{' UNION '.join(parts)} ORDER BY {by} LIMIT {count}"
    with connection.cursor() as cursor:
        cursor.execute(whole, params)
        return [row[-1] for row in cursor.fetchall()]


def _values(user: User, people: list[int], now: datetime) -> tuple[dict[str, Any], _Shapes]:
    values: dict[str, Any] = {"user": user.pk, "unit": user.unit_id, "now": now}
    values |= {"people": people, "people_one": people[0]}
    shapes = list[_Shape]()
    for right in RIGHTS:
        sight, name = sight_of(user, right), _name(right)
        ranges = _ranges(sight)
        owners = sorted(sight.owners)
        values |= {f"{name}_owners": owners, f"{name}_owners_one": owners[0] if owners else None}
        for n, (low, high) in enumerate(ranges):
            values |= {f"{name}_low{n}": low, f"{name}_high{n}": high}
        shapes.append((sight.everything, tuple(low == high for low, high in ranges), min(2, len(owners))))
    view, work, part = shapes
    return values, (min(2, len(people)), view, work, part)


def _ranges(sight: Sight) -> list[tuple[int, int]]:
    """The ranges of units; a narrow one unit by unit: an index gives the order of a list within one."""
    found: list[tuple[int, int]] = []
    for low, high in sight.ranges:
        found += [(no, no) for no in range(low, high + 1)] if high - low < NARROW_UNITS else [(low, high)]
    return found


def _name(right: str) -> str:
    return right.rpartition(".")[2]


@lru_cache(maxsize=256)
def _statement(keys: tuple[str, ...], shapes: _Shapes) -> str:
    counts = [_counted(_SEEN.get(key, "TRUE"), _streams(key, shapes)) for key in keys]
    return f"SELECT {','.join(counts)}"


def _counted(condition: str, streams: Sequence[str]) -> str:
    """The number of cases in any of the streams, each read no further than what is counted."""
    most = MOST_COUNTED + 1
    few = [f"({_CASES} AND {condition} AND {stream}{_by(stream)} LIMIT {most})" for stream in streams]
    found = few[0] if len(few) == 1 else f"{' UNION '.join(few)} LIMIT {most}"
    return f"(SELECT count(*) FROM ({found}) few)"


def _by(stream: str) -> str:
    """The order of the index a range of units is read by: without it the planner, who takes a range for a few rows and
    cases without handler for many open ones, collects or passes by all of them first."""
    if stream == f"{_POOLED}TRUE":
        return " ORDER BY work_unit_no"
    unit_no, is_range, _bounds = stream.removeprefix(_POOLED).partition(" BETWEEN ")
    return f" ORDER BY {unit_no}" if is_range and unit_no.isidentifier() else ""


@lru_cache(maxsize=256)
def _parts(key: str, shapes: _Shapes) -> list[tuple[str, tuple[str, ...]]]:
    """The streams of a tab with `%s` for values, and which those are."""
    found = []
    for stream in _streams(key, shapes):
        pieces = stream.split("%(")
        used = tuple(piece.partition(")s")[0] for piece in pieces[1:])
        found.append((pieces[0] + "".join(f"%s{piece.partition(')s')[2]}" for piece in pieces[1:]), used))
    return found


def _streams(key: str, shapes: _Shapes) -> list[str]:
    """The parts of a tab's rows."""
    people, view, work, part = shapes
    if key == "mine":
        mine = _IS_ONE_OF[people]
        owned, worked = mine.format("owner_id", "people"), mine.format("handler_id", "people")
        return [f"{owned} AND {_OURS}", worked, f"id = ANY(ARRAY({_SIGNED}))"]
    if key == "offered":
        return [_OFFERED]
    if key == "decide":
        return list(_TO_DECIDE)
    if key == "pool":
        pooled = _reached(work, WORK_RIGHT, "work_unit_no", "owner_id")
        return [f"{_POOLED}{one}" for one in pooled]
    return _seen(view, part)


def _reached(shape: _Shape, right: str, unit_no: str, owner: str) -> list[str]:
    """`Sight.streams` in SQL."""
    everything, ranges, owners = shape
    if everything:
        return ["TRUE"]
    name = _name(right)
    found = [
        f"{unit_no} = %({name}_low{n})s" if one else f"{unit_no} BETWEEN %({name}_low{n})s AND %({name}_high{n})s"
        for n, one in enumerate(ranges)
    ]
    if owners:
        found.append(_IS_ONE_OF[owners].format(owner, f"{name}_owners"))
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
