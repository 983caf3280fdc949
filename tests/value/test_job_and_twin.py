"""The run over everybody and the judgement of one agree, whatever the past holds; runs are repeatable (issue 3)."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from customers.models import Customer, CustomerFacts, RelationshipReview, ValueDraft, ValueMonth, ValueRun, ValueTally
from customers.models.timeline import CONTACT
from customers.value import judging, running
from customers.value.contacts import contact_kinds
from customers.value.evaluating import evaluate_everybody, relationship_of
from customers.value.rules import Rules
from customers.value.running import judge_everybody
from customers.value.service import value_of
from foundation.jobs.models import JobChunk, JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.conftest import DEEP
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory
from tests.value.people import MONTH, drawn, merge, plans

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
QUARTER = date(2026, 7, 1)
SEEDS = range(20) if DEEP else range(3)
CROWD = 60
NOBODY = ("ANONYMISED", "MERGED")


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


def crowd(seed: int, size: int = CROWD) -> list[Customer]:
    draw, unit, offers = random.Random(seed), UnitFactory(), plans()
    people = [drawn(draw, unit, offers) for _n in range(size)]
    for absorbed, survivor in zip(people[0:8:2], people[1:9:2], strict=True):
        if "ANONYMISED" not in (absorbed.status, survivor.status):
            merge(absorbed, survivor)
    return people


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def everything() -> dict[str, Any]:
    """All results there are."""
    return {
        "months": sorted((columns(row) for row in ValueMonth.objects.all()), key=lambda row: row["customer_id"]),
        "facts": sorted((columns(row) for row in CustomerFacts.objects.all()), key=lambda row: row["customer_id"]),
        "tally": sorted(ValueTally.objects.values_list("unit_id", "kind", "cell", "value_class", "customers")),
        "rules": list(ValueRun.objects.values_list("month", "rules")),
    }


@pytest.mark.django_db
@pytest.mark.covers("CLS-02", "CLS-10", "CLS-17", "CLS-18")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_run_and_the_judgement_of_one_give_equal_rows(seed: int) -> None:
    people = crowd(seed)
    judge_everybody(MONTH)
    rows = {row.customer_id: columns(row) for row in ValueMonth.objects.all()}
    kept = {row.pk for row in people if row.status not in NOBODY}
    assert set(rows) == kept
    for customer in people:
        if customer.pk in kept:
            assert columns(value_of(customer, MONTH)) == rows[customer.pk]
    assert not ValueDraft.objects.exists()


@pytest.mark.django_db
@pytest.mark.covers("CLS-21")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_evaluation_of_all_and_of_one_give_equal_rows(seed: int) -> None:
    people = crowd(seed)
    judge_everybody(date(2026, 9, 1))
    evaluate_everybody(QUARTER)
    rows = {row.customer_id: columns(row) for row in RelationshipReview.objects.all()}
    assert len(rows) == sum(row.status not in NOBODY for row in people)
    for customer in people:
        if customer.pk in rows:
            assert columns(relationship_of(customer, QUARTER)) == rows[customer.pk]
    facts = CustomerFacts.objects.filter(relationship_month=QUARTER)
    assert {(f.pk, f.relationship_score, f.relationship_band) for f in facts} == {
        (pk, row["score"], row["band"]) for pk, row in rows.items()
    }


@pytest.mark.django_db
def test_the_drawn_pasts_reach_every_class_cell_and_persona() -> None:
    crowd(100, 120)
    judge_everybody(MONTH)
    rows = ValueMonth.objects.all()
    assert {row.value_class for row in rows} == {"NEW", "1", "2", "3", "4", "5"}
    assert {row.cell for row in rows} == {"STAR", "CORE", "GROWTH", "BASIC"}
    assert {persona for row in rows for persona in row.personas} == {"TRAVELLER", "YOUNG_DATA"}
    assert {row.full_months for row in rows} >= {0, 1, 2, 3} and any(row.no_profile for row in rows)
    assert any(row.usage_now is None for row in rows) and any(row.clv is None for row in rows)


def start(month: str = "2026-10") -> JobRun:
    return start_job("customers.judge_value", actor=None, params={"month": month})


def done(run: JobRun) -> JobRun:
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    return run


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PIECE", 7)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("broken", ["measure", "judge"])
def test_broken_off_in_either_pass_and_run_again_it_ends_equal(broken: str) -> None:
    people = crowd(5)
    whole = done(start())
    assert (whole.state, whole.counts) == ("DONE", {"rows": sum(row.status not in NOBODY for row in people)})
    wanted = everything()
    ValueMonth.objects.all().delete()
    table = {"measure": "customers_valuedraft", "judge": "customers_valuemonth"}[broken]
    stone = people[30].pk if people[30].status != "ANONYMISED" else people[31].pk
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT stone CHECK (customer_id <> {stone})")
    run = start()
    assert done(run).state == "FAILED"
    state = ValueRun.objects.values_list("state", flat=True).get()
    assert state == {"measure": "MEASURE", "judge": "JUDGE"}[broken]
    pieces = JobChunk.objects.filter(run=run)
    left = pieces.filter(rows__isnull=True).count()
    assert 0 < left < pieces.count()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT stone")
    JobRun.objects.filter(pk=run.pk).update(state="WAITING", finished_at=None, lease_until=None)
    assert done(run).state == "DONE"
    assert everything() == wanted
    assert not ValueDraft.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("small_pieces")
def test_pieces_shared_by_workers_give_the_same_as_one_statement() -> None:
    crowd(8)
    judge_everybody(MONTH)
    wanted = everything()
    assert done(start()).state == "DONE"
    assert everything() == wanted


@pytest.mark.django_db(transaction=True)
def test_a_late_run_gives_the_result_of_its_own_month_and_leaves_newer_facts(travel: Any) -> None:
    crowd(11)
    with travel(datetime(2026, 9, 2, 4, 0, tzinfo=UTC)):
        judge_everybody(date(2026, 8, 1))
    in_time = everything()["months"]
    judge_everybody(MONTH)
    facts = everything()["facts"]
    ValueMonth.objects.filter(month=date(2026, 8, 1)).delete()
    assert done(start("2026-08")).state == "DONE"
    late = [row for row in everything()["months"] if row["month"] == date(2026, 8, 1)]
    assert late == in_time
    assert everything()["facts"] == facts


@pytest.mark.django_db(transaction=True)
def test_an_older_job_does_nothing_once_a_newer_one_has_the_month() -> None:
    crowd(2, 20)
    older, newer = start(), start()
    assert done(newer).state == "DONE"
    wanted, kept = everything(), ValueRun.objects.get()
    assert done(older).state == "DONE"
    assert everything() == wanted and ValueRun.objects.get().job_run_id == kept.job_run_id == newer.pk
    assert not JobChunk.objects.filter(run=older).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("month", "code"), [("2026-11", "customers.month_not_over"), ("2026-13", "customers.bad_month")]
)
def test_a_month_that_is_not_over_or_none_is_refused(month: str, code: str) -> None:
    CustomerFactory()
    run = done(start(month))
    assert (run.state, run.error_code) == ("FAILED", code)
    assert not ValueRun.objects.exists() and not ValueMonth.objects.exists()


@pytest.mark.django_db
def test_the_classes_hold_at_most_their_shares_and_ties_stay_together() -> None:
    unit, offers = UnitFactory(), plans()
    draw = random.Random(1)
    for _n in range(100):
        row = CustomerFactory(unit=unit)
        made = SubscriptionFactory(customer=row, plan=offers[0])
        amount = Decimal(draw.choice([59, 59, 99, 129, 199, 233, 310]))
        made.usage_months.create(customer_id=row.pk, month=MONTH, net_revenue=amount)
    judge_everybody(MONTH)
    rows = list(ValueMonth.objects.values_list("value_class", "value"))
    values = sorted((value for _class, value in rows), reverse=True)
    by_value: dict[Any, set[str]] = {}
    for code, value in rows:
        by_value.setdefault(value, set()).add(code)
    assert all(len(codes) == 1 for codes in by_value.values())
    for code, share in {"5": 5, "4": 20, "3": 50, "2": 80}.items():
        assert sum(found >= code for found, _value in rows) <= share
    for value, codes in by_value.items():  # naive: how many are at least as valuable?
        part = sum(other >= value for other in values)
        wanted = next((code for code, share in {"5": 5, "4": 20, "3": 50, "2": 80}.items() if part <= share), "1")
        assert codes == {wanted}


@pytest.mark.django_db
def test_no_piece_scans_a_big_table() -> None:
    crowd(3, 30)
    rules = Rules.from_json(judge_everybody(MONTH).rules)
    ids = sorted(Customer.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # a plan that still scans has no index to use
        for sql, values in (
            (judging.MEASURE, judging.values_of(MONTH)),
            (judging.JUDGE, judging.judge_values(MONTH, rules)),
        ):
            cursor.execute("EXPLAIN " + sql, values | {"lo": ids[3], "hi": ids[9]})
            plan = "\n".join(line for (line,) in cursor.fetchall())
            for table in ("customers_customer", "customers_usagemonth", "customers_subscription", "customers_facts"):
                assert f"Seq Scan on {table}" not in plan, plan
            assert "Seq Scan on timeline" not in plan


def test_the_lines_of_contacts_that_have_an_index_are_those_that_count() -> None:
    assert contact_kinds() == [CONTACT]
