"""Writing the tree of units: made, renamed, moved, closed; who heads them."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.calendars.models import WorkCalendar
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.jobs.services import start_job
from staff.models import OrgUnit, UnitHead, User
from staff.services.numbering import Tree

RESTAMP = "staff.restamp_units"


@transaction.atomic
def create_unit(
    *,
    actor: User | None,
    code: str,
    name: str,
    function: str,
    parent: OrgUnit | None = None,
    area: str = "",
    calendar_code: str = "STANDARD",
) -> OrgUnit:
    """A new unit below `parent` (None: a root of its own).

    Refuses (RuleBroken) a code in use (`units.code_taken`), a name its parent has already (`units.name_taken`), a
    closed parent (`units.closed`), a calendar that does not exist (`units.calendar`).
    """
    tree = Tree()
    parent = tree.units[parent.pk] if parent is not None else None
    if any(unit.code.lower() == code.lower() for unit in tree.units.values()):
        raise RuleBroken("units.code_taken", _("The code %(code)s is in use.") % {"code": code})
    _check_name(tree, name, parent)
    _check_open(parent)
    _check_calendar(calendar_code)
    room = tree.room(None)
    start = tree.place_below(parent, room)
    unit = OrgUnit.objects.create(
        code=code,
        name=name,
        function=function,
        parent=parent,
        area=area,
        calendar_code=calendar_code,
        no=start,
        last_no=start + room - 1,
    )
    record("unit.created", target=unit, actor=actor, unit_id=unit.pk, detail={"code": code})
    _restamp(tree, actor)
    return unit


@transaction.atomic
def change_unit(unit_id: int, *, actor: User, name: str, function: str, area: str, calendar_code: str) -> OrgUnit:
    """Give a unit another name, function, area or calendar. Refuses as `create_unit`."""
    tree = Tree()
    unit = tree.units[unit_id]
    if name != unit.name:
        _check_name(tree, name, tree.units[unit.parent_id] if unit.parent_id is not None else None)
    _check_calendar(calendar_code)
    wanted = {"name": name, "function": function, "area": area, "calendar_code": calendar_code}
    changed = {field: getattr(unit, field) for field, value in wanted.items() if getattr(unit, field) != value}
    if changed:
        for field in changed:
            setattr(unit, field, wanted[field])
        unit.save(update_fields=list(changed))
        detail = {field: [old, wanted[field]] for field, old in changed.items()}
        record("unit.changed", target=unit, actor=actor, unit_id=unit.pk, detail=detail)
    return unit


@transaction.atomic
def move_unit(unit_id: int, *, actor: User, parent: OrgUnit | None) -> OrgUnit:
    """Hang a unit with all below it under another parent (None: make it a root).

    From the commit on the people above see its rows, and those it left do not, whatever number the rows still
    carry; a job re-stamps them. Refuses a parent inside the unit (`units.circle`), a closed one (`units.closed`),
    a name the new parent has already (`units.name_taken`).
    """
    tree = Tree()
    unit = tree.units[unit_id]
    parent = tree.units[parent.pk] if parent is not None else None
    old = unit.parent_id
    if (parent.pk if parent is not None else None) == old:
        return unit
    if parent is not None and parent in tree.subtree(unit):
        raise RuleBroken("units.circle", _("A unit cannot hang below itself."))
    _check_open(parent)
    _check_name(tree, unit.name, parent)
    room = tree.room(unit)
    start = tree.place_below(parent, room)
    tree.below[old].remove(unit)
    unit.parent = parent
    unit.save(update_fields=["parent"])
    tree.assign(unit, start, room)
    detail = {"from": old, "to": parent.pk if parent is not None else None, "no": unit.no}
    record("unit.moved", target=unit, actor=actor, unit_id=unit.pk, detail=detail)
    _restamp(tree, actor)
    return unit


@transaction.atomic
def close_unit(unit_id: int, *, actor: User, on: date | None = None) -> OrgUnit:
    """Close a unit from `on` (default today). Refuses while people (`units.has_people`) or open units
    (`units.has_units`) are in it."""
    tree = Tree()
    unit = tree.units[unit_id]
    if any(child.closed_on is None for child in tree.below.get(unit.pk, [])):
        raise RuleBroken("units.has_units", _("Close or move the units below it first."))
    if User.objects.filter(unit=unit, is_active=True).exists():
        raise RuleBroken("units.has_people", _("People still belong to this unit: give them another one first."))
    unit.closed_on = on or clock.today()
    unit.save(update_fields=["closed_on"])
    record("unit.closed", target=unit, actor=actor, unit_id=unit.pk, detail={"on": unit.closed_on.isoformat()})
    return unit


@transaction.atomic
def set_unit_head(unit_id: int, *, actor: User, user: User | None, from_day: date) -> UnitHead | None:
    """Make `user` head of the unit from a day on (None: nobody); whoever is head then ends the day before.

    Refuses a person who no longer works here (`units.head_left`), and a beginning before one already planned
    (`units.head_planned`).
    """
    unit = OrgUnit.objects.select_for_update(no_key=True).get(pk=unit_id)
    if user is not None and not user.is_active:
        raise RuleBroken("units.head_left", _("This account is closed."))
    if unit.heads.filter(from_day__gt=from_day).exists():
        raise RuleBroken("units.head_planned", _("Another head is already planned for a later day."))
    unit.heads.filter(from_day=from_day).delete()
    unit.heads.filter(from_day__lt=from_day, to_day__isnull=True).update(to_day=from_day - timedelta(days=1))
    unit.heads.filter(from_day__lt=from_day, to_day__gte=from_day).update(to_day=from_day - timedelta(days=1))
    head = UnitHead.objects.create(unit=unit, user=user, from_day=from_day) if user is not None else None
    detail = {"user": user.pk if user is not None else None, "from": from_day.isoformat()}
    record("unit.head_set", target=unit, actor=actor, unit_id=unit.pk, detail=detail)
    return head


def _check_name(tree: Tree, name: str, parent: OrgUnit | None) -> None:
    siblings = tree.below.get(parent.pk if parent is not None else None, [])
    if any(sibling.name == name for sibling in siblings):
        raise RuleBroken("units.name_taken", _("There is a unit called “%(name)s” there.") % {"name": name})


def _check_open(parent: OrgUnit | None) -> None:
    if parent is not None and parent.closed_on is not None:
        raise RuleBroken("units.closed", _("“%(name)s” is closed.") % {"name": parent.name})


def _check_calendar(code: str) -> None:
    if not WorkCalendar.objects.filter(code=code).exists():
        raise RuleBroken("units.calendar", _("There is no calendar “%(code)s”.") % {"code": code})


def _restamp(tree: Tree, actor: User | None) -> None:
    if tree.has_moved:
        start_job(RESTAMP, actor=actor)
