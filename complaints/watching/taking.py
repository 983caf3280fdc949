"""Who takes what goes up or across: holders of a role near a unit, present ones, never the person complained of
(D§3.2, 3.3, 10.7). One object answers for one sweep or one act; what it read it keeps."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import F, Min, Q

from complaints.models.cases import PART_RIGHT, VIEW_RIGHT
from complaints.team.signing import signers
from foundation.common import clock
from staff.absence import absent_now, acting_for, head_of, team_lead_of
from staff.models import OrgUnit, RoleAssignment, TeamMember, User, holds_on
from staff.roles import ROLES

T = TypeVar("T")
HANDLER, LEAD, DEPT_HEAD, QA, DIRECTOR, GM, COORDINATOR = (
    "HANDLER",
    "TEAM_LEAD",
    "DEPT_HEAD",
    "QA",
    "DIRECTOR",
    "GM",
    "COORDINATOR",
)
# Who stands in for a role nobody present holds.
ABOVE: dict[str, str] = {LEAD: DEPT_HEAD, DEPT_HEAD: DIRECTOR, DIRECTOR: GM, COORDINATOR: DIRECTOR}
PART_ROLES = tuple(code for code, role in ROLES.items() if PART_RIGHT in role.rights())
WORKING_ROLES = ("COMPLAINT_HANDLER", "TEAM_LEAD", "DEPT_HEAD")
MOST_ASKED = 30


class Superiors:
    """The tree of units as it stands at `at`."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self._by_role: dict[tuple[str, int, int | None], User | None] = {}
        self._leads: dict[tuple[int, int | None], User | None] = {}
        self._acting: dict[int, User] = {}
        self._held: dict[str, list[RoleAssignment]] = {}
        self._kept: dict[Any, Any] = {}

    def kept(self, key: Hashable, work_out: Callable[[], T]) -> T:
        """What `work_out` gave the first time it was asked for `key`."""
        if key not in self._kept:
            self._kept[key] = work_out()
        return self._kept[key]

    @property
    def absent(self) -> set[int]:
        """Ids of who is absent."""
        return self.kept("absent", lambda: absent_now(self.at))

    def know_leads(self, people: Iterable[User]) -> None:
        """Ask for the leads of many at once: of those whose team has a present one; the others' heads unit by unit."""
        new = {person.pk: person for person in people if (person.pk, None) not in self._leads}
        led = TeamMember.objects.filter(holds_on(clock.today(self.at)), user__in=new, team__lead__is_active=True)
        led = led.exclude(team__lead__in=self.absent).exclude(team__lead=F("user"))
        lead_of = dict(led.values_list("user").annotate(lead=Min("team__lead")))
        leads = User.objects.select_related("unit").in_bulk(set(lead_of.values()))
        for key, person in new.items():
            lead = leads[lead_of[key]] if key in lead_of else self._head_above(person)
            self._leads[key, None] = lead

    def _head_above(self, person: User) -> User | None:
        unit = person.unit
        head = self.kept(("head", unit.pk), lambda: head_of(unit, self.at, but=set()))
        return head if head is None or head.pk != person.pk else head_of(unit, self.at, but={person.pk})

    def lead_of(self, person: User, accused: int | None) -> User | None:
        """The present lead of `person`, or the one above, but not the person complained of."""
        key = (person.pk, accused)
        if key not in self._leads:
            self._leads[key] = team_lead_of(person, self.at, but={accused} if accused else None)
        return self._leads[key]

    def holder(self, role: str, unit: OrgUnit, accused: int | None) -> User | None:
        """Who holds `role` for the unit: the nearest one above it, else one anywhere; when absent, who acts for them;
        with nobody, the role above. None when nobody is left."""
        key = (role, unit.pk, accused)
        if key not in self._by_role:
            found = self._nearest(role, unit, accused)
            if found is None and role in ABOVE:
                found = self.holder(ABOVE[role], unit, accused)
            self._by_role[key] = found
        return self._by_role[key]

    def stand_in(self, person: User, case_id: int | None = None) -> User:
        """Who does the part of `person` now (D§3.3); of a case somebody signed for at the change of shift, who did
        (D§9.3)."""
        if case_id is not None and (signer := self._signers.get((case_id, person.pk))) is not None:
            return self.stand_in(signer)
        if person.pk not in self.absent:
            return person
        if person.pk not in self._acting:
            self._acting[person.pk] = acting_for(person, self.at, right=VIEW_RIGHT)
        return self._acting[person.pk]

    @property
    def _signers(self) -> dict[tuple[int, int], User]:
        return self.kept("signers", self._who_signed)

    def _who_signed(self) -> dict[tuple[int, int], User]:
        found = signers(self.at)
        people = User.objects.select_related("unit").in_bulk(set(found.values()))
        return {key: people[signer] for key, signer in found.items()}

    def _nearest(self, role: str, unit: OrgUnit, accused: int | None) -> User | None:
        """The nearest holder at or above the unit; QA and coordinators also of other units, GM anywhere."""
        held = self._assignments(role)
        above = [one for one in held if one.unit.no <= unit.no <= one.unit.last_no]
        others = [] if role in (LEAD, DEPT_HEAD, DIRECTOR) else [one for one in held if one not in above]
        for one in sorted(above, key=lambda row: (-row.unit.no, row.user_id)) + others:
            if one.user_id == accused:
                continue
            person = self.stand_in(one.user)
            if person.pk != accused and person.is_active:
                return person
        return None

    def _assignments(self, role: str) -> list[RoleAssignment]:
        if role not in self._held:
            rows = RoleAssignment.objects.filter(holds_on(clock.today(self.at)), role=role, user__is_active=True)
            self._held[role] = list(rows.select_related("user__unit", "unit").order_by("unit__no", "user_id"))
        return self._held[role]


def who_work_in(unit: OrgUnit, at: datetime, but: Iterable[int | None] = ()) -> list[User]:
    """Those who may take a case offered to the unit: its handlers, leads and head; at most 30."""
    return _with_roles(WORKING_ROLES, unit, at, but)


def who_do_parts(unit: OrgUnit, at: datetime, but: Iterable[int | None] = ()) -> list[User]:
    """Those of the unit who answer parts; at most 30."""
    return _with_roles(PART_ROLES, unit, at, but)


def _with_roles(codes: Iterable[str], unit: OrgUnit, at: datetime, but: Iterable[int | None]) -> list[User]:
    roles = RoleAssignment.objects.filter(holds_on(clock.today(at)), role__in=codes, unit=unit)
    people = User.objects.people().filter(pk__in=roles.values("user"))
    return list(
        people.exclude(Q(pk__in=[key for key in but if key])).select_related("unit").order_by("pk")[:MOST_ASKED]
    )
