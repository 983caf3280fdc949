"""The billing engineer's pages: events, accounts nobody knows, commands."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from billing.mirror.working import work_events
from billing.models import BillingAccount, BillingEvent
from billing.services import match_waiting, queue_command, take_event
from customers.models import CustomerFacts, Subscription, TimelineLine
from foundation.audit.models import AuditEntry
from tests.billing.events import account, bill, event, payment, product
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
BARRED = {"status": "suspended", "suspensionType": "oneWay"}


@pytest.fixture
def finance(client_for: Any) -> Any:
    return client_for(UserFactory(role="FINANCE_DUNNING"))


def hear(*told: dict[str, Any]) -> None:
    for one in told:
        take_event(one)
    work_events()


def test_an_event_shows_as_it_came_with_numbers_masked_and_why_it_did_nothing(
    finance: Any, django_assert_max_num_queries: Any
) -> None:
    hear(
        event("ProductCreateEvent", "product", product(number="13812345678", status="asleep"), event_id="bad"),
        event("CustomerBillCreateEvent", "customerBill", bill(), event_id="good"),
        event("BillingAccountCreateEvent", "billingAccount", account("A7", party="EXT-5551234"), event_id="party"),
    )
    bad = BillingEvent.objects.get(event_id="bad")
    with django_assert_max_num_queries(15):
        page = finance.get(reverse("billing:event", args=[bad.pk])).content.decode()
    assert "status is not known: asleep" in page and "13****78" in page
    at = page.find("13812345678")
    assert at < 0, page[at - 300 : at + 50]
    told = BillingEvent.objects.get(event_id="party")
    assert "EXT-5551234" not in finance.get(reverse("billing:event", args=[told.pk])).content.decode()
    listed = reverse("billing:event-list")
    with django_assert_max_num_queries(15):
        whole = finance.get(listed).content.decode()
    assert "ProductCreateEvent" in whole and "CustomerBillCreateEvent" in whole
    only = finance.get(listed, {"state": "FAILED"}).content.decode()
    assert "ProductCreateEvent" in only and "CustomerBillCreateEvent" not in only
    for text in ("good", "B1"):
        found = finance.get(listed, {"q": text}).content.decode()
        assert "CustomerBillCreateEvent" in found and "ProductCreateEvent" not in found
    # Worked on again by hand: refused again, the act in the audit.
    assert finance.post(reverse("billing:event", args=[bad.pk])).status_code == 302
    bad.refresh_from_db()
    assert bad.state == "WAITING"
    work_events()
    bad.refresh_from_db()
    assert (bad.state, bad.why) == ("FAILED", "body")
    assert AuditEntry.objects.filter(verb="billing.event_again").count() == 1


def test_an_account_nobody_knows_is_matched_by_hand_and_its_history_follows(
    finance: Any, django_assert_max_num_queries: Any
) -> None:
    hear(
        event("BillingAccountCreateEvent", "billingAccount", account(party="X-1")),
        event("CustomerBillCreateEvent", "customerBill", bill()),
        event(
            "ProductCreateEvent", "product", product(number="13811110000", status="suspended", suspensionType="oneWay")
        ),
    )
    row = BillingAccount.objects.get()
    with django_assert_max_num_queries(15):
        assert ">A1<" in finance.get(reverse("billing:unmatched-list")).content.decode()
    customer = CustomerFactory()
    line = SubscriptionFactory(customer=customer, service_no="13811110000")
    there = reverse("billing:account-commands", args=[row.pk])
    refused = finance.post(there, {"number": "CU00000000"})
    assert refused.status_code == 422 and "no customer of this number" in refused.content.decode()
    row.refresh_from_db()
    assert row.customer_id is None and not TimelineLine.objects.exists()
    assert finance.post(there, {"number": customer.number}).status_code == 302
    row.refresh_from_db()
    line.refresh_from_db()
    assert row.customer_id == customer.pk and line.status == Subscription.Status.SUSPENDED_ARREARS_1WAY
    assert CustomerFacts.objects.get(customer=customer).open_debt == 59
    assert set(TimelineLine.objects.values_list("kind", flat=True)) == {"bill.ready", "subscription.told"}
    assert AuditEntry.objects.get(verb="billing.matched").customer_id == customer.pk
    assert ">A1<" not in finance.get(reverse("billing:unmatched-list")).content.decode()
    assert finance.post(there, {"number": customer.number}).status_code == 422


def test_accounts_find_their_customers_by_themselves_when_these_come() -> None:
    hear(
        event("BillingAccountCreateEvent", "billingAccount", account(party="CU-SOON")),
        event("BillingAccountCreateEvent", "billingAccount", account("A2", party="CU-NEVER")),
        event("PaymentCreateEvent", "payment", payment()),
        event("ProductCreateEvent", "product", product("L3", "A3", number="13822220000")),
    )
    assert match_waiting() == 0
    soon = CustomerFactory(number="CU-SOON")
    other = CustomerFactory()
    SubscriptionFactory(customer=other, service_no="13822220000")
    assert match_waiting() == 2 and match_waiting() == 0
    owners = dict(BillingAccount.objects.values_list("external_id", "customer_id"))
    assert owners == {"A1": soon.pk, "A2": None, "A3": other.pk}
    assert TimelineLine.objects.get(kind="payment.received").customer_id == soon.pk


def test_the_commands_of_an_account_are_listed_in_order(finance: Any, django_assert_max_num_queries: Any) -> None:
    row = BillingAccount.objects.create(external_id="A1")
    for n in range(3):
        row.products.create(external_id=f"L{n}", service_no=f"1380000111{n}", status="active")
    queue_command(row.pk, actor=None, kind="SUSPEND_ONE_WAY", natural_key="k1")
    queue_command(row.pk, actor=None, kind="RESTORE", natural_key="k2")
    with django_assert_max_num_queries(15):
        page = finance.get(reverse("billing:account-commands", args=[row.pk])).content.decode()
    assert page.count("Overtaken") == 3 and page.count("13800001110") == 0 and "A restoration is owed" in page
    listed = finance.get(reverse("billing:command-list"), {"state": "QUEUED"}).content.decode()
    assert listed.count("data-row>") == 3
