"""Merging two archives and taking them apart: by two people, nothing lost, whatever order and whoever at once."""

from __future__ import annotations

import random
from collections import deque
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from customers.finding import search
from customers.merging.reading import merged_set
from customers.merging.services import approve_merge, propose_merge, refuse_merge, withdraw_merge
from customers.merging.undoing import plan_of, undo_merge
from customers.models import (
    Address,
    Consent,
    ContactPoint,
    Customer,
    CustomerFacts,
    DuplicatePair,
    Merge,
    MergeMove,
    Need,
    Relation,
    TimelineLine,
)
from customers.quality import refresh_all
from customers.services import add_need, change_customer, give_consent, set_address, withdraw_consent
from customers.timeline import timeline_page
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import FollowUp
from staff.models import User
from tests.customers.merging_hoard import Look, unequal
from tests.customers.merging_world import archive, differences, snapshot
from tests.customers.people import Operator, customer, operator
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Operator:
    return operator()


@pytest.fixture
def lead(world: Operator) -> User:
    return UserFactory(role="TEAM_LEAD", unit=world.hall)


def merged(survivor: Customer, absorbed: Customer, by: User, second: User, choices: Any = ()) -> Merge:
    merge = propose_merge(survivor.pk, absorbed.pk, actor=by, reason="same person", choices=choices)
    return approve_merge(merge.pk, actor=second)


@pytest.mark.covers("ARC-17")
def test_everything_goes_to_the_survivor_and_old_numbers_find_it(world: Operator, lead: User) -> None:
    keeps = customer(world.hall, "王小明", mobile="13800000001", id_number="110101199003070011")
    goes = customer(world.hall, "王晓明", mobile="13800000002", line="13800000003", id_number="330102199203151234")
    Customer.objects.filter(pk=goes.pk).update(
        created_at=clock.now() - timedelta(days=900), source="old", source_no="K77"
    )
    CustomerFacts.objects.filter(customer=keeps).update(contacts_total=2)
    CustomerFacts.objects.filter(customer=goes).update(contacts_total=3)
    need = add_need(goes.pk, actor=world.clerk, text="wants fibre")
    goes.refresh_from_db()
    merge = merged(keeps, goes, world.clerk, lead)
    keeps.refresh_from_db()
    assert keeps.created_at == goes.created_at and keeps.status == "ACTIVE"
    goes.refresh_from_db()
    assert (goes.merged_into_id, goes.status) == (keeps.pk, "MERGED")
    assert Need.objects.get(pk=need.pk).customer_id == keeps.pk
    points = dict(ContactPoint.objects.filter(customer=keeps).values_list("value", "is_primary"))
    assert points == {"13800000001": True, "13800000002": False}
    assert CustomerFacts.objects.get(customer=keeps).contacts_total == 5
    for text in ("13800000002", "13800000003", goes.number, "K77", "330102199203151234", keeps.number):
        assert [hit.customer_id for hit in search(world.clerk, text)] == [keeps.pk], text
    assert [hit.customer_id for hit in search(world.clerk, "王晓明")] == []
    lines = timeline_page(keeps.pk, since=keeps.created_at, absorbed=merged_set(keeps.pk)[1:]).entries
    assert [entry.title for entry in lines] == [
        f"{goes.number} was merged into this archive ({merge.number})",
        "Need written down",
    ]
    assert AuditEntry.objects.filter(verb="merge.done").values_list("customer_id", flat=True).count() == 2
    assert merge.result["moved"]["customers_contactpoint"] == 1


def test_chosen_fields_come_from_the_absorbed_with_their_history(world: Operator, lead: User) -> None:
    keeps = customer(world.hall, "王小明", id_number="110101199003070011")
    goes = customer(world.hall, "王晓明", id_number="330102199203151234", home_city="杭州")
    merge = merged(keeps, goes, world.clerk, lead, ["name", "document", "home_city"])
    keeps.refresh_from_db()
    goes.refresh_from_db()
    assert (keeps.name, keeps.home_city, keeps.id_number()) == ("王晓明", "杭州", "330102199203151234")
    assert goes.id_number() == "110101199003070011"
    undo_merge(merge.pk, actor=lead, reason="two people")
    keeps.refresh_from_db()
    goes.refresh_from_db()
    assert (keeps.name, keeps.home_city, keeps.id_number()) == ("王小明", "", "110101199003070011")
    assert (goes.name, goes.home_city, goes.id_number(), goes.status) == (
        "王晓明",
        "杭州",
        "330102199203151234",
        "ACTIVE",
    )


