"""Who asks why is told the stored steps of value and relationship, at the rights desk and in the file (D§1.7)."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from customers.models import Customer, ValueMonth
from customers.value.evaluating import evaluate_everybody
from customers.value.running import judge_everybody
from foundation.jobs.running import claim_and_run
from interactions.rights import services
from interactions.rights.export import fetch, start_export
from staff.models import User
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.value.people import MONTH

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARC-21", "CLS-02", "CLS-21")]
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


@pytest.fixture
def officer() -> User:
    return UserFactory(role="DPO", unit=UnitFactory(no=1, last_no=999_999))


def judged(unit: Any) -> Customer:
    row: Customer = CustomerFactory(unit=unit)
    line = SubscriptionFactory(customer=row, product_line="MOBILE", activated_on=date(2020, 1, 1))
    line.usage_months.create(customer_id=row.pk, month=MONTH, net_revenue=Decimal("100.00"))
    judge_everybody(MONTH)
    evaluate_everybody(date(2026, 7, 1))
    return row


def test_an_explanation_says_value_cell_and_relationship_in_words(officer: User) -> None:
    agent = UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59))
    row = judged(agent.unit)
    kept = ValueMonth.objects.get(customer_id=row.pk)
    request = services.raise_request(row, actor=agent, kind="EXPLAIN", identity_how="ID_DOCUMENT")
    done = services.answer_request(request.pk, actor=officer, answer="As below")
    told = {(step["input"], step["rule"]): step["value"] for step in done.grounds}
    assert told["value", "value.mean"] == "100.00"
    assert told["value_class", "value.class"] == kept.value_class
    assert told["cell", "value.cell"] == kept.cell
    assert told["potential", "value.potential"] == kept.potential
    assert ("band", "relationship") in told and ("tenure", "relationship") in told
    heads = [step for step in done.grounds if step["input"] == "decision"]
    days = {step["value"]: step["params"].get("day") for step in heads}
    assert days["Value, potential, matrix and personas"] == days["Relationship with the customer"] == "2026-11-22"


def test_the_file_for_the_customer_says_them_in_sentences(officer: User) -> None:
    agent = UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59))
    row = judged(agent.unit)
    Customer.objects.filter(pk=row.pk).update(language="en")
    request = services.raise_request(row, actor=agent, kind="ACCESS", identity_how="ID_DOCUMENT")
    run = start_export(request.pk, actor=officer)
    assert claim_and_run(run.pk)
    _name, file = fetch(request.pk, actor=officer)
    said = json.loads(zipfile.ZipFile(file).read("data.json"))["decisions"]
    assert "Current value 100.00 CNY: the mean of the last 1 monthly bills of all own lines." in said
    assert any(line.startswith("Relationship: ") and line.endswith(" of 100 points.") for line in said)


def test_before_the_first_run_it_says_that_nothing_was_decided(officer: User) -> None:
    agent = UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59))
    row = CustomerFactory(unit=agent.unit)
    request = services.raise_request(row, actor=agent, kind="EXPLAIN", identity_how="ID_DOCUMENT")
    done = services.answer_request(request.pk, actor=officer, answer="As below")
    silent = {step["value"] for step in done.grounds if "nothing was decided" in step["effect"]}
    assert silent >= {"Value, potential, matrix and personas", "Relationship with the customer"}
