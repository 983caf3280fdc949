"""The sample operator's tree of units, its staff, and one demo user per role that has pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.contrib.auth.hashers import make_password

from customers.sample import words_zh as words
from customers.sample.draw import Draw
from customers.sample.people import given_name, surname
from foundation.calendars.queries import ROUND_THE_CLOCK, STANDARD
from foundation.common import clock
from staff.models import Absence, OrgUnit, RoleAssignment, Shift, Team, TeamMember, UnitHead, User
from staff.roles import ROLES

DEMO_ROLES = tuple(code for code, role in ROLES.items() if "workspace" in role.modules)
SHIFT_HOURS = ((8, 16), (12, 20))


@dataclass
class Branch:
    """A city branch: its units and the account managers who work in it."""

    city: str
    districts: tuple[str, ...]
    accounts: OrgUnit
    halls: list[OrgUnit]
    managers: list[User] = field(default_factory=list)


@dataclass
class Organisation:
    """What the archive and the history are spread over."""

    call_centre: OrgUnit
    branches: list[Branch]
    units: list[OrgUnit]
    staff: list[User]
    by_role: dict[str, list[User]]
    teams: dict[str, Team]


class _Tree:
    """Units numbered depth-first while they are laid out (recipes §6)."""

    def __init__(self) -> None:
        self.units: list[OrgUnit] = []

    def unit(self, code: str, name: str, function: str, parent: OrgUnit | None = None, **more: str) -> OrgUnit:
        made = OrgUnit(code=code, name=name, function=function, parent=parent, **more)
        made.no = made.last_no = len(self.units) + 1
        self.units.append(made)
        above = parent
        while above is not None:
            above.last_no = made.no
            above = above.parent
        return made


def build(draw: Draw, password: str) -> Organisation:
    """Write units, staff, roles, teams, heads and this week's shifts. `password` is given to the demo users only."""
    tree, kind = _Tree(), OrgUnit.Function
    hq = tree.unit("HQ", words.UNIT_HQ, kind.HEADQUARTERS, calendar_code=STANDARD)
    centre = tree.unit("CC", words.UNIT_CALL_CENTRE, kind.CALL_CENTRE, hq, calendar_code=ROUND_THE_CLOCK)
    support = {
        code: tree.unit(code, name, kind.DEPARTMENT, hq)
        for code, name in (
            ("SUP", words.UNIT_SUPPORT),
            ("QA", words.UNIT_QUALITY),
            ("MKT", words.UNIT_MARKETING),
            ("FIN", words.UNIT_FINANCE),
            ("IT", words.UNIT_IT),
        )
    }
    branches: list[Branch] = []
    services: list[tuple[OrgUnit, OrgUnit]] = []
    for index, (city, code, districts) in enumerate(words.CITIES):
        branch = tree.unit(f"BR-{code}", words.UNIT_BRANCH.format(city=city), kind.BRANCH, hq, area=city)
        services.append(
            (branch, tree.unit(f"{code}-SVC", words.UNIT_BRANCH_SERVICE, kind.DEPARTMENT, branch, area=city))
        )
        accounts = tree.unit(f"{code}-ACC", words.UNIT_BRANCH_ACCOUNTS, kind.DEPARTMENT, branch, area=city)
        halls = [
            tree.unit(f"{code}-H{number}", name, kind.HALL, branch, area=city)
            for number, name in enumerate(words.UNIT_HALLS[: 3 if index == 0 else 2], start=1)
        ]
        branches.append(Branch(city, districts, accounts, halls))
    for made in tree.units:  # parents first, so that each finds its parent's key
        made.save()

    people = _People(draw, password)
    people.hire("GM", hq, head=True)
    people.hire("DPO", hq)
    people.hire("UNIT_HANDLER", support["SUP"], head=True)
    people.hire("UNIT_HANDLER", support["SUP"])
    people.hire("QA", support["QA"], head=True)
    people.hire("QA", support["QA"])
    people.hire("MARKETING", support["MKT"], head=True)
    people.hire("FINANCE_DUNNING", support["FIN"], head=True)
    people.hire("SYS_ADMIN", support["IT"], head=True)
    people.hire("POLICY_ADMIN", support["IT"])
    people.hire("DEPT_HEAD", centre, head=True)
    people.hire("COORDINATOR", centre)
    for name in words.TEAM_NAMES:
        people.team(centre, name, lead=people.hire("TEAM_LEAD", centre))
        role, count = ("COMPLAINT_HANDLER", 3) if name == words.TEAM_NAMES[-1] else ("AGENT", 6)
        for _ in range(count):
            people.join(people.hire(role, centre), name)
    people.join(people.hire("ROAMING_AGENT", centre, skills=["ROAMING"]), words.TEAM_NAMES[0])
    for place, (top, service) in zip(branches, services, strict=True):
        people.hire("DIRECTOR", top, head=True)
        people.hire("DEPT_HEAD", service, head=True)
        lead = people.hire("TEAM_LEAD", place.accounts, head=True)
        team = words.TEAM_ACCOUNTS + place.accounts.code
        people.team(place.accounts, words.TEAM_ACCOUNTS, lead=lead, key=team)
        for role in ("ACCOUNT_MANAGER", "ACCOUNT_MANAGER", "PROJECT_MANAGER"):
            manager = people.hire(role, place.accounts)
            people.join(manager, team)
            if role == "ACCOUNT_MANAGER":
                place.managers.append(manager)
        for hall in place.halls:
            people.team(hall, words.TEAM_HALL, lead=people.hire("TEAM_LEAD", hall, head=True), key=hall.code)
            for role in ("HALL_GUIDE", "HALL_CLERK", "HALL_CLERK"):
                people.join(people.hire(role, hall), hall.code)
    people.write()
    return Organisation(centre, branches, tree.units, people.hired, people.by_role, people.teams)


