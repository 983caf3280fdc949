"""The run of credit over everybody agrees with the judgement of one, month after month; grades set by hand hold."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.credit.running import judge_everybody, month_of
from billing.credit.service import score_of, set_grade
from billing.dunning.reading import grade_of
from billing.models import Bill, BilledProduct, BillingAccount, Command, CreditChange, CreditRun, CreditScore, Hold
from customers.models import Customer, CustomerFacts, ProtectiveHold
from foundation.audit.models import AuditEntry
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.models import JobChunk, JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from staff.models import User
from tests.conftest import DEEP
from tests.factories import CustomerFactory, PlanFactory, SubscriptionFactory, UnitFactory, UserFactory

MONTH = date(2026, 11, 1)
SEEDS = range(20) if DEEP else range(3)
GRADE_COLUMNS = ("score", "grade", "falls_to", "falls_on", "credit_limit")


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(datetime(2026, 11, 22, 4, 0, tzinfo=UTC)):
        yield


def _account(customer: Customer | None, number: int, **values: Any) -> BillingAccount:
    unit_no = customer.unit_no if customer else None
    return BillingAccount.objects.create(customer=customer, unit_no=unit_no, external_id=f"A{number}", **values)


def _bill(account: BillingAccount, month: date, number: int, **values: Any) -> Bill:
    due = add_months(month, 2) - timedelta(days=1)
    amount = values.pop("amount", Decimal("88.00"))
    rest = values.pop("open_amount", Decimal(0))
    return Bill.objects.create(
        account=account,
        external_id=f"B{number}",
        month=month,
        bill_date=add_months(month, 1),
        due_date=due,
        amount=amount,
        remaining=rest,
        open_amount=rest,
        state="OPEN" if rest else "SETTLED",
        **values,
    )


def _drawn(draw: random.Random, unit: Any, plan: Any, numbers: Any) -> Customer:
    customer: Customer = CustomerFactory(
        unit=unit,
        customer_type=draw.choice(["PERSON", "PERSON", "ENTERPRISE"]),
        identity_status=draw.choice(["VERIFIED", "UNVERIFIED"]),
        status=draw.choice(["ACTIVE"] * 9 + ["ANONYMISED"]),
    )
    CustomerFacts.objects.filter(pk=customer.pk).update(
        value_amount=draw.choice([None, Decimal("0"), Decimal("29.99"), Decimal("120"), Decimal("640.5")])
    )
    lines = [
        SubscriptionFactory(
            customer=customer,
            plan=draw.choice([None, plan]),
            monthly_fee=draw.choice([None, Decimal("59")]),
            status=draw.choice(["ACTIVE"] * 6 + ["PENDING", "SUSPENDED_ARREARS_2WAY"]),
            activated_on=draw.choice(
                [None, date(2026, 5, 2), date(2026, 5, 3), date(2026, 8, 1), date(2024, 2, 29), date(2015, 7, 31)]
            ),
            contract_end=draw.choice([None, date(2027, 5, 2), date(2027, 5, 3)]),
        )
        for _n in range(draw.randrange(3))
    ]
    for _n in range(draw.randrange(3)):
        account = _account(
            customer,
            next(numbers),
            pay_way=draw.choice(["CASH", "AUTO_DEBIT", "BANK_COLLECTION"]),
            status=draw.choice(["ACTIVE"] * 5 + ["CLOSED"]),
        )
        product = None
        for line in lines:
            product = BilledProduct.objects.create(
                account=account, external_id=f"P{next(numbers)}", subscription=line, service_no="x", status="active"
            )
        for back in range(1, draw.choice([1, 18, 18])):
            _bill_of(draw, account, add_months(MONTH, -back), next(numbers))
        for kind in draw.sample(["SUSPEND_ONE_WAY", "SUSPEND_TWO_WAY", "RESTORE"], draw.randrange(3)):
            number = next(numbers)
            at = clock.business_midnight(draw.choice([date(2025, 11, 1), date(2025, 11, 2), date(2026, 11, 2)]))
            Command.objects.create(
                account=account,
                product=product,
                kind=kind,
                natural_key=f"k{number}",
                batch=f"b{number // 3}",
                state=draw.choice(["ACKNOWLEDGED", "ACKNOWLEDGED", "OVERTAKEN"]),
                acknowledged_at=at,
            )
    if draw.random() < 0.1:
        ProtectiveHold.objects.create(customer=customer, reason="REPORTED")
    return customer


def _bill_of(draw: random.Random, account: BillingAccount, month: date, number: int) -> None:
    if draw.random() < 0.2:
        return
    bill = _bill(
        account,
        month,
        number,
        amount=draw.choice([Decimal("0"), Decimal("30.00"), Decimal("88.00"), Decimal("88.01")]),
        delivered=draw.random() > 0.1,
    )
    if bill.amount and draw.random() < 0.2:
        Bill.objects.filter(pk=bill.pk).update(
            open_amount=bill.amount,
            remaining=bill.amount,
            state="OPEN",
            written_off_on=date(2026, 10, 1) if draw.random() < 0.1 else None,
        )
    elif draw.random() < 0.9:
        paid_on = bill.due_date + timedelta(days=draw.choice([-20, 0, 0, 0, 1, 15, 16]))
        Bill.objects.filter(pk=bill.pk).update(paid_on=paid_on)
    if draw.random() < 0.05:
        Bill.objects.filter(pk=bill.pk).update(state="REPLACED")
    if draw.random() < 0.1:
        due = clock.business_midnight(bill.due_date)
        ended = draw.choice([None, due - timedelta(seconds=1), due])
        Hold.objects.create(
            account=account, bill=bill, kind="DISPUTE", amount=1, from_at=due - timedelta(days=9), ended_at=ended,
            source=f"complaint:{number}",
        )  # fmt: skip


def _columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def _subjects(customer: Customer) -> list[BillingAccount | None]:
    accounts = list(customer.billing_accounts.filter(status="ACTIVE"))
    if customer.status == "ANONYMISED" or not accounts:
        return []
    return list(accounts) if customer.customer_type == "ENTERPRISE" else [None]


@pytest.mark.django_db
@pytest.mark.covers("CLS-01", "LIF-11")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_run_and_the_judgement_of_one_give_equal_rows(seed: int) -> None:
    draw, unit, plan, numbers = random.Random(seed), UnitFactory(), PlanFactory(), iter(range(10_000))
    people = [_drawn(draw, unit, plan, numbers) for _n in range(70)]
    for month in (date(2026, 9, 1), date(2026, 10, 1), MONTH):  # each run takes the grades of the one before
        judge_everybody(month)
        for customer in draw.sample(people, 5):
            CreditChange.objects.create(
                customer=customer, from_grade="C", to_grade="B", begins=month, until=add_months(month, 1),
                reason="r", actor_id=1,
            )  # fmt: skip
    judge_everybody(MONTH)  # again: the same rows
    rows = {(row.customer_id, row.account_id): _columns(row) for row in CreditScore.objects.filter(month=MONTH)}
    expected = {}
    for customer in people:
        for account in _subjects(customer):
            row = score_of(customer, account, MONTH)
            expected[(row.customer_id, row.account_id)] = _columns(row)
    assert {key: row for key, row in rows.items() if row != expected.get(key)} == {}
    assert set(rows) == set(expected)
    assert {row["basis"] for row in rows.values()} == {"BILLS", "FIRST_MONTHS", "NO_BILLS"}
    assert any(row["falls_to"] for row in rows.values())
    for customer in people:
        own = [row for (customer_id, _account_id), row in rows.items() if customer_id == customer.pk]
        told = CustomerFacts.objects.get(pk=customer.pk)
        if own:
            assert told.credit_grade == max(row["grade"] for row in own)
            assert (told.credit_month, told.credit_limit) == (MONTH, sum(row["credit_limit"] for row in own))
        else:
            assert (told.credit_month, told.credit_grade, told.credit_limit) == (None, "", None)


@pytest.fixture
def payer(db: None) -> Customer:
    """Two years a customer, twelve bills of 88.00 of which one was paid a day late: 36.67 + 20 + 8 + 6 + 5 = 76."""
    customer: Customer = CustomerFactory(identity_status="VERIFIED", customer_type="PERSON")
    SubscriptionFactory(customer=customer, activated_on=date(2024, 11, 2), contract_end=None)
    CustomerFacts.objects.filter(pk=customer.pk).update(value_amount=Decimal("88"))
    account = _account(customer, 1)
    for back in range(2, 14):
        bill = _bill(account, add_months(MONTH, -back), back)
        Bill.objects.filter(pk=bill.pk).update(paid_on=bill.due_date + timedelta(days=back == 5))
    return customer


def _facts(customer: Customer) -> tuple[str, int | None]:
    told = CustomerFacts.objects.get(pk=customer.pk)
    return told.credit_grade, told.credit_limit


@pytest.mark.django_db
@pytest.mark.covers("CLS-01", "LIF-11")
def test_a_lead_sets_a_grade_for_three_months_and_says_why(payer: Customer) -> None:
    judge_everybody(MONTH)
    assert [getattr(CreditScore.objects.get(), name) for name in GRADE_COLUMNS] == [76, "B", "", None, 130]
    lead: User = UserFactory(role="TEAM_LEAD", unit_id=payer.unit_id)
    agent: User = UserFactory(role="AGENT", unit_id=payer.unit_id)
    for actor, to, reason, code in (
        (agent, "A", "Long a customer.", "credit.not_yours"),
        (lead, "A", "  ", "credit.no_reason"),
        (lead, "D", "Seldom pays.", "credit.too_far"),
        (lead, "B", "As it is.", "credit.no_change"),
    ):
        with pytest.raises((RuleBroken, NotAllowed)) as refused:
            set_grade(payer.pk, to=to, reason=reason, actor=actor)
        assert refused.value.code == code
    assert not CreditChange.objects.exists() and _facts(payer) == ("B", 130)

    account = payer.billing_accounts.get()
    assert grade_of(account.pk) == "B"
    change = set_grade(payer.pk, to="A", reason="Long a customer.", actor=lead)
    assert (change.from_grade, change.until) == ("B", date(2027, 2, 22))
    assert grade_of(account.pk) == "A"  # as the ladder of arrears asks
    assert _facts(payer) == ("A", 170)  # 2.0 x 88 in whole tens
    entry = AuditEntry.objects.get(verb="billing.credit_set")
    assert (entry.customer_id, entry.detail) == (payer.pk, {"from": "B", "to": "A"})

    with clock.travel(datetime(2026, 12, 22, 4, 0, tzinfo=UTC)):
        judge_everybody(date(2026, 12, 1))
        assert _facts(payer) == ("A", 170)
        back = set_grade(payer.pk, to="B", reason="Asked for it.", actor=lead)
        assert back.from_grade == "A" and _facts(payer) == ("B", 130)
    change.refresh_from_db()
    assert change.ended_on == date(2026, 12, 22)


@pytest.mark.django_db(transaction=True)
@pytest.mark.covers("CLS-01")
def test_the_job_runs_once_a_month_and_again_ends_equal(payer: Customer) -> None:
    def ran() -> JobRun:
        job = start_job("billing.judge_credit", params={"month": "2026-11"}, actor=None)
        claim_and_run(job.pk)
        job.refresh_from_db()
        return job

    first = ran()
    assert (first.state, CreditScore.objects.count()) == ("DONE", 1)
    kept = _columns(CreditScore.objects.get())
    JobChunk.objects.filter(run=first).update(rows=None)  # killed before its piece was marked
    CreditRun.objects.update(state="MEASURE", done_at=None)
    second = ran()
    assert second.state == "DONE" and _columns(CreditScore.objects.get()) == kept
    wrong = start_job("billing.judge_credit", params={"month": "2026-12"}, actor=None)
    claim_and_run(wrong.pk)
    wrong.refresh_from_db()
    assert wrong.state == "FAILED"


def test_a_month_is_judged_from_its_second_day_on() -> None:
    assert month_of(datetime(2026, 11, 1, 15, 59, tzinfo=UTC)) == date(2026, 10, 1)
    assert month_of(datetime(2026, 11, 1, 16, 0, tzinfo=UTC)) == MONTH  # the 2nd begins in the business zone
