"""Absence and delegation (D§3.3): who acts, what is refused, what is warned of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.services import set_policy
from staff.absence import acting_for, people_acted_for, team_lead_of
from staff.models import Absence, User
from staff.policies import settlement_limit
from staff.services.absences import create_absence, end_absence, mark_transferred, set_delegate, transfer_due
from staff.services.units import set_unit_head
from tests.factories import TeamFactory, TeamMemberFactory, UnitFactory, UserFactory
from tests.staff.refusals import refused

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 11, 20, 4, 0, tzinfo=UTC)  # a Thursday
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _noon(travel):
    with travel(NOON):
        yield


@pytest.fixture
def lead() -> User:
    return TeamFactory().lead


@pytest.fixture
def agent(lead) -> User:
    return TeamMemberFactory(team=lead.led_teams.get()).user


def away(user: User, actor: User, **more):
    fields = {"reason": "LEAVE", "starts_at": NOON, "ends_at": NOON + 3 * DAY, **more}
    return create_absence(actor=actor, user=user, **fields)


def test_the_delegate_acts_during_the_absence_and_the_owner_before_and_after(agent, lead):
    delegate = UserFactory(role="AGENT")
    away(agent, lead, delegate=delegate)
    acting = [acting_for(agent, NOON + offset) for offset in (-timedelta(minutes=1), timedelta(0), 3 * DAY)]
    assert acting == [agent, delegate, agent]
    assert people_acted_for(delegate, NOON) == [agent]
    assert people_acted_for(delegate, NOON + 3 * DAY) == []


def test_chains_are_followed_for_three_hops(lead):
    people = [UserFactory(role="AGENT") for _n in range(4)]
    for person, delegate in pairwise(people):
        Absence.objects.create(user=person, reason="LEAVE", starts_at=NOON, delegate=delegate)
    assert acting_for(people[0], NOON) == people[3]
    Absence.objects.create(user=people[3], reason="LEAVE", starts_at=NOON, delegate=lead)
    assert acting_for(people[0], NOON) == people[0]  # too long, and no lead: the owner stays responsible


def test_without_a_delegate_or_with_one_who_cannot_the_team_lead_acts(agent, lead):
    absence = away(agent, lead).absence
    assert acting_for(agent, NOON) == lead
    marketing = UserFactory(role="MARKETING")
    Absence.objects.filter(pk=absence.pk).update(delegate=marketing)
    assert acting_for(agent, NOON, right="interactions.take") == lead
    assert acting_for(agent, NOON) == marketing


def test_without_a_present_lead_the_next_head_above_acts(agent, lead):
    top = UnitFactory()
    lead.unit.parent = top
    lead.unit.save()
    agent.unit = lead.unit
    agent.save()
    boss = UserFactory(role="DIRECTOR")
    set_unit_head(top.pk, actor=boss, user=boss, from_day=clock.today())
    away(lead, boss)
    assert team_lead_of(User.objects.get(pk=agent.pk), NOON) == boss


def test_the_day_of_a_head_is_the_business_day(agent, lead):
    lead.is_active = False
    lead.save()
    boss = UserFactory(role="DIRECTOR")
    set_unit_head(agent.unit_id, actor=boss, user=boss, from_day=clock.today(NOON + DAY))
    midnight = datetime(2031, 11, 20, 16, 0, tzinfo=UTC)  # 21 November begins in Shanghai
    assert team_lead_of(agent, midnight - timedelta(seconds=1)) is None
    assert team_lead_of(agent, midnight) == boss


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("absences.times", {"ends_at": NOON}),
        ("absences.open", {"ends_at": None}),
    ],
)
def test_times_that_make_no_sense_are_refused(agent, lead, code, change):
    with refused(code):
        away(agent, lead, **change)
    assert not Absence.objects.exists()
    assert not AuditEntry.objects.filter(verb="absence.created").exists()


def test_two_absences_never_overlap(agent, lead):
    away(agent, lead)
    with refused("absences.overlap"):
        away(agent, lead, starts_at=NOON + 2 * DAY, ends_at=NOON + 9 * DAY)
    away(agent, lead, starts_at=NOON + 3 * DAY, ends_at=NOON + 9 * DAY)
    assert Absence.objects.count() == 2


def test_delegates_who_cannot_act_are_refused_in_words(agent, lead):
    closed = UserFactory(role="AGENT", is_active=False)
    for delegate, code in (
        (agent, "absences.self"),
        (closed, "absences.delegate_closed"),
        (UserFactory(role="MARKETING"), "absences.delegate_rights"),
    ):
        with refused(code):
            away(agent, lead, delegate=delegate)
    with pytest.raises(RuleBroken) as no:
        away(agent, lead, delegate=delegate)
    assert no.value.message.endswith(
        "needs: see customers, work on first-ask matters, take contacts, work on follow-ups."
    )
    assert not Absence.objects.exists()


def test_a_circle_of_delegates_is_refused(agent, lead):
    other, third = UserFactory(role="AGENT"), UserFactory(role="AGENT")
    away(agent, lead, delegate=other)
    with refused("absences.circle"):
        away(other, lead, delegate=agent)
    away(other, lead, delegate=third)
    with refused("absences.circle"):
        away(third, lead, delegate=agent)
    away(third, lead, starts_at=NOON + 3 * DAY, ends_at=NOON + 5 * DAY, delegate=agent)  # at another time it is none


def test_a_chain_of_more_than_three_is_refused(lead):
    people = [UserFactory(role="AGENT") for _n in range(5)]
    for person, delegate in pairwise(people[1:]):
        away(person, lead, delegate=delegate)
    with refused("absences.chain"):
        away(people[0], lead, delegate=people[1])


def test_a_delegate_who_is_away_all_the_time_with_nobody_acting_is_refused(agent, lead):
    other = UserFactory(role="AGENT")
    away(other, lead, ends_at=NOON + 9 * DAY)
    with refused("absences.delegate_away"):
        away(agent, lead, delegate=other)


def test_missing_delegates_and_long_absences_are_warned_of(agent, lead):
    made = away(agent, lead, ends_at=NOON + 31 * DAY)
    assert len(made.warnings) == 2
    assert lead.name in made.warnings[0]
    # Five working days from Thursday noon: noon of the next Thursday in Shanghai.
    assert transfer_due(made.absence) == NOON + 7 * DAY
    assert transfer_due(mark_transferred(made.absence.pk, actor=lead)) is None
    short = away(UserFactory(role="AGENT"), lead, delegate=agent, starts_at=NOON + 40 * DAY, ends_at=NOON + 70 * DAY)
    assert short.warnings == ()


def test_whoever_resigned_is_to_be_transferred_at_once(agent, lead):
    made = away(agent, lead, reason="RESIGNED", ends_at=None, delegate=lead)
    assert transfer_due(made.absence) == NOON + 7 * DAY
    assert len(made.warnings) == 1


def test_an_absence_ends_early_is_taken_back_or_stays_as_it_was(agent, lead):
    running = away(agent, lead).absence
    ended = end_absence(running.pk, actor=lead, at=NOON + DAY)
    assert ended is not None
    assert ended.ends_at == NOON + DAY
    coming = away(agent, lead, starts_at=NOON + 5 * DAY, ends_at=NOON + 6 * DAY).absence
    assert end_absence(coming.pk, actor=lead) is None
    with clock.travel(NOON + 2 * DAY), refused("absences.over"):
        set_delegate(running.pk, actor=lead, delegate=None)


def test_settlement_limits_follow_the_highest_role_and_the_policy(agent, lead):
    assert settlement_limit(agent) == Decimal(50)
    assert settlement_limit(lead) == Decimal(200)
    assert settlement_limit(UserFactory(role="GM")) is None
    assert settlement_limit(UserFactory(role="QA")) == Decimal(0)
    assert settlement_limit(UserFactory(role="GM", is_active=False)) == Decimal(0)
    admin = UserFactory(role="POLICY_ADMIN")
    set_policy("staff.settlement_limits", {"AGENT": "80"}, actor=admin, scope="UNIT", scope_ref=agent.unit_id)
    assert settlement_limit(User.objects.get(pk=agent.pk)) == Decimal(80)
    for wrong in ({"KING": "5"}, {"AGENT": "-1"}, {"AGENT": "much"}, {"AGENT": 1.5}, ["AGENT"]):
        with pytest.raises(RuleBroken):
            set_policy("staff.settlement_limits", wrong, actor=admin)
