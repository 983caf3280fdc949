"""Who sees which rows: scopes, delegation, moved units; and what asking costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.common import clock
from staff.models import Absence, RoleAssignment, UnitFormerNo, User
from staff.rights import forget_cached, joined, rights_of, sight_of, unit_ranges
from tests.factories import TeamFactory, TeamMemberFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 11, 20, 4, 0, tzinfo=UTC)


def again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_a_role_gives_its_rights_on_its_days_only():
    user = UserFactory()
    day = clock.today()
    RoleAssignment.objects.create(user=user, role="AGENT", unit=user.unit, from_day=day, to_day=day)
    RoleAssignment.objects.create(user=user, role="GM", unit=user.unit, from_day=day + timedelta(days=1))
    assert "interactions.take" in rights_of(user)
    assert not user.has_perm("customers.export")
    with clock.travel(clock.now() + timedelta(days=1)):
        assert again(user).has_perm("customers.export")
        assert again(user).needs_second_factor


def test_an_inactive_user_may_and_sees_nothing():
    user = UserFactory(role="GM", is_active=False)
    assert rights_of(user) == {}
    assert sight_of(user, "customers.view") == sight_of(UserFactory(), "customers.view")
    assert not sight_of(user, "customers.view").covers(unit_no=user.unit.no, owner_id=user.pk)


def test_a_unit_role_sees_the_units_below_and_its_own_rows_anywhere():
    unit = UnitFactory(no=100, last_no=120)
    user = UserFactory(role="DEPT_HEAD", unit=unit)
    sight = sight_of(user, "customers.view")
    assert (sight.everything, sight.ranges, sight.owners) == (False, ((100, 120),), frozenset({user.pk}))
    assert sight.covers(unit_no=120)
    assert not sight.covers(unit_no=121)
    assert sight.covers(unit_no=5, owner_id=user.pk)


def test_a_lead_sees_the_own_team_only():
    team = TeamFactory()
    mate = TeamMemberFactory(team=team).user
    stranger = TeamMemberFactory().user
    seen = set(User.objects.visible_to(team.lead))
    assert mate in seen
    assert stranger not in seen


def test_several_roles_join_their_ranges():
    low, high = UnitFactory(no=10, last_no=19), UnitFactory(no=20, last_no=29)
    far = UnitFactory(no=50, last_no=50)
    user = UserFactory(role="AGENT", unit=low)
    for unit in (high, far):
        RoleAssignment.objects.create(user=user, role="AGENT", unit=unit)
    assert sight_of(user, "customers.view").ranges == ((10, 29), (50, 50))
    assert joined([(5, 9), (1, 3), (4, 4), (8, 12)]) == ((1, 12),)


def test_former_numbers_count_for_their_unit_and_not_for_the_one_they_lie_in():
    left = UnitFactory(no=100, last_no=120)
    moved = UnitFactory(no=300, last_no=303)
    UnitFormerNo.objects.create(no=110, unit=moved)
    assert unit_ranges(left) == ((100, 109), (111, 120))
    assert unit_ranges(moved) == ((110, 110), (300, 303))
    user = UserFactory(role="AGENT", unit=moved)
    assert sight_of(user, "customers.view").ranges == ((110, 110), (300, 303))


def test_a_delegate_sees_what_the_absent_person_sees_only_while_absent():
    absent, delegate = UserFactory(role="AGENT"), UserFactory(role="AGENT")
    Absence.objects.create(
        user=absent, reason="LEAVE", starts_at=NOON, ends_at=NOON + timedelta(hours=2), delegate=delegate
    )
    numbers = {"unit_no": absent.unit.no, "owner_id": absent.pk}
    for minutes, seen in ((-1, False), (0, True), (119, True), (120, False)):
        with clock.travel(NOON + timedelta(minutes=minutes)):
            assert sight_of(again(delegate), "customers.view").covers(**numbers) is seen, minutes


def test_the_same_user_object_notices_an_absence_after_half_a_minute():
    absent, delegate = UserFactory(role="AGENT"), UserFactory(role="AGENT")
    with clock.travel(NOON):
        assert not sight_of(delegate, "customers.view").covers(unit_no=absent.unit.no)
        Absence.objects.create(user=absent, reason="LEAVE", starts_at=NOON, delegate=delegate)
    with clock.travel(NOON + timedelta(seconds=31)):
        assert sight_of(delegate, "customers.view").covers(unit_no=absent.unit.no)


def test_a_delegate_by_chain_sees_all_of_them_and_a_fourth_hop_does_not_count():
    people = [UserFactory(role="AGENT") for _n in range(5)]
    for person, delegate in pairwise(people):
        Absence.objects.create(user=person, reason="LEAVE", starts_at=NOON, delegate=delegate)
    with clock.travel(NOON):
        owners = sight_of(again(people[4]), "outreach.view").owners
    assert owners == {person.pk for person in people[1:]}


def test_delegation_opens_rows_but_never_a_right_the_delegate_lacks():
    lead, agent = UserFactory(role="TEAM_LEAD"), UserFactory(role="AGENT")
    Absence.objects.create(user=lead, reason="LEAVE", starts_at=NOON, delegate=agent)
    with clock.travel(NOON):
        assert not again(agent).has_perm("customers.export")
        assert sight_of(again(agent), "customers.export").owners == frozenset()
        assert sight_of(again(agent), "customers.view").covers(unit_no=lead.unit.no)


def test_the_delegate_of_one_who_left_still_sees_the_work():
    gone, delegate = UserFactory(role="AGENT", is_active=False), UserFactory(role="AGENT")
    Absence.objects.create(user=gone, reason="RESIGNED", starts_at=NOON, delegate=delegate)
    with clock.travel(NOON):
        assert sight_of(again(delegate), "customers.view").covers(unit_no=0, owner_id=gone.pk)


def test_permissions_of_a_page_cost_two_queries_whatever_is_asked():
    team = TeamFactory()
    for _n in range(3):
        TeamMemberFactory(team=team)
    absent = UserFactory(role="TEAM_LEAD")
    TeamMemberFactory(team=TeamFactory(lead=absent))
    Absence.objects.create(user=absent, reason="LEAVE", starts_at=clock.now(), delegate=team.lead)
    lead = again(team.lead)
    with CaptureQueriesContext(connection) as queries:
        for right in ("customers.view", "outreach.view", "staff.view", "jobs.view", "workspace.board"):
            lead.has_perm(right)
            sight_of(lead, right)
    assert len(queries) == 2  # the standing; the teams of all TEAM scopes at once


def test_forgetting_reads_again():
    user = UserFactory()
    assert not user.has_perm("workspace.home")
    RoleAssignment.objects.create(user=user, role="AGENT", unit=user.unit)
    assert not user.has_perm("workspace.home")
    forget_cached(user)
    assert user.has_perm("workspace.home")
