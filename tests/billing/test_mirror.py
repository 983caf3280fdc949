"""From events to the mirror: what they say, in any order, twice, or wrongly."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.mirror.inbox import take_event
from billing.mirror.pieces import Unusable
from billing.mirror.working import work_events
from billing.models import (
    Allocation,
    Bill,
    BilledProduct,
    BillingAccount,
    BillingEvent,
    BillLine,
    Bucket,
    Difference,
    Payment,
)
from customers.models import CustomerFacts, Subscription, TimelineLine
from tests.billing.events import account, bill, bucket, event, money, payment, product
from tests.factories import CustomerFactory, SubscriptionFactory

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(travel: Any) -> Any:
    with travel(NOON):
        yield


def hear(*told: dict[str, Any]) -> None:
    for one in told:
        take_event(one)
    for _round in range(5):
        if not work_events():
            return


def why() -> dict[str, tuple[str, str]]:
    rows = BillingEvent.objects.values_list("event_id", "state", "why")
    return {key: (state, code) for key, state, code in rows}


def mirrored() -> dict[str, Any]:
    """The whole mirror without ids and the moments we heard of things."""
    return {
        "accounts": sorted(
            BillingAccount.objects.values_list(
                "external_id", "customer_id", "party", "kind", "pay_type", "pay_way", "status", "balance",
                "credit_limit", "stated_at", "stated_by",
            )
        ),
        "bills": sorted(
            Bill.objects.values_list(
                "external_id", "account__external_id", "month", "due_date", "amount", "late_fee", "remaining",
                "open_amount", "state", "replaced_by__external_id", "replaced_by_ref", "stated_at", "stated_by",
            ),
            key=str,
        ),
        "lines": sorted(BillLine.objects.values_list("bill__external_id", "position", "kind", "amount")),
        "payments": sorted(
            Payment.objects.values_list(
                "external_id", "account__external_id", "amount", "paid_at", "state", "reversed_at", "bank_erred"
            ),
            key=str,
        ),
        "shares": sorted(
            Allocation.objects.values_list("payment__external_id", "bill__external_id", "part", "amount"), key=str
        ),
        "products": sorted(
            BilledProduct.objects.values_list(
                "external_id", "service_no", "subscription_id", "status", "suspension_type", "last_command_id"
            ),
            key=str,
        ),
        "buckets": sorted(Bucket.objects.values_list("external_id", "remaining")),
        "wrong": sorted(Difference.objects.filter(repaired_at=None).values_list("kind", "external_id")),
        "lines of customers": sorted(Subscription.objects.values_list("service_no", "status")),
        "debts": sorted(CustomerFacts.objects.values_list("customer_id", "open_debt", "debt_due_on"), key=str),
        "timeline": sorted(
            TimelineLine.objects.exclude(kind="subscription.told").values_list("customer_id", "kind", "params"), key=str
        ),
    }  # fmt: skip


def a_story() -> list[dict[str, Any]]:
    """Two accounts: a bill replaced twice, a part payment, a payment taken back, a line barred and restored."""
    wrong = bill("B3", amount=40, month="2026-08", due="2026-09-30")
    wrong["appliedCustomerBillingRate"][0]["taxIncludedAmount"] = money(39)
    return [
        event("BillingAccountCreateEvent", "billingAccount", account(party="CU-STORY"), 1, event_id="01"),
        event("BillingAccountStateChangeEvent", "billingAccount", account(party="CU-STORY", creditLimit=money(300)), 30,
              event_id="02"),
        event("ProductCreateEvent", "product", product(), 2, event_id="03"),
        event("CustomerBillCreateEvent", "customerBill", bill("B1"), 3, event_id="04"),
        event("CustomerBillStateChangeEvent", "customerBill", bill("B1", state="replaced", replacedBy={"id": "B2"}), 5,
              event_id="05"),
        event("CustomerBillCreateEvent", "customerBill", bill("B2", amount=57), 5, event_id="06"),
        event("CustomerBillStateChangeEvent", "customerBill",
              bill("B2", amount=57, state="replaced", replacedBy={"id": "B4"}), 8, event_id="07"),
        event("CustomerBillCreateEvent", "customerBill", bill("B4", amount=55.5), 8, event_id="08"),
        event("CustomerBillCreateEvent", "customerBill", wrong, 4, event_id="09"),
        event("PaymentCreateEvent", "payment", payment("P1", amount=60, at=20), 20, event_id="10"),
        event("PaymentCreateEvent", "payment", payment("P2", amount=35.5, at=21), 21, event_id="11"),
        event("PaymentStateChangeEvent", "payment",
              payment("P2", amount=35.5, at=21, status="reversed", statusDate="2026-11-02T00:00:00Z"), 60,
              event_id="12"),
        event("CustomerBillStateChangeEvent", "customerBill",
              {**wrong, "remainingAmount": money(0), "state": "settled"}, 20, event_id="13"),
        event("ProductStateChangeEvent", "product", product(status="suspended", suspensionType="oneWay"), 40,
              event_id="14"),
        event("ProductStateChangeEvent", "product", product(status="suspended", suspensionType="twoWay"), 50,
              event_id="15"),
        event("ProductStateChangeEvent", "product", product(), 70, event_id="16"),
        event("BucketCreateEvent", "bucket", bucket("K1", "A2", 20), 6, event_id="17"),
        event("BucketAttributeValueChangeEvent", "bucket", bucket("K1", "A2", -3.25), 9, event_id="18"),
        event("CustomerBillCreateEvent", "customerBill", bill("B9", owner="A2", amount=10), 9, event_id="19"),
        # Two statements of one moment: the greater id holds, whichever came first.
        event("BucketAttributeValueChangeEvent", "bucket", bucket("K1", "A2", 7), 9, event_id="20"),
    ]  # fmt: skip


def test_the_mirror_is_the_same_whatever_the_order_and_however_often_events_come() -> None:
    customer = CustomerFactory(number="CU-STORY")
    SubscriptionFactory(customer=customer, service_no="13800000001")
    expected: list[Any] = []

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False), st.integers(1, 20))
    def any_order(draw: random.Random, lot: int) -> None:
        told = a_story()
        shuffled = told if not expected else draw.sample(told, len(told)) + draw.sample(told, 5)
        with transaction.atomic():
            for start in range(0, len(shuffled), lot if expected else 1):
                hear(*shuffled[start : start + (lot if expected else 1)])
            assert not BillingEvent.objects.filter(state="WAITING").exists()
            found = mirrored()
            transaction.set_rollback(True)
        if not expected:
            expected.append(found)
        assert found == expected[0]

    any_order()
    # And it is this: B4 stands for B1 and B2; 60 covers the oldest bill and 20 of B4; the reversed payment nothing.
    end = expected[0]
    assert [(b[0], b[7], b[8], b[9]) for b in end["bills"]] == [
        ("B1", Decimal("0.00"), "REPLACED", "B2"),
        ("B2", Decimal("0.00"), "REPLACED", "B4"),
        ("B3", Decimal("0.00"), "SETTLED", None),
        ("B4", Decimal("35.50"), "OPEN", None),
        ("B9", Decimal("10.00"), "OPEN", None),
    ]
    assert end["shares"] == [
        ("P1", "B3", "PRINCIPAL", Decimal("40.00")),
        ("P1", "B4", "PRINCIPAL", Decimal("20.00")),
    ]
    assert end["buckets"] == [("K1", Decimal("7.00"))]
    assert end["wrong"] == [("WRONG_TOTAL", "B3")]
    assert end["lines of customers"] == [("13800000001", "ACTIVE")]
    assert end["debts"] == [(customer.pk, Decimal("35.50"), date(2026, 11, 30))]
    kinds = [kind for _customer, kind, _params in end["timeline"]]
    assert kinds.count("bill.ready") == 4 and kinds.count("bill.replaced") == 2
    assert kinds.count("payment.received") == 2 and kinds.count("payment.reversed") == 1


@pytest.mark.parametrize(
    ("resource", "body", "field", "code"),
    [
        ("customerBill", bill(amount=59.005), "taxIncludedAmount.value", "decimals"),
        ("customerBill", bill(amount=-1), "taxIncludedAmount.value", "negative"),
        ("customerBill", bill(taxIncludedAmount={"unit": "USD", "value": 5}), "taxIncludedAmount.unit", "currency"),
        ("customerBill", bill(amount=10, remaining=11), "remainingAmount.value", "more_than_amount"),
        ("customerBill", bill(state="replaced", replacedBy={"id": "B1"}), "replacedBy.id", "itself"),
        ("customerBill", bill(due="2026-10-15"), "paymentDueDate", "before_bill"),
        ("customerBill", bill(state="lost"), "state", "code"),
        ("customerBill", bill(taxIncludedAmount=money("NaN")), "taxIncludedAmount.value", "number"),
        ("customerBill", bill(taxIncludedAmount=money(True)), "taxIncludedAmount.value", "number"),
        ("payment", payment(amount=0), "amount.value", "nothing"),
        ("payment", payment(amount=-5), "amount.value", "negative"),
        ("payment", payment(paymentDate="2026-11-01T00:00:00"), "paymentDate", "zone"),
        ("product", product(status="asleep"), "status", "code"),
        ("billingAccount", account(relatedParty="me"), "relatedParty", "list"),
    ],
)
def test_a_body_that_cannot_be_used_is_kept_with_its_reason(
    resource: str, body: dict[str, Any], field: str, code: str
) -> None:
    noun = resource[0].upper() + resource[1:]
    hear(event(f"{noun}CreateEvent", resource, body, event_id="bad"))
    kept = BillingEvent.objects.get()
    assert (kept.state, kept.why) == ("FAILED", "body")
    assert (kept.faults[0]["field"], kept.faults[0]["code"]) == (field, code)
    assert kept.body["event"][resource] == body
    assert not Bill.objects.exists() and not Payment.objects.exists() and not BilledProduct.objects.exists()


def test_what_is_no_event_is_refused_and_nothing_kept() -> None:
    for told in (
        [],
        {},
        {"eventId": "1"},
        {**event("PaymentCreateEvent", "payment", payment()), "eventId": "x" * 101},
        {**event("PaymentCreateEvent", "payment", payment()), "eventTime": "yesterday"},
        event("PaymentCreateEvent", "payment", {}),
        event("PaymentCreateEvent", "payment", payment("\0")),
        event("PaymentCreateEvent", "payment", payment(), note="\0"),
        event("PaymentCreateEvent", "payment", payment(), note="\ud800"),
    ):
        with pytest.raises(Unusable):
            take_event(told)
    assert not BillingEvent.objects.exists()
    hear(event("UsageCreateEvent", "usage", {}, event_id="other"))
    assert why() == {"other": ("IGNORED", "unknown_kind")}


def test_old_double_pending_and_partial_events_do_nothing_and_say_why() -> None:
    assert take_event(event("PaymentCreateEvent", "payment", payment(status="authorized"), event_id="pending"))
    newer = event("CustomerBillStateChangeEvent", "customerBill", bill(remaining=0), 5, event_id="newer")
    assert take_event(newer) and not take_event(newer)
    hear()
    hear(event("CustomerBillCreateEvent", "customerBill", bill(), 1, event_id="older"))
    hear(event("CustomerBillCreateEvent", "customerBill", {"id": "B1"}, 9, event_id="partial"))
    hear(event("CustomerBillStateChangeEvent", "customerBill", bill(remaining=0), 6, event_id="same"))
    assert why() == {
        "pending": ("IGNORED", "unfinished"),
        "newer": ("APPLIED", ""),
        "older": ("IGNORED", "older"),
        "partial": ("FAILED", "not_connected"),
        "same": ("IGNORED", "same"),
    }
    assert Bill.objects.get().state == "SETTLED" and not Payment.objects.exists()


def test_the_clock_of_the_sender_a_day_ahead_does_not_shut_out_what_comes_after() -> None:
    ahead = (NOON + timedelta(days=1) - datetime(2026, 11, 1, tzinfo=UTC)) // timedelta(minutes=1)
    hear(event("CustomerBillCreateEvent", "customerBill", bill(), ahead, event_id="ahead"))
    row = Bill.objects.get()
    assert row.state == "OPEN" and row.stated_at == NOON
    soon = (NOON - datetime(2026, 11, 1, tzinfo=UTC)) // timedelta(minutes=1) + 2
    hear(event("CustomerBillStateChangeEvent", "customerBill", bill(remaining=0), soon, event_id="right"))
    row.refresh_from_db()
    assert row.state == "SETTLED"


def test_an_unknown_account_is_kept_and_gets_its_history_when_its_customer_is_known() -> None:
    hear(
        event("CustomerBillCreateEvent", "customerBill", bill(), 1),
        event("PaymentCreateEvent", "payment", payment(amount=9)),
    )
    row = BillingAccount.objects.get()
    assert row.customer is None and row.stated_at is None and Bill.objects.get().open_amount == Decimal("50.00")
    assert not TimelineLine.objects.exists()
    customer = CustomerFactory(number="CU-LATE")
    hear(event("BillingAccountCreateEvent", "billingAccount", account(party="CU-LATE"), 2))
    row.refresh_from_db()
    assert (row.customer_id, row.unit_no) == (customer.pk, customer.unit_no)
    assert sorted(TimelineLine.objects.values_list("kind", flat=True)) == ["bill.ready", "payment.received"]
    assert CustomerFacts.objects.get(customer=customer).open_debt == Decimal("50.00")


def test_a_lot_of_events_costs_few_statements(django_assert_max_num_queries: Any) -> None:
    told = [event("CustomerBillCreateEvent", "customerBill", bill(f"B{n}", f"A{n}"), 1) for n in range(100)]
    for one in told:
        take_event(one)
    with django_assert_max_num_queries(45):
        assert work_events() == 100
    assert Bill.objects.count() == 100
