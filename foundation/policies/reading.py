"""`policy(key)`: the value in force. All rows are few, so each process keeps them all.

How fresh. The rows carry a stamp, the highest id (writers take turns, so ids appear in order). A thread looks
at the stamp when a request or task begins and whenever it reads outside a transaction, but a process asks the
database at most every two seconds: a change is felt everywhere within that time, at the price of half a query
a second. Inside a transaction nothing is looked at again, so a service that reads twice gets equal values. A
thread that itself changed a policy reads past the shared rows until its transaction ends: it sees its own
change, nobody else does, and a roll-back leaves nothing behind.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Max

from foundation.common import clock
from foundation.policies.kinds import from_stored
from foundation.policies.models import PolicySetting
from foundation.policies.registry import definition

RECHECK_SECONDS = 2.0
DRAFT = 0  # the id of a row that is none yet
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """A setting as readers need it."""

    id: int
    effective_from: datetime
    value: Any
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All settings at one stamp: rows of a place (key, scope, ref) in order of effect, the later decision
    last.
    """

    stamp: int
    rows: dict[Place, list[Row]]

    def in_force(self, place: Place, at: datetime) -> Row | None:
        """The row of `place` that holds at `at`, or None when there is none or it was withdrawn."""
        rows = self.rows.get(place)
        if not rows:
            return None
        found = bisect_right(rows, at, key=lambda row: row.effective_from)
        return rows[found - 1] if found and not rows[found - 1].withdrawn else None


class _Shared:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.snapshot: Snapshot | None = None
        self.checked_at = float("-inf")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        self.begun = True
        self.wrote = False
        self.drafted: _Drafted | None = None


@dataclass(frozen=True, slots=True)
class _Drafted:
    """What a thread reads inside `drafted`: the settings with the drafts among them, those without, and when it is."""

    settings: Snapshot
    kept: Snapshot
    at: datetime


_shared = _Shared()
_thread = _Thread()


def policy(key: str, *, at: datetime | None = None, unit: Any = None, segment: str | None = None) -> Any:
    """The value of `key` in force at `at` (aware; default now): unit over segment over global over the
    shipped value.

    `unit`: an object with `path_ids`, a sequence of unit ids nearest first, or one id; the nearest unit that
    has a value wins. Refuses (RuleBroken `policies.unknown`) a key nobody defined.
    """
    known = definition(key)
    row = row_in_force(key, at=at, unit=unit, segment=segment)
    return known.shipped() if row is None else from_stored(known, row.value)


def row_in_force(key: str, *, at: datetime | None = None, unit: Any = None, segment: str | None = None) -> Row | None:
    """The setting `policy` reads its value from; None where the shipped value holds."""
    settings = snapshot()
    moment = at or (_thread.drafted.at if _thread.drafted else clock.now())
    rows = (settings.in_force(place, moment) for place in places(key, unit, segment))
    return next((row for row in rows if row is not None), None)


def value_of(key: str, version: int | None) -> Any:
    """The value a setting (its id) gave to `key`; of None, or of an id nobody has, the shipped value."""
    known, settings = definition(key), _thread.drafted.kept if _thread.drafted else snapshot()
    if version is not None:
        for (name, _scope, _ref), rows in settings.rows.items():
            if name == key:
                for row in rows:
                    if row.id == version and not row.withdrawn:
                        return from_stored(known, row.value)
    return known.shipped()


@contextmanager
def drafted(drafts: Mapping[Place, Any], at: datetime) -> Iterator[None]:
    """Inside the block this thread reads the policies as they stand at `at`, with these values (as stored; None takes
    the place's own value away) in their places. Nothing is written, no other thread notices.
    """
    before = _thread.drafted
    kept = before.kept if before else snapshot()
    began = datetime.min.replace(tzinfo=UTC)
    rows = {place: [Row(DRAFT, began, value, value is None)] for place, value in drafts.items()}
    _thread.drafted = _Drafted(Snapshot(kept.stamp, {**kept.rows, **rows}), kept, at)
    try:
        yield
    finally:
        _thread.drafted = before


def places(key: str, unit: Any = None, segment: str | None = None) -> list[Place]:
    """Where a value of `key` may stand, the winning place first."""
    found: list[Place] = [(key, PolicySetting.Scope.UNIT.value, str(number)) for number in unit_path(unit)]
    if segment:
        found.append((key, PolicySetting.Scope.SEGMENT.value, segment))
    return [*found, (key, PolicySetting.Scope.GLOBAL.value, "")]


def unit_path(unit: Any) -> Sequence[int]:
    """The ids of a unit and its ancestors, nearest first."""
    if unit is None:
        return ()
    if isinstance(unit, int):
        return (unit,)
    return getattr(unit, "path_ids", unit)


def snapshot() -> Snapshot:
    """The settings this thread works with now."""
    if _thread.drafted is not None:
        return _thread.drafted.settings
    atomic = connection.in_atomic_block
    if _thread.wrote and not atomic:
        _thread.wrote = False
        expire()
    if _thread.wrote:
        if _thread.snapshot is None or _stamp() != _thread.snapshot.stamp:
            _thread.snapshot = _load()
    elif _thread.snapshot is None or _thread.begun or not atomic:
        _thread.snapshot = _refreshed()
        _thread.begun = False
    return _thread.snapshot


def begin_work() -> None:
    """A request or task begins in this thread: look at the stamp again."""
    _thread.begun = True
    if _thread.wrote and not connection.in_atomic_block:
        _thread.wrote = False
        expire()


def note_write() -> None:
    """This thread has written a setting in the running transaction."""
    _thread.wrote = True
    _thread.snapshot = None


def expire() -> None:
    """Ask the database again at the next look, in every thread of this process."""
    _shared.checked_at = float("-inf")


def forget() -> None:
    """Drop everything kept (a forked child, a test)."""
    _shared.__init__()  # type: ignore[misc]
    _thread.__init__()  # type: ignore[misc]


def _refreshed() -> Snapshot:
    with _shared.lock:
        if _shared.snapshot is None or time.monotonic() - _shared.checked_at >= RECHECK_SECONDS:
            looked_at = time.monotonic()
            if _shared.snapshot is None or _stamp() != _shared.snapshot.stamp:
                _shared.snapshot = _load()
            _shared.checked_at = looked_at
        return _shared.snapshot


def _stamp() -> int:
    return PolicySetting.objects.aggregate(stamp=Max("pk"))["stamp"] or 0


def _load() -> Snapshot:
    rows: dict[Place, list[Row]] = {}
    stamp = 0
    columns = ("key", "scope", "scope_ref", "pk", "effective_from", "value", "withdrawn")
    for key, scope, ref, *rest in PolicySetting.objects.order_by("effective_from", "pk").values_list(*columns):
        rows.setdefault((key, scope, ref), []).append(Row(*rest))
        stamp = max(stamp, rest[0])
    return Snapshot(stamp, rows)


os.register_at_fork(after_in_child=forget)
