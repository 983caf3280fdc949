"""The complaint desks of the generated operator: one a branch, its handlers, its lead, its head, its director."""

from __future__ import annotations

from bench.world import BRANCHES, UNITS_A_BRANCH
from foundation.common import clock
from staff.models import OrgUnit, RoleAssignment, Team, TeamMember, User

PEOPLE = {"desk_lead": "TEAM_LEAD", "desk_head": "DEPT_HEAD", "desk_boss": "DIRECTOR"}


def make_desks() -> None:
    """Heads of every desk, and one handler."""
    for b in range(BRANCHES):
        unit, branch = desk(b), OrgUnit.objects.get(code=f"B{b}")
        for name, role in PEOPLE.items():
            _person(f"{name}{b}", role, branch if role == "DIRECTOR" else unit)
        Team.objects.create(unit=unit, lead=User.objects.get(username=f"desk_lead{b}"), name=f"Complaints {b}")
    add_handlers(0, 0, 1)


def desk(branch: int) -> OrgUnit:
    """The unit of a branch that works on complaints."""
    return OrgUnit.objects.get(code=f"B{branch}H{UNITS_A_BRANCH - 1}")


def of_desk(branch: int) -> list[int]:
    """The handlers of a desk in the order they came."""
    people = User.objects.filter(username__startswith=f"desk{branch}-").order_by("pk")
    return list(people.values_list("pk", flat=True))


def add_handlers(branch: int, low: int, high: int) -> None:
    """Handlers of a desk, those of numbers low to high."""
    unit = desk(branch)
    names = [f"desk{branch}-{n}" for n in range(low, high)]
    people = User.objects.bulk_create(
        User(username=name, name=f"Handler {name[4:]}", staff_no=name, unit=unit) for name in names
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=person, role="COMPLAINT_HANDLER", unit=unit) for person in people
    )
    team, day = Team.objects.get(unit=unit), clock.today()
    TeamMember.objects.bulk_create(TeamMember(team=team, user=person, from_day=day) for person in people)


def _person(name: str, role: str, unit: OrgUnit) -> User:
    user = User.objects.create(username=name, name=name, staff_no=name, unit=unit)
    RoleAssignment.objects.create(user=user, role=role, unit=unit)
    return user
