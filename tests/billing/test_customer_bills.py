"""Bills on the customer's page: what is owed and what comes next, months and lines, a line disputed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.dunning.explaining import what_would_change
from billing.dunning.ladder import position
from billing.dunning.policies import ladder_in_force
from billing.dunning.reading import read_facts
from billing.dunning.running import acting_days, advance
from billing.glance import glance
from billing.models import Bill, BillingAccount, BillLine, DunningCase, Hold, Payment
from complaints.models import Complaint
from customers.models import Customer
from foundation.calendars.working_time import add_months
from foundation.common import clock
from staff.models import User
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LINES = (("PLAN", "畅享 59", "59.00"), ("ROAMING", "Japan", "30.00"), ("DISCOUNT", "Loyalty", "-9.00"))


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


def _bill(account: BillingAccount, month: date, due: date, lines: Any, *, paid: bool = True) -> Bill:
    amount = sum(Decimal(text) for _kind, _name, text in lines)
    rest = Decimal(0) if paid else amount
    bill = Bill.objects.create(
        account=account, external_id=f"{account.external_id}-{month:%Y%m}", month=month, bill_no=f"N{month:%Y%m}",
        bill_date=add_months(month, 1), due_date=due, amount=amount, remaining=rest, open_amount=rest,
        state="SETTLED" if paid else "OPEN", paid_on=due if paid else None,
    )  # fmt: skip
    for n, (kind, name, text) in enumerate(lines, 1):
        BillLine.objects.create(
            bill=bill, position=n, kind=kind, name=name, service_no="13800138000", amount=Decimal(text)
        )
    return bill


def _world(unit: Any) -> tuple[Customer, BillingAccount]:
    customer: Customer = CustomerFactory(unit=unit, customer_type="PERSON")
    line = SubscriptionFactory(customer=customer, service_no="13800138000")
    account = BillingAccount.objects.create(
        customer=customer, unit_no=customer.unit_no, external_id="A1", balance=Decimal("12.30")
    )
    account.products.create(external_id="L1", service_no="13800138000", subscription=line, status="active")
    _bill(account, date(2026, 8, 1), date(2026, 9, 20), LINES[:1])
    _bill(account, date(2026, 9, 1), date(2026, 10, 20), LINES, paid=False)
    _bill(account, date(2026, 10, 1), date(2026, 11, 30), LINES[:1], paid=False)
    Payment.objects.create(
        account=account, external_id="P1", amount=59, paid_at=NOW - timedelta(days=63), way="APP", state="DONE"
    )
    return customer, account


def _detail(customer: Customer) -> str:
    return reverse("customers:customer-detail", args=[customer.pk])


def _bills(customer: Customer) -> str:
    return reverse("billing:customer-bills", args=[customer.pk])


@pytest.mark.covers("ARC-11", "ARC-12", "ARC-13", "HND-09", "ARR-05")
def test_the_page_shows_what_is_owed_what_comes_next_and_what_pays_it_off(client_for: Any) -> None:
    unit = UnitFactory()
    customer, account = _world(unit)
    advance(account.pk)
    case = DunningCase.objects.get()
    agent: User = UserFactory(role="AGENT", unit=unit)  # type: ignore[assignment]  # the factory makes one
    row = Customer.objects.get(pk=customer.pk)
    [one] = glance(row, agent).arrears
    # The strip says what the ladder says, from the same books.
    facts = read_facts(BillingAccount.objects.select_related("customer__facts").get(), case, clock.now())
    place = position(facts, ladder_in_force(), acting_days(), clock.now())
    assert (one.overdue, one.late_fee) == (place.seen.overdue, place.seen.late_fee) and one.late_fee > 0
    assert one.since == date(2026, 10, 20) and one.next is not None
    assert (one.next.step, one.next.at) == (case.next_step, case.next_planned_at)
    pays = what_would_change(place, facts, ladder_in_force()).in_words()[0]

    client = client_for(agent)
    client.get(_detail(customer))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(_detail(customer)).content.decode()
    assert len(queries) <= 15, len(queries)
    assert 'class="notice -danger"' in page or "t-danger" in page
    assert pays in page and "due on 2026-10-20" in page and "Bill of 2026-10" in page
    assert "¥\u00a0139.00" in page  # what is open: 80 and 59
    with CaptureQueriesContext(connection) as queries:
        page = client.get(_bills(customer)).content.decode()
    assert len(queries) <= 15, len(queries)
    assert pays in page and "any of our halls" in page and "standing order" in page

    case_page = reverse("billing:arrears", args=[case.pk])
    assert f'href="{case_page}"' in page and client.get(case_page).status_code == 200
    advance(account.pk, now=one.next.at)
    assert "Steps taken" in client.get(_bills(customer)).content.decode()

    # Paid: the strip goes, whatever the case still says.
    Bill.objects.filter(open_amount__gt=0).update(open_amount=0, remaining=0, state="SETTLED")
    page = client.get(_detail(customer)).content.decode()
    assert "overdue, due on" not in page
    account.products.update(status="suspended", suspension_type="oneWay")
    assert "Billing keeps one line suspended" in client.get(_detail(customer)).content.decode()


def test_holds_disputes_and_bars_are_said(client_for: Any) -> None:
    unit = UnitFactory()
    customer, account = _world(unit)
    advance(account.pk)
    Hold.objects.create(account=account, kind="PROMISE", from_at=NOW, to_at=NOW + timedelta(days=10), source="x")
    bill = Bill.objects.get(month=date(2026, 9, 1))
    Hold.objects.create(account=account, bill=bill, kind="DISPUTE", amount=30, from_at=NOW, source="complaint:1")
    page = client_for(UserFactory(role="AGENT", unit=unit)).get(_detail(customer)).content.decode()
    assert "Hold (promise to pay) until" in page and "30.00 CNY is disputed" in page
    DunningCase.objects.update(level=1, level_at=NOW, state="SUSPENDED_1WAY")
    page = client_for(UserFactory(role="AGENT", unit=unit)).get(_detail(customer)).content.decode()
    assert "Outgoing calls are barred since" in page and "today restores the services" in page


def test_prepaid_balances_and_who_may_see(client_for: Any) -> None:
    unit = UnitFactory()
    customer: Customer = CustomerFactory(unit=unit)  # type: ignore[assignment]  # the factory makes one
    account = BillingAccount.objects.create(
        customer=customer, unit_no=customer.unit_no, external_id="PP1", pay_type="PREPAID"
    )
    account.buckets.create(external_id="K1", remaining=Decimal("-3.20"), stated_at=NOW - timedelta(days=2))
    client = client_for(UserFactory(role="AGENT", unit=unit))
    page = client.get(_detail(customer)).content.decode()
    assert "Prepaid balance" in page and "¥\u00a03.20 is missing" in page
    assert "PP1" in client.get(_bills(customer)).content.decode()
    far = client_for(UserFactory(role="AGENT", unit=UnitFactory()))
    assert far.get(_bills(customer)).status_code == 404
    quality = client_for(UserFactory(role="QA", unit=unit))
    assert quality.get(_bills(customer)).status_code == 403
    assert "Prepaid balance" not in quality.get(_detail(customer)).content.decode()
    nobody = CustomerFactory(unit=unit)
    assert "No bills" in client.get(_bills(nobody)).content.decode()  # type: ignore[arg-type]  # the factory's row
    for wrong in ({"account": "nonsense!"}, {"account": customer.ref}):
        assert client.get(_bills(customer), wrong).status_code == 404


@pytest.mark.covers("ARC-12")
def test_lines_months_side_by_side_and_a_line_disputed(client_for: Any) -> None:
    unit = UnitFactory()
    customer, _account = _world(unit)
    agent = UserFactory(role="AGENT", unit=unit)
    client = client_for(agent)
    page = client.get(_bills(customer), {"month": "2026-09", "against": "2026-08"}).content.decode()
    assert "Bill of 2026-09" in page and "Japan" in page and "13800138000" not in page
    assert "+¥\u00a030.00" in page and "−¥\u00a09.00" in page and "+¥\u00a021.00" in page  # roaming, discount, together
    assert page.count("Dispute<span") == 2  # what lowers a bill is not disputed
    assert "Bill of 2026-10" in client.get(_bills(customer), {"month": "1999-01", "after": "x"}).content.decode()
    bill = Bill.objects.get(month=date(2026, 9, 1))
    there = f"{reverse('complaints:intake')}?customer={customer.ref}&bill={bill.ref}&line=2"
    assert there.replace("&", "&amp;") in page
    form = client.get(there).content.decode()
    line = customer.subscriptions.get()
    assert "disputes 30.00 CNY for Japan on the bill of 2026-09" in form
    assert 'name="amount"' in form and 'value="30.00"' in form
    checked = [part for part in form.split("<input") if "checked" in part.split(">")[0]]
    assert any('name="disputed_fee"' in part for part in checked)
    assert any(f'value="{line.pk}"' in part for part in checked)
    # A line of somebody else, or none, begins an empty page.
    other = _bill(
        BillingAccount.objects.create(customer=CustomerFactory(unit=unit), external_id="A9"),
        date(2026, 9, 1), date(2026, 10, 20), LINES,
    )  # fmt: skip
    for bill_ref, line_no in ((other.ref, "2"), (bill.ref, "9"), (bill.ref, "٣"), ("!", "1"), ("", "")):
        wrong = client.get(reverse("complaints:intake"), {"customer": customer.ref, "bill": bill_ref, "line": line_no})
        assert wrong.status_code == 200 and "disputes" not in wrong.content.decode()
    assert not Complaint.objects.exists()