def test_it_takes_two_people_with_the_right(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    own = propose_merge(keeps.pk, goes.pk, actor=lead, reason="same person")
    with pytest.raises(NotAllowed, match="two people"):
        approve_merge(own.pk, actor=lead)
    with pytest.raises(NotAllowed, match="role"):
        approve_merge(own.pk, actor=world.clerk)
    guide = UserFactory(role="HALL_GUIDE", unit=world.hall)
    with pytest.raises(NotAllowed, match="role"):
        propose_merge(goes.pk, keeps.pk, actor=guide, reason="same person")
    stranger = UserFactory(role="TEAM_LEAD", unit=world.elsewhere)
    with pytest.raises(Customer.DoesNotExist):
        approve_merge(own.pk, actor=stranger)
    with pytest.raises(RuleBroken, match="proposed already"):
        propose_merge(goes.pk, keeps.pk, actor=world.clerk, reason="same person")
    assert not MergeMove.objects.exists()
    assert set(Customer.objects.values_list("status", flat=True)) == {"ACTIVE"}
    refuse_merge(own.pk, actor=UserFactory(role="DEPT_HEAD", unit=world.branch), reason="other birthday")
    again = propose_merge(keeps.pk, goes.pk, actor=world.clerk, reason="same person")
    with pytest.raises(NotAllowed, match="takes it back"):
        withdraw_merge(again.pk, actor=lead)
    withdraw_merge(again.pk, actor=world.clerk)
    with pytest.raises(RuleBroken, match="decided already"):
        approve_merge(again.pk, actor=lead)
    assert set(Merge.objects.values_list("state", flat=True)) == {"REFUSED", "WITHDRAWN"}


def test_what_cannot_be_merged(world: Operator, lead: User) -> None:
    person = customer(world.hall, "王小明")
    company = customer(world.hall, "王小明", customer_type="ENTERPRISE")
    member = customer(world.hall, "王小明", parent=person)
    erased = customer(world.hall, "", status="ANONYMISED")
    for other, words in ((person, "itself"), (company, "two customers"), (member, "belongs"), (erased, "no customer")):
        with pytest.raises(RuleBroken, match=words):
            propose_merge(person.pk, other.pk, actor=world.clerk, reason="x")
    with pytest.raises(RuleBroken, match="Say why"):
        propose_merge(person.pk, customer(world.hall, "王小明").pk, actor=world.clerk, reason=" ")
    assert not Merge.objects.exists()


def test_a_change_after_the_look_sends_the_approver_back(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    merge = propose_merge(keeps.pk, goes.pk, actor=world.clerk, reason="same person")
    change_customer(goes.pk, actor=world.clerk, version=1, changes={"home_city": "宁波"})
    with pytest.raises(RuleBroken, match="changed meanwhile"):
        approve_merge(merge.pk, actor=lead, versions=(1, 1))
    approve_merge(merge.pk, actor=lead, versions=(1, 2))


def test_unique_keys_each_have_their_rule(world: Operator, lead: User) -> None:
    keeps, goes = (
        customer(world.hall, "王小明", mobile="13800000001"),
        customer(world.hall, "王小明", mobile="13800000001"),
    )
    ContactPoint.objects.filter(customer=keeps).update(verified_at=None)
    for one, street in ((keeps, "文一路1号"), (goes, "文二路2号")):
        set_address(one.pk, actor=world.clerk, kind="HOME", parts={"city": "杭州", "street": street})
        set_address(one.pk, actor=world.clerk, kind="BILLING", parts={"city": "杭州", "street": "一号"})
    before = snapshot()
    merge = merged(keeps, goes, world.clerk, lead)
    point = ContactPoint.objects.get(customer=keeps)
    assert point.verified_at is not None and point.is_primary
    homes = Address.objects.filter(customer=keeps, kind="HOME").values_list("street", "valid_to").order_by("street")
    assert list(homes) == [("文一路1号", None), ("文二路2号", clock.today())]
    assert Address.objects.filter(customer=goes).values_list("kind", flat=True).get() == "BILLING"
    undo_merge(merge.pk, actor=lead, reason="two people")
    assert differences(before, snapshot()) == {}


def test_the_more_restrictive_consent_wins_and_a_later_no_holds_for_both(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    more = {"actor": world.clerk, "purpose": "MARKETING"}
    for one in (keeps, goes):
        give_consent(one.pk, channel="SMS", evidence_kind="FORM", evidence="1", **more)
        give_consent(one.pk, channel="CALL", evidence_kind="FORM", evidence="1", **more)
    withdraw_consent(goes.pk, channel="SMS", **more)
    give_consent(goes.pk, channel="APP", evidence_kind="FORM", evidence="1", **more)
    merge = merged(keeps, goes, world.clerk, lead)

    def states(one: Customer) -> dict[str, str]:
        return dict(Consent.objects.filter(customer=one).values_list("channel", "state"))

    assert states(keeps) == {"SMS": "WITHDRAWN", "CALL": "GRANTED", "APP": "GRANTED"}
    withdraw_consent(keeps.pk, channel="CALL", **more)
    undo_merge(merge.pk, actor=lead, reason="two people")
    assert states(keeps) == {"SMS": "GRANTED", "CALL": "WITHDRAWN"}
    assert states(goes) == {"SMS": "WITHDRAWN", "CALL": "WITHDRAWN", "APP": "GRANTED"}


def test_undo_lists_what_came_since_and_loses_nothing(world: Operator, lead: User) -> None:
    keeps, goes = (
        customer(world.hall, "王小明", mobile="13800000001"),
        customer(world.hall, "王晓明", mobile="13800000002"),
    )
    old = add_need(goes.pk, actor=world.clerk, text="old")
    merge = merged(keeps, goes, world.clerk, lead, ["name"])
    assert plan_of(merge).is_plain
    stays, follows = (add_need(keeps.pk, actor=world.clerk, text=text) for text in ("stays", "follows"))
    Need.objects.filter(pk=old.pk).update(state="MET")
    keeps.refresh_from_db()
    change_customer(keeps.pk, actor=world.clerk, version=keeps.version, changes={"name": "王小民"})
    CustomerFacts.objects.filter(customer=keeps).update(contacts_total=7)
    plan = plan_of(merge)
    assert [one.ref for one in plan.added] == [f"customers_need:{stays.pk}", f"customers_need:{follows.pk}"]
    assert [one.ref for one in plan.worked_on] == [f"customers_need:{old.pk}"]
    assert [(one.move.column, one.move.old, one.now) for one in plan.edited] == [("name", "王小明", "王小民")]
    undo_merge(merge.pk, actor=lead, reason="two people", hand_over=[f"customers_need:{follows.pk}"])
    needs = dict(Need.objects.values_list("text", "customer_id"))
    assert needs == {"old": goes.pk, "stays": keeps.pk, "follows": goes.pk}
    assert Need.objects.get(pk=old.pk).state == "MET"
    keeps.refresh_from_db()
    assert keeps.name == "王小民"
    assert CustomerFacts.objects.get(customer=keeps).contacts_total == 7
    for one in (keeps, goes):
        assert TimelineLine.objects.filter(customer_id=one.pk, kind="merge.undone").count() == 1
    assert [hit.customer_id for hit in search(world.clerk, goes.number)] == [goes.pk]


def test_a_changed_field_gets_its_former_value_when_it_is_chosen(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王晓明")
    merge = merged(keeps, goes, world.clerk, lead, ["name"])
    keeps.refresh_from_db()
    change_customer(keeps.pk, actor=world.clerk, version=keeps.version, changes={"name": "王小民"})
    (edited,) = plan_of(merge).edited
    undo_merge(merge.pk, actor=lead, reason="two people", restore=[edited.ref])
    keeps.refresh_from_db()
    assert keeps.name == "王小明"


def test_a_place_taken_meanwhile_keeps_both_rows(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    fact = {"source": "desk", "purpose": "care", "consent_evidence": "form"}
    older = keeps.profile_fields.create(key="INTERESTS", value="chess", as_of="2026-01-01", **fact)
    newer = goes.profile_fields.create(key="INTERESTS", value="go", as_of="2026-02-01", **fact)
    merge = merged(keeps, goes, world.clerk, lead)
    newer.delete()
    keeps.profile_fields.create(key="INTERESTS", value="tennis", as_of="2026-03-01", **fact)
    undo_merge(merge.pk, actor=lead, reason="two people")
    assert list(keeps.profile_fields.values_list("value", flat=True)) == ["tennis"]
    assert list(goes.profile_fields.values_list("pk", "value")) == [(older.pk, "chess")]


def test_a_chain_leads_to_its_end_and_is_undone_from_there(world: Operator, lead: User) -> None:
    first, second, third = (customer(world.hall, "王小明", mobile=f"1380000000{n}") for n in (1, 2, 3))
    before = snapshot()
    one = merged(second, first, world.clerk, lead)
    middle = snapshot()
    two = merged(third, second, world.clerk, lead)
    assert set(Customer.objects.filter(merged_into=third).values_list("pk", flat=True)) == {first.pk, second.pk}
    assert {hit.customer_id for hit in search(world.clerk, first.number)} == {third.pk}
    with pytest.raises(RuleBroken, match=f"{two.number} came later"):
        undo_merge(one.pk, actor=lead, reason="two people")
    undo_merge(two.pk, actor=lead, reason="two people")
    assert differences(middle, snapshot()) == {}
    undo_merge(one.pk, actor=lead, reason="two people")
    assert differences(before, snapshot()) == {}


def test_an_undo_waits_for_the_merge_that_took_its_place(world: Operator, lead: User) -> None:
    """Two merges of different people meet in a relation: the later one goes first, and nothing stays behind."""
    one, other, low, high = (customer(world.hall, "王小明") for _n in range(4))
    for of, to in ((other, high), (other, low), (one, high)):
        Relation.objects.create(customer=of, other=to, kind="INTRODUCER")
    before = snapshot()
    first = merged(low, high, world.clerk, lead)
    second = merged(one, other, world.clerk, lead)
    between = snapshot()
    with pytest.raises(RuleBroken, match=f"{second.number} came later"):
        undo_merge(first.pk, actor=lead, reason="two people")
    assert differences(between, snapshot()) == {}
    undo_merge(second.pk, actor=lead, reason="two people")
    undo_merge(first.pk, actor=lead, reason="two people")
    assert differences(before, snapshot()) == {}


def test_undo_ends_after_thirty_days_and_with_erasure(world: Operator, lead: User, travel: Any) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    merge = merged(keeps, goes, world.clerk, lead)
    with travel(merge.decided_at + timedelta(days=30)), pytest.raises(RuleBroken, match="could be undone until"):
        undo_merge(merge.pk, actor=lead, reason="two people")
    with transaction.atomic():
        Customer.objects.filter(pk=keeps.pk).update(status="ANONYMISED")
        with pytest.raises(RuleBroken, match="erased"):
            undo_merge(merge.pk, actor=lead, reason="two people")
        transaction.set_rollback(True)
    with travel(merge.decided_at + timedelta(days=29)):
        undo_merge(merge.pk, actor=lead, reason="two people")
    with pytest.raises(RuleBroken, match="Only a merge"):
        undo_merge(merge.pk, actor=lead, reason="two people")


def test_nothing_is_written_for_an_absorbed_archive(world: Operator, lead: User) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    merged(keeps, goes, world.clerk, lead)
    assert not goes.quality_items.exists() and keeps.quality_items.exists()
    with pytest.raises(RuleBroken, match="merged into another"):
        add_need(goes.pk, actor=world.clerk, text="x")
    assert not Customer.objects.visible_to(world.gm).filter(pk=goes.pk).exists()


@pytest.mark.covers("ARC-17")
@pytest.mark.django_db(transaction=True)
def test_fifty_pairs_merged_from_both_sides_at_once_lose_nothing() -> None:
    world = operator()
    leads = [UserFactory(role="TEAM_LEAD", unit=world.hall) for _n in range(2)]
    people = [archive(random.Random(number), world.hall, world.clerk, number) for number in range(1, 101)]
    deque(refresh_all(), maxlen=0)
    look = Look()
    for number in range(50):
        one, other = people[number * 2 : number * 2 + 2]
        FollowUp.objects.filter(customer__in=[one, other]).update(subject=f"pair {number}")
        there = propose_merge(one.pk, other.pk, actor=world.clerk, reason="same person")
        Merge.objects.filter(pk=there.pk).update(state="REFUSED")
        back = propose_merge(other.pk, one.pk, actor=world.clerk, reason="same person")
        Merge.objects.filter(pk=there.pk).update(state="PROPOSED")
        needs = Need.objects.filter(customer__in=[one, other]).count()
        before = look.now()
        outcomes = race(
            lambda there=there: approve_merge(there.pk, actor=leads[0]),
            lambda back=back: approve_merge(back.pk, actor=leads[1]),
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["Merge", "RuleBroken"], outcomes
        done = next(one for one in outcomes if isinstance(one, Merge))
        assert Need.objects.filter(customer=done.survivor).count() == needs
        assert Merge.objects.exclude(pk=done.pk).get(pk__in=[there.pk, back.pk]).state == "OVERTAKEN"
        undo_merge(done.pk, actor=leads[0], reason="two people")
        assert unequal(before, look.now()) == []
    look.close()
    assert not DuplicatePair.objects.exists()
