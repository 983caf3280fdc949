"""Which archives may be one person: the score with its reasons, and the nightly run over everybody."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import date

import pytest
from django.db import transaction

from customers.finding import rebuild_find_rows
from customers.merging import batch
from customers.merging.late import bring_late_rows
from customers.merging.score import Known, known_of, score_pair
from customers.merging.services import approve_merge, propose_merge
from customers.merging.undoing import undo_merge
from customers.models import Address, ContactPoint, Customer, DuplicateBlock, DuplicatePair, Need
from customers.services import find_duplicates
from foundation.common import clock, crypto
from foundation.jobs import chunks
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.reading import policy
from tests.customers.merging_world import archive
from tests.customers.people import Operator, customer, operator
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
CARD, OTHER_CARD = "110101199003070011", "330102199203151234"


@pytest.fixture
def world() -> Operator:
    return operator()


def twin(ids: list[int]) -> dict[tuple[int, int], tuple[int, str, list[str]]]:
    """What the night must find, pair by pair: points, band and reasons of those that share a document, name and birth
    date, or a number that few have."""
    known, most = known_of(ids), policy("customers.duplicate_block")
    owners = Counter(number for one in known.values() for number in one.numbers)
    expected = {}
    for low, high in itertools.combinations(sorted(known), 2):
        one, other = known[low], known[high]
        alike = (
            (one.id_hash and one.id_hash == other.id_hash)
            or any(owners[number] <= most for number in one.numbers & other.numbers)
            or (one.name == other.name and one.birth_date is not None and one.birth_date == other.birth_date)
        )
        if alike and (match := score_pair(one, other)).band != "LEAVE":
            expected[low, high] = (match.score, match.band, sorted(match.codes))
    return expected


def found_pairs() -> dict[tuple[int, int], tuple[int, str, list[str]]]:
    """What the night has found."""
    return {
        (pair.low_id, pair.high_id): (pair.score, pair.band, sorted(step["input"] for step in pair.reasons))
        for pair in DuplicatePair.objects.all()
    }


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
    expected = twin([row.pk for row in people])
    assert len(expected) > 20
    counts = batch.find_all(1)
    assert found_pairs() == expected
    assert counts["pairs"] >= len(expected) and not DuplicateBlock.objects.exists()
    ids = set(DuplicatePair.objects.values_list("pk", flat=True))
    batch.find_all(2)
    assert set(DuplicatePair.objects.values_list("pk", flat=True)) == ids


def test_a_number_of_five_hundred_customers_says_nothing_by_itself(world: Operator) -> None:
    """The number of a company makes no pair, yet counts where two of its people share something else."""
    draw = random.Random(11)
    cards = {n: crypto.blind_index(f"card {n}") for n in range(40)}
    rows = [
        CustomerFactory.build(
            unit=world.hall,
            name=draw.choice([f"Wang {number % 30}", f"Only {number}"]),
            birth_date=draw.choice([None, date(1980, 1, 1), date(1990, 3, 7)]),
            **draw.choice([{}, {"id_hash": cards[number % 40], "id_sealed": b"x", "id_type": "ID_CARD"}]),
        )
        for number in range(500)
    ]
    Customer.objects.bulk_create(rows)
    verified = {"kind": "PHONE", "is_primary": True}
    ContactPoint.objects.bulk_create(
        ContactPoint(customer=row, value="057188888888", verified_at=draw.choice([None, clock.now()]), **verified)
        for row in rows
    )
    rebuild_find_rows([row.pk for row in rows])
    one, other = (customer(world.hall, "王小明", mobile="13800000001") for _n in range(2))
    expected = twin([row.pk for row in (*rows, one, other)])
    counts = batch.find_all(1)
    assert counts["too_large"] >= 1 and counts["pairs"] == len(found_pairs()) == len(expected)
    assert found_pairs() == expected
    assert (one.pk, other.pk) in expected and 300 < len(expected) < 3_000


def test_a_night_broken_off_ends_like_one_that_was_not(world: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after two pieces and in the middle of a third, then claimed again, by whoever comes first."""
    draw = random.Random(7)
    for number in range(1, 25):
        archive(draw, world.hall, world.clerk, number)
    batch.find_all(1)
    whole = found_pairs()
    DuplicatePair.objects.all().delete()
    monkeypatch.setattr(batch, "PIECE", 2)
    run = JobRun.objects.create(job="customers.find_duplicates")
    blocks, _too_large = batch.make_blocks(run.pk)
    chunks.cut(run.pk, 0, blocks, 2)
    assert chunks.work_one(run) and chunks.work_one(run)
    part = found_pairs()
    with transaction.atomic():
        assert chunks.work_one(run)
        transaction.set_rollback(True)
    assert found_pairs() == part and 0 < len(part) < len(whole)
    claim_and_run(run.pk)
    run.refresh_from_db()
    assert run.state == "DONE" and found_pairs() == whole
    assert not DuplicateBlock.objects.exists()


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
