"""The pages of value: figures equal a naive recount and open the rows behind them, reasons are said in words."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer, CustomerFacts, ValueMonth, ValueRun
from customers.value import explaining
from customers.value.board import matrix_for
from customers.value.evaluating import evaluate_everybody
from customers.value.rules import Rules
from customers.value.running import judge_everybody
from staff.models import User
from tests.customers.people import Operator, operator
from tests.factories import UserFactory
from tests.value.people import MONTH, drawn, plans

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


@pytest.fixture
def op() -> Operator:
    found = operator()
    draw, offers = random.Random(6), plans()
    for unit in [found.hall] * 25 + [found.elsewhere] * 10:
        drawn(draw, unit, offers)
    judge_everybody(date(2026, 9, 1))
    judge_everybody(MONTH)
    evaluate_everybody(date(2026, 7, 1))
    return found


@pytest.mark.covers("CLS-02")
def test_each_figure_of_the_matrix_equals_a_recount_and_opens_its_rows(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.head)
    page = client.get(reverse("value:board"))
    seen = Customer.objects.in_scope_of(op.head).exclude(status="ANONYMISED")
    naive = Counter(CustomerFacts.objects.filter(customer__in=seen).values_list("value_cell", flat=True))
    shown = {cell["label"]: (cell["said"], cell["url"]) for row in page.context["grid"] for cell in row}
    words = {"Star": "STAR", "Core": "CORE", "Growth": "GROWTH", "Basic": "BASIC"}
    assert {words[label]: int(said) for label, (said, _url) in shown.items()} == {
        code: naive[code] for code in words.values()
    }
    for label, (said, url) in shown.items():
        if url:
            rows = client.get(url).context["page"].items
            assert {row.facts.value_cell for row in rows} == {words[label]} and len(rows) == int(said)
    assert matrix_for(op.gm).total == ValueMonth.objects.filter(month=MONTH).count()


def test_marketing_reads_figures_and_no_links(op: Operator, client_for: ClientFor) -> None:
    page = client_for(UserFactory(role="MARKETING", unit=op.branch, language="en")).get(reverse("value:board"))
    cells = [cell for row in page.context["grid"] for cell in row]
    assert (
        not any(cell["url"] for cell in cells) and reverse("customers:customer-list") + "?" not in page.content.decode()
    )
    assert all(cell["said"] == "fewer than 5" for cell in cells if 0 < int(cell["n"]) < 5)


@pytest.mark.covers("CLS-10", "CLS-21")
def test_why_and_what_would_change_it_are_said_from_what_is_kept(op: Operator, client_for: ClientFor) -> None:
    row = ValueMonth.objects.filter(
        month=MONTH, value__isnull=False, customer_id__in=Customer.objects.in_scope_of(op.head)
    ).first()
    assert row is not None
    rules = Rules.from_json(ValueRun.objects.get(pk=MONTH).rules)
    wanted = explaining.why(row, rules).in_words() + explaining.what_would_change(row, rules).in_words()
    client = client_for(op.head)
    url = reverse("value:customer-value", args=[row.customer_id])
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(url)
    assert page.context["why"] + page.context["change"] == wanted and len(wanted) >= 9
    assert len(queries) <= 15
    assert [str(one["row"].month) for one in page.context["history"]] == ["2026-10-01", "2026-09-01"]
    assert page.context["review_why"] and "of 100 points" in page.context["review_why"][0]
    earlier = client.get(url, {"month": "2026-09"})
    assert str(earlier.context["row"].month) == "2026-09-01"
    card = client.get(reverse("customers:customer-detail", args=[row.customer_id])).content.decode()
    assert "Value and why" in card and "Current value" in card and url in card
