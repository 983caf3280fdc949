"""Which archives may be one person: the score with its reasons, and the nightly run over everybody."""

from __future__ import annotations

import itertools
import random
from datetime import date

import pytest

from customers.finding import rebuild_find_rows
from customers.merging import batch
from customers.merging.late import bring_late_rows
from customers.merging.score import Known, known_of, score_pair
from customers.merging.services import approve_merge, propose_merge
from customers.merging.undoing import undo_merge
from customers.models import Address, Customer, DuplicateBlock, DuplicatePair, Need
from customers.services import find_duplicates
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from tests.customers.merging_world import archive
from tests.customers.people import Operator, customer, operator
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
CARD, OTHER_CARD = "110101199003070011", "330102199203151234"


@pytest.fixture
def world() -> Operator:
    return operator()


@pytest.mark.parametrize(
    ("one", "other", "score", "band", "codes"),
    [
        ({"id_hash": b"a"}, {"id_hash": b"a"}, 100, "AUTO", ["id"]),
        (
            {"name": "王小明", "numbers": {"138"}, "verified": {"138"}},
            {"name": "王小明", "numbers": {"138"}},
            100,
            "AUTO",
            ["phone_verified", "name"],
        ),
        (
            {"name": "王小明", "numbers": {"138"}},
            {"name": "王小明", "numbers": {"138"}},
            75,
            "REVIEW",
            ["name", "phone"],
        ),
        ({"name": "a", "pinyin": "x"}, {"name": "b", "pinyin": "x"}, 20, "LEAVE", ["pinyin"]),
        (
            {"name": "a", "birth_date": date(1990, 3, 7)},
            {"name": "a", "birth_date": date(1990, 3, 7)},
            60,
            "REVIEW",
            ["name", "birthday"],
        ),
        (
            {"name": "a", "id_hash": b"a", "id_type": "ID_CARD", "numbers": {"1"}},
            {"name": "a", "id_hash": b"b", "id_type": "ID_CARD", "numbers": {"1"}},
            15,
            "LEAVE",
            ["name", "phone", "other_id"],
        ),
        ({"streets": {"S"}, "emails": {"e"}}, {"streets": {"S"}, "emails": {"e"}}, 55, "REVIEW", ["email", "address"]),
        (
            {"customer_type": "PERSON", "id_hash": b"a"},
            {"customer_type": "ENTERPRISE", "id_hash": b"a"},
            0,
            "LEAVE",
            [],
        ),
        ({"birth_date": None}, {"birth_date": None}, 0, "LEAVE", []),
    ],
)
def test_the_score_of_a_pair(one: dict, other: dict, score: int, band: str, codes: list[str]) -> None:
    match = score_pair(Known(**one), Known(**other))
    assert (match.score, match.band, match.codes) == (score, band, codes)
    assert all(str(abs(step.value)) in words for step, words in zip(match.why.steps, match.why.in_words(), strict=True))


def test_the_warning_at_entry_is_ordered_by_the_score(world: Operator) -> None:
    named = customer(world.hall, "王小明")
    phoned = customer(world.hall, "李四", mobile="13800000001")
    both = customer(world.hall, "王小明", mobile="13800000001")
    same = customer(world.hall, "赵六", id_number=CARD)
    found = find_duplicates(world.clerk, name="王小明", phone="13800000001", id_number=CARD)
    assert [one.customer_id for one in found] == [same.pk, both.pk, phoned.pk, named.pk] or [
        one.customer_id for one in found
    ] == [both.pk, same.pk, phoned.pk, named.pk]
    assert {one.customer_id: (one.match.score, one.match.band) for one in found} == {
        same.pk: (100, "AUTO"),
        both.pk: (100, "AUTO"),
        phoned.pk: (60, "REVIEW"),
        named.pk: (40, "LEAVE"),
    }


