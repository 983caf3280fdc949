"""Credit on the customer's page: what counts and why, month by month, by hand, as a letter, at the rights desk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.credit.deciding import credit_decided
from billing.credit.running import judge_everybody
from billing.glance import glance
from billing.models import Bill, BillingAccount, CreditChange, CreditScore
from customers.models import Customer
from foundation.calendars.working_time import add_months
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


def _owes(customer: Customer, number: int, **values: Any) -> BillingAccount:
    account = BillingAccount.objects.create(
        customer=customer, unit_no=customer.unit_no, external_id=f"A{number}", **values
    )
    for back in range(1, 13):
        month = add_months(date(2026, 11, 1), -back)
        due = add_months(month, 2) - timedelta(days=1)
        open_amount = Decimal(60) if (number, back) == (1, 2) else Decimal(0)
        Bill.objects.create(
            account=account, external_id=f"B{number}-{back}", month=month, bill_date=add_months(month, 1),
            due_date=due, amount=60, remaining=open_amount, open_amount=open_amount,
            state="OPEN" if open_amount else "SETTLED", paid_on=None if open_amount else due,
        )  # fmt: skip
    return account


def _person(unit: Any) -> Customer:
    customer: Customer = CustomerFactory(unit=unit, customer_type="PERSON", identity_status="VERIFIED", language="en")
    SubscriptionFactory(customer=customer, activated_on=date(2020, 1, 1), monthly_fee=Decimal(60))
    _owes(customer, 1)
    return customer


def _address(customer: Customer, name: str = "customer-credit") -> str:
    return reverse(f"billing:{name}", args=[customer.pk])


@pytest.mark.covers("CLS-01", "LIF-11", "ARR-05")
def test_the_page_says_what_counts_why_and_what_would_raise_it(client_for: Any) -> None:
    unit = UnitFactory()
    customer = _person(unit)
    agent = UserFactory(role="AGENT", unit=unit)
    client = client_for(agent)
    empty = client.get(_address(customer)).content.decode()
    assert "Not judged yet" in empty and "As a letter" not in empty
    for month in (date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)):
        judge_everybody(month)
    row = CreditScore.objects.get(customer_id=customer.pk, month=date(2026, 11, 1))
    client.get(_address(customer))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(_address(customer)).content.decode()
    assert len(queries) <= 15, len(queries)
    assert (f"{row.score}" in page and "points: 12 of 12" in page) or "bills of the last 12 months" in page
    assert "What would raise it" in page and "standing order or bank collection would give" in page
    assert page.count("data-label") >= 12 and '<svg class="plot"' in page  # two months or more, and the chart
    assert "Set by hand" not in page
    card = client.get(reverse("customers:customer-detail", args=[customer.pk])).content.decode()
    assert f'href="{_address(customer)}"' in card and "Days of grace" in card
    seen = glance(Customer.objects.get(pk=customer.pk), agent).credit
    assert seen is not None and seen.counting is not None
    assert (seen.grade, seen.limit) == (row.grade, row.credit_limit)
    assert seen.counting.why().in_words() == credit_decided(customer.pk)[0].why.in_words()

    letter = client.get(_address(customer, "customer-credit-letter")).content.decode()
    assert f"Your credit grade is {row.grade}." in letter and customer.name not in letter
    Customer.objects.filter(pk=customer.pk).update(language="zh-hans")
    assert '<html lang="zh-' in client.get(_address(customer, "customer-credit-letter")).content.decode()


def test_a_lead_sets_the_grade_by_hand_and_nobody_else(client_for: Any) -> None:
    unit = UnitFactory()
    customer = _person(unit)
    judge_everybody(date(2026, 11, 1))
    row = CreditScore.objects.get()
    to = chr(ord(row.grade) + 1)
    there = _address(customer, "customer-credit-set")
    agent, far = UserFactory(role="AGENT", unit=unit), UserFactory(role="TEAM_LEAD", unit=UnitFactory())
    assert client_for(agent).post(there, {"grade": to, "reason": "x"}).status_code == 403
    assert client_for(far).post(there, {"grade": to, "reason": "x"}).status_code == 404
    for name in ("customer-credit", "customer-credit-letter"):
        assert client_for(far).get(_address(customer, name)).status_code == 404
    lead = client_for(UserFactory(role="TEAM_LEAD", unit=unit))
    for data in ({"grade": to, "reason": " "}, {"grade": row.grade, "reason": "x"}, {"grade": "Z", "reason": "x"}):
        assert lead.post(there, data).status_code == 422
    assert not CreditChange.objects.exists()
    assert lead.post(there, {"grade": to, "reason": "Moved abroad"}).status_code == 302
    change = CreditChange.objects.get()
    assert (change.from_grade, change.to_grade, change.reason) == (row.grade, to, "Moved abroad")
    page = lead.get(_address(customer)).content.decode()
    assert "Moved abroad" in page and f"Grade {to} was set by hand and holds until {change.until}" in page
    # The decision that is told is the one that counts now.
    assert credit_decided(customer.pk)[0].result == to
    card = lead.get(reverse("customers:customer-detail", args=[customer.pk])).content.decode()
    assert "was set by hand" in card


def test_the_accounts_of_a_company_are_judged_and_shown_one_by_one(client_for: Any) -> None:
    unit = UnitFactory()
    company = CustomerFactory(unit=unit, customer_type="ENTERPRISE", identity_status="VERIFIED")
    first, second = _owes(company, 1, kind="ENTERPRISE"), _owes(company, 2, kind="ENTERPRISE", pay_way="AUTO_DEBIT")
    stranger = _owes(CustomerFactory(unit=unit), 3)
    judge_everybody(date(2026, 11, 1))
    client = client_for(UserFactory(role="AGENT", unit=unit))
    scores = dict(CreditScore.objects.filter(customer_id=company.pk).values_list("account_id", "score"))
    page = client.get(_address(company)).content.decode()
    assert ">A1<" in page and ">A2<" in page
    other = client.get(_address(company), {"account": second.ref}).content.decode()
    assert f"{scores[second.pk]}" in other and "are paid by standing order" in other
    assert scores[first.pk] < scores[second.pk]
    for wrong in (stranger.ref, "0", "nonsense!"):
        assert client.get(_address(company), {"account": wrong}).status_code == 404
    card = client.get(reverse("customers:customer-detail", args=[company.pk])).content.decode()
    assert "judged one by one" in card
    assert len(credit_decided(company.pk)) == 2
