"""Whom forms offer for a part in a contact or matter: near colleagues, and the heads and leads of other departments."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from foundation.common import clock
from outreach.queries import colleague_names
from staff.models import OrgUnit, RoleAssignment, UnitHead, User, holds_on
from staff.roles import ROLES

HANDLE_RIGHT = "interactions.handle"
MOST = 100
_HANDLERS = sorted(code for code, role in ROLES.items() if HANDLE_RIGHT in role.rights())


def heads_elsewhere(user: User) -> list[tuple[int, str]]:
    """Ids and names, with their unit, of the present heads and team leads outside the user's unit who work on matters:
    whom to ask in another department (D§9.2), those of the own branch first. At most 100: one query."""
    day = clock.today()
    heads = UnitHead.objects.filter(holds_on(day), unit__closed_on__isnull=True).values("user")
    handlers = RoleAssignment.objects.filter(role__in=_HANDLERS).values("user")
    people = User.objects.people().filter(Q(pk__in=heads) | Q(led_teams__isnull=False), pk__in=handlers)
    rows = people.exclude(unit=user.unit_id).order_by("unit__no", "name", "pk").distinct()
    found = rows.select_related("unit__parent")[:MOST]
    own = {user.unit_id, user.unit.parent_id}
    near = sorted(found, key=lambda person: not own & {person.unit_id, person.unit.parent_id})
    return [(person.pk, f"{_where(person.unit)} · {person.name}") for person in near]


def _where(unit: OrgUnit) -> str:
    """The unit with its branch: halls and departments of different branches have the same names."""
    parent = unit.parent
    return f"{parent.name} · {unit.name}" if parent is not None and parent.parent_id is not None else unit.name


def people_offered(user: User, near: list[tuple[int, str]], but: int | None = None) -> list[Any]:
    """The choices of a field for a colleague: `near` ones first, then other departments in a group of their own; never
    `but`."""
    known = {key for key, _name in near} | {user.pk, but}
    own: list[Any] = [(str(key), name) for key, name in near if key != but]
    others = [(str(key), name) for key, name in heads_elsewhere(user) if key not in known]
    return [*own, (_("Other departments"), others)] if others else own


def colleagues_offered(user: User, but: int | None = None) -> list[Any]:
    """The same of the user's own colleagues, without the user."""
    return people_offered(user, [(key, name) for key, name in colleague_names(user) if key != user.pk], but)


def with_person(choices: list[Any], person: User) -> list[Any]:
    """The choices with this person first, unless they are among them."""
    known = {key for key, name in choices if isinstance(name, str)}
    known |= {key for _group, people in choices if isinstance(people, list) for key, _name in people}
    return choices if str(person.pk) in known else [(str(person.pk), person.name), *choices]