@pytest.mark.covers("ARC-17")
def test_the_night_agrees_with_the_pair_by_pair_score(world: Operator) -> None:
    draw = random.Random(7)
    people = [archive(draw, world.hall, world.clerk, n) for n in range(1, 40)]
    for row in draw.sample(people, 12):
        Address.objects.get_or_create(
            customer=row, kind="HOME", valid_to=None, defaults={"street": " Long 路 ", "city": "a"}
        )
    Customer.objects.filter(pk=people[0].pk).update(quality_marks=["BIRTHDAY_PLACEHOLDER"])
    rebuild_find_rows([row.pk for row in people])
    known = known_of([row.pk for row in people])
    expected = {}
    for low, high in itertools.combinations(sorted(known), 2):
        one, other = known[low], known[high]
        alike = (
            (one.id_hash and one.id_hash == other.id_hash)
            or one.numbers & other.numbers
            or (one.name == other.name and one.birth_date is not None and one.birth_date == other.birth_date)
        )
        match = score_pair(one, other)
        if alike and match.band != "LEAVE":
            expected[low, high] = (match.score, match.band, match.why.as_json())
    assert len(expected) > 20
    counts = batch.find_all(1)
    found = {(p.low_id, p.high_id): (p.score, p.band, p.reasons) for p in DuplicatePair.objects.all()}
    assert {pair: (score, band) for pair, (score, band, _why) in found.items()} == {
        pair: (score, band) for pair, (score, band, _why) in expected.items()
    }
    for pair, (_score, _band, steps) in found.items():
        assert sorted(step["input"] for step in steps) == sorted(step["input"] for step in expected[pair][2])
    assert counts["pairs"] >= len(expected) and not DuplicateBlock.objects.exists()
    ids = set(DuplicatePair.objects.values_list("pk", flat=True))
    batch.find_all(2)
    assert set(DuplicatePair.objects.values_list("pk", flat=True)) == ids


def test_a_number_of_five_hundred_customers_says_nothing(world: Operator) -> None:
    rows = CustomerFactory.create_batch(500, unit=world.hall)
    ContactPointFactory._meta.model.objects.bulk_create(
        ContactPointFactory.build(customer=row, value="057188888888", kind="PHONE") for row in rows
    )
    rebuild_find_rows([row.pk for row in rows])
    one, other = (
        customer(world.hall, "王小明", mobile="13800000001"),
        customer(world.hall, "王小明", mobile="13800000001"),
    )
    counts = batch.find_all(1)
    assert (counts["too_large"], counts["blocks"], counts["pairs"]) == (1, 1, 1)
    assert DuplicatePair.objects.values_list("low_id", "high_id").get() == (one.pk, other.pk)


def test_the_job_does_it_and_what_is_no_longer_alike_goes(world: Operator) -> None:
    one, other = (
        customer(world.hall, "王小明", mobile="13800000001"),
        customer(world.hall, "王小明", mobile="13800000001"),
    )
    first = JobRun.objects.create(job="customers.find_duplicates")
    claim_and_run(first.pk)
    first.refresh_from_db()
    assert (first.state, first.counts["pairs"]) == ("DONE", 1)
    assert DuplicatePair.objects.values_list("low_id", "high_id", "band").get() == (one.pk, other.pk, "AUTO")
    other.contact_points.all().delete()
    rebuild_find_rows([other.pk])
    second = JobRun.objects.create(job="customers.find_duplicates")
    claim_and_run(second.pk)
    second.refresh_from_db()
    assert second.counts["gone"] == 1 and not DuplicatePair.objects.exists()


def test_a_row_written_while_archives_were_merged_follows_and_goes_back(world: Operator) -> None:
    keeps, goes = customer(world.hall, "王小明"), customer(world.hall, "王小明")
    lead = UserFactory(role="TEAM_LEAD", unit=world.hall)
    merge = approve_merge(propose_merge(keeps.pk, goes.pk, actor=world.clerk, reason="same person").pk, actor=lead)
    late = Need.objects.create(customer=goes, text="written meanwhile")
    assert (bring_late_rows(), bring_late_rows()) == (1, 0)
    late.refresh_from_db()
    assert late.customer_id == keeps.pk
    undo_merge(merge.pk, actor=lead, reason="two people")
    late.refresh_from_db()
    assert late.customer_id == goes.pk