class _People:
    """Staff taken on one after another, written in one go. The first of each role is its demo user."""

    def __init__(self, draw: Draw, password: str) -> None:
        self.draw = draw
        self.shared_hash = make_password(password)  # once: hashing for each would take most of the start
        self.hired: list[User] = []
        self.by_role: dict[str, list[User]] = {}
        self.roles: list[RoleAssignment] = []
        self.heads: list[UnitHead] = []
        self.teams: dict[str, Team] = {}
        self.members: list[tuple[str, User]] = []

    def hire(self, role: str, unit: OrgUnit, *, head: bool = False, skills: list[str] | None = None) -> User:
        place = len(self.hired) + 1
        is_demo = role not in self.by_role
        gender = "F" if self.draw.chance(0.55) else "M"
        user = User(
            username=role.lower() if is_demo else f"s{10_000 + place}",
            name=surname(self.draw) + given_name(self.draw, gender),
            staff_no=str(10_000 + place),
            extension=str(8_000 + place),
            unit=unit,
            skills=skills or [],
            joined_on=clock.today() - timedelta(days=self.draw.whole(400, 3_000)),
            password=self.shared_hash if is_demo else make_password(None),
        )
        self.hired.append(user)
        self.by_role.setdefault(role, []).append(user)
        self.roles.append(RoleAssignment(user=user, role=role, unit=unit, from_day=user.joined_on))
        if head:
            self.heads.append(UnitHead(unit=unit, user=user, from_day=user.joined_on))
        return user

    def team(self, unit: OrgUnit, name: str, *, lead: User, key: str | None = None) -> None:
        self.teams[key or name] = Team(unit=unit, name=name, lead=lead)
        self.members.append((key or name, lead))

    def join(self, user: User, team: str) -> None:
        self.members.append((team, user))

    def write(self) -> None:
        User.objects.bulk_create(self.hired)
        RoleAssignment.objects.bulk_create(self.roles)
        UnitHead.objects.bulk_create(self.heads)
        Team.objects.bulk_create(self.teams.values())
        TeamMember.objects.bulk_create(
            TeamMember(team=self.teams[team], user=user, from_day=user.joined_on) for team, user in self.members
        )
        away, stand_in = self.by_role["AGENT"][3], self.by_role["AGENT"][0]
        begun = clock.business_midnight(clock.today())
        Absence.objects.create(
            user=away, reason="LEAVE", starts_at=begun, ends_at=begun + timedelta(days=4), delegate=stand_in
        )
        Shift.objects.bulk_create(_shifts([user for key in words.TEAM_NAMES for user in self._of(key)]))

    def _of(self, team: str) -> list[User]:
        return [user for key, user in self.members if key == team]


def _shifts(agents: list[User]) -> list[Shift]:
    """A week of shifts from today for the call centre, early and late by turns."""

    def moment(day: date, hour: int) -> datetime:
        return datetime.combine(day, time(hour), tzinfo=clock.BUSINESS_ZONE)

    return [
        Shift(
            user=user,
            starts_at=moment(day, SHIFT_HOURS[(place + ahead) % 2][0]),
            ends_at=moment(day, SHIFT_HOURS[(place + ahead) % 2][1]),
            is_lead=place == 0,
        )
        for place, user in enumerate(agents)
        for ahead in range(7)
        if (place + ahead) % 7 < 5
        for day in [clock.today() + timedelta(days=ahead)]
    ]
