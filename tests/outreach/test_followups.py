"""Promises: who may do what with them, and that the clock never forgets one nor nags twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from customers.models import TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach import delivery, tasks
from outreach.models import FollowUp, FollowUpMove, FollowUpNotice, Notification, OutMessage
from outreach.services import (
    cancel_followup,
    claim_next,
    complete_followup,
    hand_over_if_overdue,
    owe_followup,
    reassign_followup,
    record_attempt,
    remind_if_due,
    reschedule_followup,
)
from staff.handover import open_work
from staff.models import Absence, UnitHead
from tests.factories import CustomerFactory, TeamFactory, TeamMemberFactory, UserFactory
from tests.outreach.making import MORNING, owe, team_of_two
from tests.outreach.peer import Mailbox
from tests.racing import race

pytestmark = pytest.mark.usefixtures("morning")

Travel = Callable[[datetime], AbstractContextManager[None]]


def refused(code: str, act: Callable[..., Any], *args: Any, **more: Any) -> None:
    with pytest.raises(RuleBroken) as no:
        act(*args, **more)
    assert no.value.code == code


def bells(user: Any) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


@pytest.mark.django_db
def test_a_promise_needs_words_an_owner_who_can_and_a_moment_to_come() -> None:
    agent, _lead = team_of_two()
    vendor = UserFactory(role="VENDOR")
    refused("followup.no_subject", owe, agent, subject="  ")
    refused("followup.unknown_kind", owe, agent, kind="PARTY")
    refused("followup.bad_due", owe, agent, minutes=0)
    refused("followup.bad_due", owe, agent, minutes=60 * 24 * 366 * 6)
    refused("followup.owner_cannot", owe, agent, owner=vendor) if False else refused(
        "followup.owner_cannot", owe, vendor
    )
    refused("followup.customer_gone", owe, agent, customer=CustomerFactory(status="DECEASED"))
    refused("followup.no_team", owe, agent, pooled=True)
    assert not FollowUp.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
def test_the_same_promise_is_written_once() -> None:
    agent, _lead = team_of_two()
    first = owe(agent, dedupe_key="contact-1")
    again = owe(agent, dedupe_key="contact-1", minutes=5, subject="other")
    assert again.pk == first.pk
    assert (again.subject, FollowUp.objects.count(), FollowUpMove.objects.count()) == ("Ring back", 1, 1)


@pytest.mark.django_db(transaction=True)
def test_the_same_promise_asked_by_many_at_once_is_written_once() -> None:
    agent, _lead = team_of_two()
    made = race(*[lambda: owe(agent, dedupe_key="contact-1")] * 6)
    assert len({follow_up.pk for follow_up in made}) == 1
    assert FollowUp.objects.count() == 1
    assert FollowUpMove.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.covers("INT-18")
def test_from_promise_over_reminder_and_hand_over_to_the_outcome(travel: Travel, peer: Mailbox) -> None:
    agent, lead = team_of_two()
    customer = CustomerFactory()
    follow_up = owe(agent, minutes=1, customer=customer)
    assert tasks.remind_due_followups() == 0
    with travel(MORNING + timedelta(minutes=1)):
        assert tasks.remind_due_followups() == 1
        assert tasks.remind_due_followups() == 0
        assert tasks.hand_over_overdue_followups() == 0
    with travel(MORNING + timedelta(minutes=31)):
        assert tasks.hand_over_overdue_followups() == 1
        assert tasks.hand_over_overdue_followups() == 0
        delivery.deliver_due()
    follow_up.refresh_from_db()
    assert (follow_up.owner_id, follow_up.handed_to_id) == (agent.pk, lead.pk)
    assert bells(agent) == ["followup.due"]
    assert bells(lead) == ["followup.overdue"]
    assert [(letter["To"], letter["Subject"]) for letter in peer.letters] == [
        ("agent@example.test", f"Due now: {follow_up.number}"),
        ("lead@example.test", f"Overdue: {follow_up.number}"),
    ]
    with travel(MORNING + timedelta(minutes=40)):
        record_attempt(follow_up.pk, actor=lead, outcome="REACHED", note="spoke with her")
        complete_followup(follow_up.pk, actor=lead, result="told her the date")
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.owner_id, follow_up.done_by_id) == ("DONE", agent.pk, lead.pk)
    assert (follow_up.attempts, follow_up.last_outcome) == (1, "REACHED")
    assert list(TimelineLine.objects.order_by("pk").values_list("kind", flat=True)) == [
        "followup.owed",
        "followup.reminded",
        "followup.handed_over",
        "followup.attempt",
        "followup.done",
    ]
    assert list(FollowUpMove.objects.order_by("pk").values_list("act", "actor", "on_behalf_of")) == [
        ("OWED", agent.pk, None),
        ("REMINDED", None, None),
        ("HANDED_OVER", None, None),
        ("DONE", lead.pk, agent.pk),
    ]
    with travel(MORNING + timedelta(days=3)):
        assert (tasks.remind_due_followups(), tasks.hand_over_overdue_followups()) == (0, 0)


@pytest.mark.django_db
def test_a_clock_that_was_away_for_days_gives_each_notice_once(travel: Travel) -> None:
    agent, lead = team_of_two()
    head = UserFactory(role="DEPT_HEAD")
    UnitHead.objects.create(unit=lead.unit, user=head, from_day=clock.today())
    follow_up = owe(agent, minutes=1)
    with travel(MORNING + timedelta(days=3)):
        for _round in range(5):
            tasks.remind_due_followups()
            tasks.hand_over_overdue_followups()
    assert (bells(agent), bells(lead), bells(head)) == (["followup.due"], ["followup.overdue"], ["followup.overdue"])
    assert list(FollowUpNotice.objects.order_by("level").values_list("level", "told")) == [
        (0, agent.pk),
        (1, lead.pk),
        (2, head.pk),
    ]
    follow_up.refresh_from_db()
    assert follow_up.next_notice_at is None


@pytest.mark.django_db
def test_a_moved_promise_is_reminded_anew_and_the_old_moment_never_again(travel: Travel) -> None:
    agent, lead = team_of_two()
    follow_up = owe(agent, minutes=1)
    with travel(MORNING + timedelta(minutes=31)):
        tasks.remind_due_followups()
        tasks.hand_over_overdue_followups()
        attempt = record_attempt(
            follow_up.pk, actor=agent, outcome="NO_ANSWER", next_at=clock.now() + timedelta(hours=1)
        )
        assert attempt.next_at == MORNING + timedelta(minutes=91)
        assert tasks.remind_due_followups() == 0
    follow_up.refresh_from_db()
    assert (follow_up.handed_to_id, follow_up.next_level) == (None, 0)
    with travel(MORNING + timedelta(minutes=91)):
        assert tasks.remind_due_followups() == 1
    assert bells(agent) == ["followup.due"] * 2
    assert bells(lead) == ["followup.overdue"]


@pytest.mark.django_db(transaction=True)
def test_clocks_that_run_doubled_remind_once() -> None:
    agent, _lead = team_of_two()
    late = MORNING + timedelta(hours=1)
    ids = [owe(agent, minutes=1).pk for _ in range(5)]
    jobs = [lambda: sum(remind_if_due(pk, now=late) for pk in ids)] * 4
    assert sum(race(*jobs)) == 5
    jobs = [lambda: sum(hand_over_if_overdue(pk, now=late) for pk in ids)] * 4
    assert sum(race(*jobs)) == 5
    assert FollowUpNotice.objects.count() == 10
    assert OutMessage.objects.count() == 10


@pytest.mark.django_db
def test_the_delegate_is_reminded_and_may_act_while_the_owner_stays(travel: Travel) -> None:
    agent, _lead = team_of_two()
    stand_in = UserFactory(role="AGENT", unit=agent.unit)
    follow_up = owe(agent, minutes=1)
    refused("followup.not_yours", complete_followup, follow_up.pk, actor=stand_in)
    Absence.objects.create(user=agent, reason="LEAVE", starts_at=MORNING, delegate=stand_in)
    with travel(MORNING + timedelta(minutes=1)):
        tasks.remind_due_followups()
        assert (bells(agent), bells(stand_in)) == ([], ["followup.due"])
        assert list(FollowUp.objects.visible_to(stand_in)) == [follow_up]
        complete_followup(follow_up.pk, actor=stand_in)
    follow_up.refresh_from_db()
    assert (follow_up.owner_id, follow_up.done_by_id) == (agent.pk, stand_in.pk)
    assert FollowUpMove.objects.get(act="DONE").on_behalf_of == agent


@pytest.mark.django_db
def test_only_a_lead_of_both_gives_work_to_another() -> None:
    agent, lead = team_of_two()
    mate = TeamMemberFactory(team=agent.team_memberships.get().team).user
    stranger = UserFactory(role="AGENT")
    follow_up = owe(agent)
    refused("followup.not_yours_to_assign", reassign_followup, follow_up.pk, actor=agent, to=mate)
    refused(
        "followup.not_yours_to_assign", reassign_followup, follow_up.pk, actor=UserFactory(role="TEAM_LEAD"), to=mate
    )
    refused("followup.owner_out_of_reach", reassign_followup, follow_up.pk, actor=lead, to=stranger)
    refused("followup.same_owner", reassign_followup, follow_up.pk, actor=lead, to=agent)
    assert FollowUpMove.objects.count() == 1
    reassign_followup(follow_up.pk, actor=lead, to=mate, reason="leave")
    follow_up.refresh_from_db()
    assert (follow_up.owner_id, follow_up.unit_no) == (mate.pk, mate.unit.no)
    assert bells(mate) == ["followup.given"]


@pytest.mark.django_db
def test_what_is_closed_stays_closed() -> None:
    agent, _lead = team_of_two()
    done, gone = owe(agent), owe(agent)
    complete_followup(done.pk, actor=agent)
    refused("followup.no_reason", cancel_followup, gone.pk, actor=agent, reason=" ")
    cancel_followup(gone.pk, actor=agent, reason="customer came by")
    later = clock.now() + timedelta(hours=1)
    for pk in (done.pk, gone.pk):
        refused("followup.closed", complete_followup, pk, actor=agent)
        refused("followup.closed", cancel_followup, pk, actor=agent, reason="x")
        refused("followup.closed", reschedule_followup, pk, actor=agent, due_at=later)
        refused("followup.closed", record_attempt, pk, actor=agent, outcome="BUSY")
    assert list(FollowUp.objects.order_by("pk").values_list("state", "result")) == [
        ("DONE", ""),
        ("CANCELLED", "customer came by"),
    ]


@pytest.mark.django_db
def test_get_next_takes_by_skill_then_priority_then_due() -> None:
    agent, lead = team_of_two()
    agent.skills = ["ROAMING"]
    agent.save()
    team = agent.team_memberships.get().team
    pool: dict[str, Any] = {"team": team, "pooled": True}
    slow = owe(lead, minutes=10, **pool)
    foreign_skill = owe(lead, minutes=1, skill="NETWORK", priority=1, **pool)
    roaming = owe(lead, minutes=90, skill="ROAMING", priority=2, **pool)
    other_team = owe(lead, minutes=1, team=TeamFactory(), pooled=True, priority=1)
    urgent = owe(lead, minutes=300, priority=1, **pool)
    taken = [claim_next(actor=agent) for _ in range(4)]
    assert taken == [urgent, roaming, slow, None]
    assert set(FollowUp.objects.filter(owner=agent)) == {urgent, roaming, slow}
    assert set(FollowUp.objects.filter(pooled=True)) == {foreign_skill, other_team}


@pytest.mark.django_db(transaction=True)
def test_two_people_asking_for_the_next_get_two_different_ones() -> None:
    agent, lead = team_of_two()
    team = agent.team_memberships.get().team
    people = [agent, *(TeamMemberFactory(team=team).user for _ in range(3))]
    pool = {owe(lead, team=team, pooled=True).pk for _ in range(3)}
    got = race(*[lambda person=person: claim_next(actor=person) for person in people])
    assert {follow_up.pk for follow_up in got if follow_up} == pool
    assert [follow_up for follow_up in got if follow_up is None] == [None]


@pytest.mark.django_db
def test_a_foreign_follow_up_is_not_seen_a_handed_one_is(travel: Travel) -> None:
    agent, _lead = team_of_two()
    other = UserFactory(role="TEAM_LEAD")
    follow_up = owe_followup(
        customer=None, kind="TASK", owner=agent, due_at=MORNING + timedelta(minutes=1), subject="x", actor=None
    )
    assert not FollowUp.objects.visible_to(other).exists()
    FollowUp.objects.filter(pk=follow_up.pk).update(handed_to=other)
    assert FollowUp.objects.visible_to(other).exists()
    with pytest.raises(NotAllowed):
        complete_followup(follow_up.pk, actor=UserFactory(role="AGENT"))
    complete_followup(follow_up.pk, actor=other)


@pytest.mark.django_db
@pytest.mark.covers("STF-13")
def test_all_work_of_an_absent_person_moves_in_one_act_or_not_at_all() -> None:
    agent, lead = team_of_two()
    mate = TeamMemberFactory(team=agent.team_memberships.get().team).user
    for _n in range(3):
        owe(agent)
    complete_followup(owe(agent).pk, actor=agent)
    [work] = [kind for kind, _number in open_work(agent) if kind.kind == "followups"]
    assert work.count(agent) == 3
    with pytest.raises(NotAllowed):
        work.move(agent, UserFactory(role="AGENT"), lead)
    assert work.count(agent) == 3
    with transaction.atomic():
        assert work.move(agent, mate, lead) == 3
    assert (work.count(agent), work.count(mate)) == (0, 3)
    assert bells(mate) == ["followup.many_given"]
    assert FollowUpMove.objects.filter(act="REASSIGNED", old_owner=agent, new_owner=mate, actor=lead).count() == 3
