"""Who is told what about an export. The bell hangs in an app above; it registers how to ring it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from foundation.common import clock
from staff.exports.models import Export
from staff.models import RoleAssignment, User, holds_on
from staff.roles import ROLES

APPROVE_RIGHT = "exports.approve"


class News(StrEnum):
    """What happened."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    EXPIRED = "expired"
    READY = "ready"


Teller = Callable[[User, Export, News], None]
_tellers: list[Teller] = []


def register_teller(teller: Teller) -> None:
    """Add a way to tell a person something, in the caller's transaction. Registering twice counts once."""
    if teller not in _tellers:
        _tellers.append(teller)


def tell(people: list[User], export: Export, news: News) -> None:
    """Tell each of `people`."""
    for teller in _tellers:
        for person in people:
            teller(person, export, news)


def officers(but: User | None = None) -> list[User]:
    """Those who may decide about exports today."""
    roles = [code for code, role in ROLES.items() if APPROVE_RIGHT in role.rights()]
    held = RoleAssignment.objects.filter(holds_on(clock.today()), role__in=roles).values("user")
    people = User.objects.people().filter(pk__in=held).order_by("pk")
    return list(people.exclude(pk=but.pk) if but is not None else people)
