"""Hand-overs: offered and accepted, refused, lapsed, ordered; between units at most three times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from complaints import tasks
from complaints.models import Complaint, ComplaintMove, Handover, Seat
from complaints.services import handing, responsible, working
from complaints.sharing.times import times_of
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import Notification, OutMessage
from staff.models import Absence, User
from staff.services.handover import reassign_all
from tests.complaints.cases import Office, case, office
from tests.factories import UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Iterator[Office]:
    with clock.travel(MORNING):
        yield office()


def refused(code: str, act: Callable[..., Any], *args: Any, **more: Any) -> None:
    """The act is refused with this code and leaves nothing behind."""
    seen = ComplaintMove.objects.count(), AuditEntry.objects.count(), Handover.objects.count()
    with pytest.raises(RuleBroken) as no:
        act(*args, **more)
    assert no.value.code == code
    assert seen == (ComplaintMove.objects.count(), AuditEntry.objects.count(), Handover.objects.count())


def kinds(person: User) -> list[str]:
    rows = Notification.objects.filter(user=person).order_by("pk").values_list("kind", flat=True)
    return [kind.partition(".")[2] for kind in rows]


def elsewhere(role: str = "COMPLAINT_HANDLER") -> User:
    """Somebody of another unit."""
    return UserFactory(role=role, unit=UnitFactory(function="DEPARTMENT"))


@pytest.mark.covers("CMP-06", "CMP-08")
def test_work_is_offered_accepted_refused_with_a_reason_and_withdrawn(at: Office) -> None:
    one = case(at, "INVESTIGATING")
    other = elsewhere()
    offer = handing.offer_case(one.pk, actor=at.handler, role="HANDLER", to=other, note="network matter")
    assert offer.until == MORNING + 2 * HOUR and offer.number == 1
    assert kinds(other) == ["offered"] and Complaint.objects.visible_to(other).filter(pk=one.pk).exists()
    refused("complaint.offered", handing.offer_case, one.pk, actor=at.handler, role="HANDLER", to=at.other, note="")
    refused("complaint.not_offered", handing.accept_offer, offer.pk, actor=at.other)
    refused("complaint.no_reason", handing.refuse_offer, offer.pk, actor=other, reason=" ")
    handing.refuse_offer(offer.pk, actor=other, reason="billing, not network")
    offer.refresh_from_db()
    assert (offer.state, offer.reason) == ("REFUSED", "billing, not network")
    assert kinds(at.handler) == ["offer_refused"] and not Seat.objects.filter(user=other).exists()
    refused("complaint.not_offered", handing.accept_offer, offer.pk, actor=other)

    second = handing.offer_case(one.pk, actor=at.handler, role="HANDLER", to_unit=other.unit, note="please")
    with clock.travel(MORNING + HOUR):
        taken = handing.accept_offer(second.pk, actor=other)
    assert (taken.handler, taken.work_unit, taken.work_unit_no, taken.passes) == (other, other.unit, other.unit.no, 1)
    assert second.number == 2 and Handover.objects.get(pk=second.pk).taken_by == other
    assert kinds(at.handler) == ["offer_refused", "offer_taken"]
    acts = list(ComplaintMove.objects.filter(complaint=one).order_by("pk").values_list("act", flat=True))
    assert acts == ["OFFERED", "OFFER_REFUSED", "OFFERED", "OFFER_TAKEN"]
    with clock.travel(MORNING + 2 * HOUR):
        third = handing.offer_case(one.pk, actor=other, role="HANDLER", to=at.other, note="")
        handing.withdraw_handover(third.pk, actor=other)
    assert Handover.objects.get(pk=third.pk).state == "WITHDRAWN" and not Seat.objects.exists()

    # Who had it, and how long, pauses apart.
    with clock.travel(MORNING + 3 * HOUR):
        holders, units = times_of(Complaint.objects.select_related("work_unit").get(pk=one.pk), clock.now())
    assert [(held.key, held.minutes, held.paused) for held in holders] == [(at.handler.pk, 60, 0), (other.pk, 120, 0)]
    assert [(held.key, held.working) for held in units] == [(at.unit.pk, 60), (other.unit_id, 120)]


@pytest.mark.covers("CMP-06")
def test_a_new_owner_accepts_or_is_ordered_and_the_customer_hears_of_it(at: Office) -> None:
    one = case(at, "INVESTIGATING")
    refused("complaint.offer_whom", handing.offer_case, one.pk, actor=at.agent, role="OWNER", to_unit=at.unit, note="")
    refused("complaint.same_person", handing.offer_case, one.pk, actor=at.agent, role="OWNER", to=at.agent, note="")
    refused(
        "complaint.not_yours_to_offer", handing.offer_case, one.pk, actor=at.other, role="OWNER", to=at.other, note=""
    )
    accused = UserFactory(role="AGENT", unit=at.unit)
    about = case(at, "INVESTIGATING", about_staff=accused)
    refused("complaint.about_them", handing.offer_case, about.pk, actor=at.agent, role="OWNER", to=accused, note="")
    away = UserFactory(role="AGENT", unit=at.unit)
    Absence.objects.create(user=away, reason="LEAVE", starts_at=MORNING - HOUR, delegate=at.other)
    refused("complaint.absent", handing.offer_case, one.pk, actor=at.agent, role="OWNER", to=away, note="")
    offer = handing.offer_case(one.pk, actor=at.agent, role="OWNER", to=at.other, note="on leave from Monday")
    handing.accept_offer(offer.pk, actor=at.other)
    one.refresh_from_db()
    assert (one.owner, one.handler) == (at.other, at.handler)
    told = OutMessage.objects.get(template="complaint_new_owner")
    assert told.params["colleague"] == at.other.staff_no and told.customer_id == one.customer_id
    handing.order_case(one.pk, actor=at.lead, role="OWNER", to=at.agent, reason="back")
    one.refresh_from_db()
    assert one.owner == at.agent and OutMessage.objects.filter(template="complaint_new_owner").count() == 2
    refused("complaint.no_right", handing.order_case, one.pk, actor=at.handler, role="OWNER", to=at.other, reason="x")
    refused(
        "complaint.out_of_reach", handing.order_case, one.pk, actor=at.lead, role="OWNER", to=elsewhere(), reason="x"
    )
    assert Handover.objects.get(ordered=True).state == "ACCEPTED"


@pytest.mark.covers("CMP-08")
def test_an_offer_nobody_answers_lapses_once_also_when_found_late(at: Office) -> None:
    one = case(at, "INVESTIGATING")
    grave = case(at, "INVESTIGATING", grade="MAJOR")
    offer = handing.offer_case(one.pk, actor=at.handler, role="HANDLER", to=at.other, note="")
    quick = handing.offer_case(grave.pk, actor=at.handler, role="HANDLER", to=at.other, note="")
    assert quick.until == MORNING + HOUR / 2
    with clock.travel(MORNING + HOUR):
        tasks.settle_dues()
        assert [row.state for row in Handover.objects.order_by("pk")] == ["OFFERED", "LAPSED"]
    with clock.travel(MORNING + 9 * HOUR):
        refused("complaint.offer_lapsed", handing.accept_offer, offer.pk, actor=at.other)
        tasks.settle_dues()
        tasks.settle_dues()
    offer.refresh_from_db()
    assert (offer.state, offer.decided_at) == ("LAPSED", MORNING + 9 * HOUR)
    assert kinds(at.handler).count("offer_lapsed") == kinds(at.lead).count("offer_lapsed") == 2
    assert not Seat.objects.filter(why="OFFER").exists()
    one.refresh_from_db()
    assert one.handler == at.handler


@pytest.mark.covers("CMP-08")
def test_after_three_hand_overs_between_units_the_coordinator_decides(at: Office) -> None:
    one = case(at, "ASSIGNED")
    people = [elsewhere(), elsewhere(), elsewhere()]
    holder = at.handler
    for person in people:
        offer = handing.offer_case(one.pk, actor=holder, role="HANDLER", to=person, note="yours")
        handing.accept_offer(offer.pk, actor=person)
        holder = person
    one.refresh_from_db()
    assert (one.passes, one.handler, one.state) == (3, holder, "INVESTIGATING")
    asked = handing.offer_case(one.pk, actor=holder, role="HANDLER", to_unit=at.unit, note="theirs after all")
    assert (asked.for_decision, asked.to, asked.until) == (True, at.boss, MORNING + 4 * HOUR)
    refused("complaint.not_offered", handing.accept_offer, asked.pk, actor=at.other)
    refused("complaint.no_right", responsible.decide_unit, asked.pk, actor=at.lead, unit=at.unit, reason="x")
    with clock.travel(MORNING + 5 * HOUR):
        tasks.settle_dues()
        tasks.settle_dues()
        asked.refresh_from_db()
        assert asked.state == "OFFERED" and asked.noticed_at == clock.now()
        assert kinds(at.boss) == ["to_decide", "undecided"]
        responsible.decide_unit(asked.pk, actor=at.boss, unit=at.unit, reason="the bill is wrong, not the line")
    one.refresh_from_db()
    assert (one.work_unit, one.passes) == (at.unit, 4) and one.handler in (at.lead, at.head, at.boss)
    assert "taken_away" in kinds(holder)
    asked.refresh_from_db()
    assert (asked.state, asked.ordered, asked.to_unit) == ("ACCEPTED", True, at.unit)


@pytest.mark.covers("CMP-08")
def test_work_nobody_accepts_goes_back_to_the_pool_and_all_work_of_a_leaver_to_one(at: Office) -> None:
    one = case(at, "ASSESSED")
    working.assign_complaint(one.pk, actor=at.lead, to=at.handler)
    with clock.travel(MORNING + 3 * HOUR):
        tasks.watch_complaints()
        tasks.watch_complaints()
    one.refresh_from_db()
    assert (one.state, one.handler, one.last_handler) == ("ASSIGNED", None, at.handler)
    assert "escalated" in kinds(at.lead) or "missed" in kinds(at.lead)
    with clock.travel(MORNING + 4 * HOUR):
        working.claim_complaint(one.pk, actor=at.other)
    busy = case(at, "INVESTIGATING")
    moved = reassign_all(at.handler.pk, actor=at.head, to=at.other)
    assert moved["complaints"] == 1
    busy.refresh_from_db()
    assert busy.handler == at.other and busy.owner == at.agent
    moved = reassign_all(at.agent.pk, actor=at.head, to=at.other)
    assert moved["complaints"] == 2
    busy.refresh_from_db()
    assert busy.owner == at.other
    assert OutMessage.objects.filter(template="complaint_new_owner").count() == 2
    assert kinds(at.other).count("ordered_to") == 2
