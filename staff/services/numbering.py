"""Numbers of units: depth-first, each unit a range with room for what comes, every old number kept until no row has it.

A unit that gets another number keeps the old one as a former number, so rights are right at every moment; the job
`staff.restamp_units` gives the rows the new number in pieces (recipes §6). Upper apps say which tables carry unit
numbers: `register_stamped` in `AppConfig.ready()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Max

from foundation.common import clock
from foundation.jobs.running import RunningJob
from staff.models import OrgUnit, UnitFormerNo

PIECE = 5_000
LEAF_ROOM = 15  # places for units below a unit that has none yet
WRITERS_GONE = timedelta(hours=1)  # longer than any transaction that may still write the old number
HIGHEST = 1 << 30


@dataclass(frozen=True)
class Stamped:
    """A table whose rows carry a unit's number.

    `key`: its primary key. `follows`: tables with a `unit_no` of their own keyed to this one, as (table, column).
    """

    table: str
    unit_no: str = "unit_no"
    key: str = "id"
    follows: Sequence[tuple[str, str]] = ()


_stamped: dict[tuple[str, str], Stamped] = {}


def register_stamped(stamped: Stamped) -> None:
    """Make a table known to the re-stamping. Raises ValueError for two registrations of one column."""
    if _stamped.setdefault((stamped.table, stamped.unit_no), stamped) != stamped:
        raise ValueError(f"{stamped.table} is registered twice")


class Tree:
    """All units in memory, under a lock that holds until the caller's transaction ends."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('staff_tree'))")
        self.units = {unit.pk: unit for unit in OrgUnit.objects.order_by("no")}
        self.below: dict[int | None, list[OrgUnit]] = {}
        for unit in self.units.values():
            self.below.setdefault(unit.parent_id, []).append(unit)
        self.former = sorted(UnitFormerNo.objects.values_list("no", flat=True))
        self.has_moved = False
        self._wanted: dict[int, int] = {}

    def subtree(self, unit: OrgUnit) -> list[OrgUnit]:
        """The unit and all below it."""
        found = [unit]
        for one in found:
            found += self.below.get(one.pk, [])
        return found

    def room(self, unit: OrgUnit | None) -> int:
        """How many numbers a unit with all below it is given; None: a unit without any below."""
        below = self.below.get(unit.pk, []) if unit is not None else []
        used = sum(self.room(child) for child in below)
        wanted = self._wanted.get(unit.pk, 0) if unit is not None else 0
        return 1 + used + max(LEAF_ROOM, used // 2) + wanted

    def place_below(self, parent: OrgUnit | None, room: int) -> int:
        """The first of `room` free numbers below `parent` (None: beside the roots).

        Where there are not so many, the lowest unit above that finds room is numbered anew, with all below it.
        """
        if parent is None:
            return self._end() + 1
        if self._fits(parent, room):
            return self._tail(parent)
        self._wanted[parent.pk] = room
        top = parent
        while top.parent_id is not None and not self._fits(self.units[top.parent_id], self.room(top)):
            top = self.units[top.parent_id]
        start = self._tail(self.units[top.parent_id]) if top.parent_id is not None else self._end() + 1
        self.assign(top, start, self.room(top))
        del self._wanted[parent.pk]
        return self._tail(parent)

    def assign(self, unit: OrgUnit, start: int, room: int) -> None:
        """Give the unit the numbers from `start` on and renumber what is below it; old numbers become former ones."""
        if unit.no != start:
            UnitFormerNo.objects.create(no=unit.no, unit=unit)
            self.former = sorted([*self.former, unit.no])
            self.has_moved = True
        unit.no, unit.last_no = start, start + room - 1
        unit.save(update_fields=["no", "last_no"])
        place = start + 1
        for child in self.below.get(unit.pk, []):
            needed = self.room(child)
            self.assign(child, place, needed)
            place += needed

    def _fits(self, parent: OrgUnit, room: int) -> bool:
        return self._tail(parent) + room - 1 <= parent.last_no

    def _tail(self, parent: OrgUnit) -> int:
        taken = [child.last_no for child in self.below.get(parent.pk, [])]
        taken += [no for no in self.former if parent.no <= no <= parent.last_no]
        return max([parent.no, *taken]) + 1

    def _end(self) -> int:
        return max([0, *(unit.last_no for unit in self.units.values()), *self.former])


@transaction.atomic
def renumber_all() -> int:
    """Number the whole tree anew, densely from 1 when no old number is in use there; returns how many units moved."""
    tree = Tree()
    roots = tree.below.get(None, [])
    needed = sum(tree.room(root) for root in roots)
    lowest = min([unit.no for unit in tree.units.values()] + tree.former, default=1)
    start = 1 if lowest > needed else tree.place_below(None, needed)
    before = {unit.pk: unit.no for unit in tree.units.values()}
    for root in roots:
        room = tree.room(root)
        tree.assign(root, start, room)
        start += room
    return sum(1 for unit in tree.units.values() if before[unit.pk] != unit.no)


def restamp_units(job: RunningJob) -> None:
    """The job: give every row under a former number its unit's number; forget numbers no row can have any more."""
    if (OrgUnit.objects.aggregate(last=Max("last_no"))["last"] or 0) > HIGHEST:
        renumber_all()
    rows = 0
    waiting = list(UnitFormerNo.objects.order_by("since", "no"))
    for done, former in enumerate(waiting):
        for stamped in _stamped.values():
            while piece := _restamp_piece(stamped, former.no):
                rows += piece
                job.progress(done, len(waiting), rows=rows)
        if former.since <= clock.now() - WRITERS_GONE:
            former.delete()
        job.progress(done + 1, len(waiting), rows=rows)


@transaction.atomic
def _restamp_piece(stamped: Stamped, old: int) -> int:
    # The number is read under a share lock: a move that commits meanwhile would make it a former one too.
    unit = OrgUnit.objects.select_for_update(no_key=True).filter(former_numbers__no=old).first()
    if unit is None:
        return 0
    quote = connection.ops.quote_name
    table, key, column = quote(stamped.table), quote(stamped.key), quote(stamped.unit_no)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {column} = %s WHERE {key} = ANY(ARRAY("
            f"SELECT {key} FROM {table} WHERE {column} = %s LIMIT %s)) AND {column} = %s RETURNING {key}",
            [unit.no, old, PIECE, old],
        )
        keys = [row[0] for row in cursor.fetchall()]
        for follower, to_key in stamped.follows:
            cursor.execute(
                f'UPDATE {quote(follower)} SET "unit_no" = %s WHERE {quote(to_key)} = ANY(%s)',
                [unit.no, keys],
            )
    return len(keys)
