"""How long the words behind an answer are kept, one by one and for all at once (D§5.6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.consent_evidence import erase_old_evidence, is_over
from customers.models import Consent, ConsentEvent, ConsentEvidence, Customer
from customers.services import give_consent, refuse_consent, withdraw_consent
from foundation.common import clock
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from foundation.policies.services import set_policy
from tests.customers.test_search_plans import nodes, plan_of
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
Travel = Callable[[datetime], AbstractContextManager[None]]
NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)
SMS: dict[str, Any] = {"actor": None, "purpose": "MARKETING", "channel": "SMS"}


def give(customer: Customer, words: str, **more: Any) -> Consent:
    return give_consent(customer.pk, evidence_kind="FORM", evidence=words, **(SMS | more))


def words() -> list[str]:
    return sorted(ConsentEvidence.objects.values_list("text", flat=True))


def erase(at: datetime, piece: int = 10_000) -> tuple[int, int]:
    found = list(erase_old_evidence(at, piece=piece))
    return sum(seen for seen, _gone in found), sum(gone for _seen, gone in found)


@pytest.mark.covers("ARC-21")
def test_words_go_two_years_after_the_consent_ended_and_the_answer_stays(travel: Travel) -> None:
    customer = CustomerFactory()
    with travel(NOON):
        give(customer, "Form 1")
    with travel(NOON + timedelta(days=30)):  # 10 December
        withdraw_consent(customer.pk, evidence="Letter 2", **SMS)
    assert erase(datetime(2028, 12, 9, 15, 59, tzinfo=UTC)) == (2, 0)
    assert words() == ["Form 1", "Letter 2"]
    before = list(ConsentEvent.objects.order_by("pk").values())
    assert erase(datetime(2028, 12, 9, 16, 0, tzinfo=UTC)) == (2, 2)  # 10 December begins in Beijing
    assert words() == []
    assert list(ConsentEvent.objects.order_by("pk").values()) == before
    assert Consent.objects.get().state == "WITHDRAWN"


@pytest.mark.covers("ARC-21")
def test_words_of_a_consent_in_force_are_kept_however_old(travel: Travel) -> None:
    with travel(NOON):
        forever, renewed, until = (CustomerFactory() for _n in range(3))
        give(forever, "Form 1")
        give(renewed, "Form 2")
        give(until, "Form 3", expires_on=date(2027, 1, 31))
    with travel(NOON + timedelta(days=400)):
        give(renewed, "Form 4")
    assert erase(datetime(2029, 1, 30, 15, 59, tzinfo=UTC)) == (4, 0)
    assert erase(datetime(2029, 1, 30, 16, 0, tzinfo=UTC)) == (4, 1)
    assert words() == ["Form 1", "Form 2", "Form 4"]
    assert erase(datetime(2046, 1, 1, tzinfo=UTC)) == (3, 1)
    assert words() == ["Form 1", "Form 4"]


def test_the_policy_decides_how_long_and_five_months_are_the_least(travel: Travel) -> None:
    from foundation.common.errors import RuleBroken

    with pytest.raises(RuleBroken):
        set_policy("customers.consent_evidence_kept", 4, actor=None)
    with travel(NOON):
        set_policy("customers.consent_evidence_kept", 5, actor=None)
        customer = CustomerFactory()
        refuse_consent(customer.pk, evidence="Letter 9", **SMS)
    with travel(datetime(2027, 4, 9, 4, 0, tzinfo=UTC)):
        assert erase(clock.now()) == (1, 0)
    with travel(datetime(2027, 4, 10, 4, 0, tzinfo=UTC)):
        assert erase(clock.now()) == (1, 1)


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_one_by_one_and_all_at_once_agree(travel: Travel, piece: int) -> None:
    draw = random.Random(piece)
    customers = [CustomerFactory() for _n in range(6)]
    for step in range(60):
        with travel(NOON + timedelta(days=step * 23, hours=draw.randrange(24))):
            customer, channel = draw.choice(customers), draw.choice(["SMS", "CALL"])
            act = draw.choice(["give", "give", "until", "no", "withdraw"])
            if act in {"give", "until"}:
                end = clock.today() + timedelta(days=draw.randrange(1, 300)) if act == "until" else None
                give(customer, f"Form {step}", channel=channel, expires_on=end)
            else:
                say = refuse_consent if act == "no" else withdraw_consent
                say(customer.pk, evidence=f"Letter {step}", **(SMS | {"channel": channel}))
    at = NOON + timedelta(days=60 * 23)
    for _round in range(4):
        events = ConsentEvent.objects.in_bulk(ConsentEvidence.objects.values_list("event_id", flat=True))
        kept = {pk for pk, event in events.items() if not is_over(event, at)}
        erase(at, piece=piece)
        assert set(ConsentEvidence.objects.values_list("event_id", flat=True)) == kept
        at += timedelta(days=200)


def test_the_job_says_how_many_and_broken_off_goes_on(travel: Travel) -> None:
    with travel(NOON):
        for n in range(5):
            refuse_consent(CustomerFactory().pk, evidence=f"Letter {n}", **SMS)
    with travel(datetime(2028, 12, 1, tzinfo=UTC)):
        begun = erase_old_evidence(piece=2)
        assert next(begun) == (2, 2)
        run = start_job("customers.erase_consent_evidence", actor=None)
        assert claim_and_run(run.pk)
        run.refresh_from_db()
        assert (run.state, run.counts["erased"], words()) == ("DONE", 3, [])


def test_a_piece_reads_its_own_range_of_both_tables(travel: Travel) -> None:
    customer = CustomerFactory()
    with travel(NOON):
        give(customer, "Form 1")
    with CaptureQueriesContext(connection) as asked:
        erase(datetime(2030, 1, 1, tzinfo=UTC))
    [sql] = [query["sql"] for query in asked.captured_queries if query["sql"].strip().startswith("DELETE")]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for node in nodes(plan_of(sql)):
        assert node["Node Type"] != "Seq Scan", node
