"""Arrears of accounts in the mirror: steps, messages, calls and requests to billing, through the clock's own task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from billing.dunning.beginning import begin_piece
from billing.dunning.facts import AccountFacts, AccountKind, Paid, Step
from billing.dunning.ladder import position
from billing.dunning.owing import NO_FEE, BillFact
from billing.dunning.poking import poke
from billing.dunning.policies import ladder_in_force
from billing.dunning.running import acting_days, advance
from billing.dunning.tasks import take_dunning_steps
from billing.models import (
    Allocation,
    Bill,
    BilledProduct,
    BillingAccount,
    Bucket,
    Command,
    DunningCase,
    DunningStep,
    Payment,
)
from foundation.common import clock
from foundation.common.ids import first_id_at, new_id
from foundation.policies.services import set_policy
from outreach.lifecycle import MessageState
from outreach.models import FollowUp, MessageMove, OutMessage
from outreach.wording import is_still_true
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARR-02", "ARR-03")]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=clock.BUSINESS_ZONE)


@contextmanager
def at(text: str) -> Iterator[datetime]:
    with clock.travel(moment(text)):
        yield moment(text)


def owing(amount: str = "100", due: str = "2026-01-31", **more: object) -> BillingAccount:
    """An account of a customer with one line and one open bill."""
    customer = CustomerFactory()
    ContactPointFactory(customer=customer)
    account = BillingAccount.objects.create(external_id=f"A{new_id()}", customer=customer, **more)
    BilledProduct.objects.create(external_id=f"P{new_id()}", account=account, service_no="1", status="active")
    bill(account, amount, due)
    return account


def bill(account: BillingAccount, amount: str, due: str) -> Bill:
    day = date.fromisoformat(due)
    return Bill.objects.create(
        external_id=f"B{new_id()}",
        account=account,
        month=day.replace(day=1),
        bill_date=day.replace(day=1),
        due_date=day,
        amount=Decimal(amount),
        remaining=Decimal(amount),
        open_amount=Decimal(amount),
        state="OPEN",
    )


def pay(account: BillingAccount, amount: str, when: str) -> Payment:
    """A payment as the mirror keeps it: oldest bill first."""
    payment = Payment.objects.create(
        external_id=f"Y{new_id()}", account=account, amount=Decimal(amount), paid_at=moment(when), state="DONE"
    )
    left = Decimal(amount)
    for one in account.bills.filter(open_amount__gt=0).order_by("due_date"):
        taken = min(left, one.open_amount)
        if taken:
            Allocation.objects.create(payment=payment, bill=one, amount=taken)
            one.open_amount -= taken
            one.save(update_fields=["open_amount"])
            left -= taken
    poke([account.pk])
    return payment


def taken(account: BillingAccount) -> list[tuple[str, str]]:
    rows = DunningStep.objects.filter(case__account=account).order_by("at", "pk")
    return [(row.step, row.at.astimezone(clock.BUSINESS_ZONE).strftime("%m-%d %H:%M")) for row in rows]


def deliver(account: BillingAccount, when: str) -> None:
    """The final warning arrives."""
    step = DunningStep.objects.filter(case__account=account, step=Step.FINAL_WARNING).latest("at")
    OutMessage.objects.filter(pk=step.message_id).update(state=MessageState.DELIVERED)
    arrived(step.message_id, moment(when))


def arrived(message_id: int | None, when: datetime) -> None:
    """A receipt of that moment: ids of one process never go back, so its id is given."""
    MessageMove.objects.create(id=first_id_at(when) + 1, message_id=message_id, old="sent", new="delivered")


def walk(account: BillingAccount, *days: str) -> DunningCase:
    for day in days:
        with at(day):
            take_dunning_steps()
    return DunningCase.objects.filter(account=account).latest("pk")


def test_a_clock_that_comes_round_some_seconds_after_the_hour_takes_the_steps_of_the_hour() -> None:
    account = owing()
    with at("2026-01-25T05:00"), connection.cursor() as cursor:
        begin_piece(cursor, None, 0, 2**63 - 1)
    days = ("2026-01-26", "2026-01-27", "2026-01-30", "2026-01-31", "2026-02-01", "2026-02-02")
    walk(account, "2026-01-26T04:51", *(f"{day}T09:00:40" for day in days))
    assert taken(account) == [
        ("REMINDER_1", "01-26 09:00"),
        ("REMINDER_2", "01-30 09:00"),
        ("OVERDUE_1", "02-01 09:00"),
    ]
    walk(account, "2026-02-06T12:00", "2026-02-07T11:30", "2026-02-07T11:31")  # the others before it took their time
    assert taken(account)[3:] == [("OVERDUE_2", "02-07 11:30")]


def test_an_account_nobody_pays_goes_up_rung_by_rung_and_a_payment_ends_it() -> None:
    with at("2026-01-02T09:00"):
        UserFactory(role="FINANCE_DUNNING")
    account = owing()
    with at("2026-01-25T05:00"), connection.cursor() as cursor:
        assert begin_piece(cursor, None, 0, 2**63 - 1) == 1
        assert begin_piece(cursor, None, 0, 2**63 - 1) == 0
    case = DunningCase.objects.get()
    assert case.next_at == moment("2026-01-26T00:00")
    DunningCase.objects.update(grade="E")
    case = walk(account, "2026-01-26T09:00", "2026-01-26T09:01", "2026-01-30T09:00", "2026-02-01T00:00")
    DunningCase.objects.update(grade="E")
    case = walk(account, *(f"2026-02-{day:02d}T09:00" for day in (1, 7, 15, 20, 26)), "2026-03-01T09:00")
    assert taken(account) == [
        ("REMINDER_1", "01-26 09:00"),
        ("REMINDER_2", "01-30 09:00"),
        ("OVERDUE_1", "02-01 09:00"),
        ("OVERDUE_2", "02-07 09:00"),
        ("CALL", "02-15 09:00"),
        ("WARNING_1", "02-20 09:00"),
        ("WARNING_2", "02-26 09:00"),
        ("FINAL_WARNING", "03-01 09:00"),
    ]
    assert "100.00" in FollowUp.objects.get().subject
    final = OutMessage.objects.get(template="dunning_final")
    assert (final.message_class, final.params["amount"], final.params["late_fee"]) == ("SERVICE", "108.70", "8.70")
    assert final.params["act_at"] == "2026-03-03T09:00:00+08:00"
    assert OutMessage.objects.filter(template="dunning_reminder", message_class="REMINDER").count() == 2

    # Nobody was reached: nothing is suspended, whatever the date.
    case = walk(account, "2026-03-03T09:00", "2026-03-04T10:00")
    assert (case.state, case.next_needs, Command.objects.count()) == ("WARNED", "DELIVERY", 0)
    deliver(account, "2026-03-04T11:00")
    case = walk(account, "2026-03-04T12:00")
    assert case.next_at == moment("2026-03-06T11:00") and not Command.objects.exists()
    case = walk(account, "2026-03-06T11:00")
    assert case.state == "SUSPENDED_1WAY"
    assert [(one.kind, one.state) for one in Command.objects.all()] == [("SUSPEND_ONE_WAY", "QUEUED")]
    step = DunningStep.objects.get(step="SUSPEND_ONE_WAY")
    assert step.known["grade"] == "E" and step.known["overdue"] == "110.20" and step.batch

    with at("2026-03-06T11:05"):
        pay(account, "110.20", "2026-03-06T11:04")
        assert take_dunning_steps() == 1
    case.refresh_from_db()
    assert case.state == "RESTORING" and case.level == 0
    # The suspension had not left yet: overtaken; the restoration goes all the same.
    assert [(one.kind, one.state) for one in Command.objects.order_by("pk")] == [
        ("SUSPEND_ONE_WAY", "OVERTAKEN"),
        ("RESTORE", "QUEUED"),
    ]
    assert not is_still_true("dunning_final", final.params) and not is_still_true("dunning_one_way", final.params)
    case = walk(account, "2026-03-07T11:05")
    assert case.state == "CLOSED" and case.closed_at is not None


def test_a_payment_that_is_known_wins_over_the_step_of_the_minute_and_a_repeat_does_nothing() -> None:
    account = owing()
    DunningCase.objects.create(account=account, grade="E", begun_at=moment("2026-01-20T09:00"))
    walk(account, "2026-01-20T09:00")
    for day in ("2026-02-01T00:00", "2026-02-26T09:00", "2026-03-01T09:00"):
        with at(day):
            advance(account.pk)
        DunningCase.objects.update(grade="E")
    deliver(account, "2026-03-01T09:00")
    with at("2026-03-03T09:01"):
        pay(account, "100", "2026-03-03T09:00")
        advance(account.pk)
        advance(account.pk)
    assert not Command.objects.exists()
    assert DunningCase.objects.get().closed_at == moment("2026-03-03T09:01")


def test_a_payment_taken_back_is_told_and_suspends_no_earlier_than_48_hours_later() -> None:
    account = owing()
    with at("2026-02-10T09:00"):
        payment = pay(account, "100", "2026-02-03T10:00")
        assert advance(account.pk) == 0 and not DunningCase.objects.exists()
    with at("2026-03-10T15:00"):
        payment.state, payment.reversed_at = "REVERSED", clock.now()
        payment.save()
        Allocation.objects.all().delete()
        Bill.objects.update(open_amount=100)
        advance(account.pk)
        DunningCase.objects.update(grade="E")
    walk(account, "2026-03-11T09:00")
    assert taken(account)[-2:] == [("REVERSAL_NOTICE", "03-11 09:00"), ("FINAL_WARNING", "03-11 09:00")]
    assert OutMessage.objects.filter(template__in=["dunning_reversal", "dunning_final"]).count() == 1
    deliver(account, "2026-03-11T09:02")
    case = walk(account, "2026-03-13T09:00", "2026-03-13T09:02")
    assert case.state == "SUSPENDED_1WAY"
    assert taken(account)[-1] == ("SUSPEND_ONE_WAY", "03-13 09:02")


def test_a_prepaid_balance_that_is_used_up() -> None:
    account = owing("0", pay_type="PREPAID", credit_limit=50)
    Bill.objects.all().delete()
    bucket = Bucket.objects.create(
        external_id="K", account=account, remaining=Decimal("-3"), stated_at=moment("2026-03-10T10:00")
    )
    with at("2026-03-10T10:05"), connection.cursor() as cursor:
        assert begin_piece(cursor, None, 0, 2**63 - 1) == 1
        take_dunning_steps()
    case = walk(account, "2026-03-11T09:00")
    assert [step for step, _when in taken(account)] == ["OVERDUE_1", "WARNING_2"]
    assert case.next_planned_at == moment("2026-03-14T09:00")
    with at("2026-03-12T10:00"):
        bucket.remaining = Decimal(20)
        bucket.save()
        poke([account.pk])
    case = walk(account, "2026-03-12T10:00")
    assert case.closed_at is not None


LIVES = {
    "nobody pays": [],
    "bit by bit": [("2026-02-10T11:00", "30"), ("2026-03-12T11:00", "70"), ("2026-04-02T11:00", "40")],
    "the older bill in time": [("2026-01-29T10:00", "80"), ("2026-04-20T16:00", "60")],
    "suspended, then everything": [("2026-03-20T10:00", "140")],
    "suspended, the older one only": [("2026-03-20T10:00", "80"), ("2026-05-20T10:00", "60")],
    "in the minute of the suspension": [("2026-03-05T09:00", "80"), ("2026-04-02T09:00", "60")],
}


@pytest.mark.parametrize("name", LIVES)
def test_the_clock_takes_the_steps_the_pure_ladder_says(name: str) -> None:
    """Looked at only when something is due or becomes known, an account is led as `position` says from the facts."""
    until = moment("2026-08-01T00:00")
    account = owing("80")
    bill(account, "60", "2026-02-28")
    with at("2026-01-01T00:00"):
        set_policy("billing.grade_unknown", "D", actor=None)
    case = DunningCase.objects.create(account=account, grade="D", begun_at=moment("2026-01-01T00:00"))
    paid = [(moment(when), amount) for when, amount in LIVES[name]]
    now = moment("2026-01-01T00:00")
    while now <= until:
        with clock.travel(now):
            while paid and paid[0][0] <= now:
                pay(account, paid[0][1], paid[0][0].strftime("%Y-%m-%dT%H:%M"))
                paid.pop(0)
            with connection.cursor() as cursor:
                begin_piece(cursor, None, account.pk, account.pk + 1)
            advance(account.pk)
            final = DunningStep.objects.filter(case=case, step=Step.FINAL_WARNING).order_by("at").last()
            if final is not None and final.at == now:
                OutMessage.objects.filter(pk=final.message_id).update(state="delivered")
                arrived(final.message_id, now)
                advance(account.pk)
        case = DunningCase.objects.filter(account=account).latest("pk")
        nexts = [one for one in (case.next_at, paid[0][0] if paid else None) if one is not None]
        if case.closed_at is not None and account.bills.filter(open_amount__gt=0).exists():
            nexts.append(now + timedelta(hours=12))  # the nightly run
        if not nexts:
            break
        now = max(min(nexts), now)
    facts = AccountFacts(
        kind=AccountKind.MOBILE,
        grade="D",
        bills=(
            BillFact("1", date(2026, 1, 31), Decimal(80)),
            BillFact("2", date(2026, 2, 28), Decimal(60)),
        ),
        bill_dates=(("1", date(2026, 1, 1)), ("2", date(2026, 2, 1))),
        payments=tuple(Paid(when, moment(when), Decimal(amount)) for when, amount in LIVES[name]),
    )
    # Billing charges the late fee itself: what it has not charged is not waited for.
    ladder = replace(ladder_in_force(), fees=NO_FEE)
    found = position(facts, ladder, acting_days(), until)
    expected = [(one.step.value, one.at) for one in found.taken if one.step != Step.BILL_NOTICE]
    rows = DunningStep.objects.filter(case__account=account).order_by("at", "pk")
    assert [(row.step, row.at.replace(microsecond=0)) for row in rows] == expected
    assert case.state == found.state.value
    assert (case.next_step, case.next_needs) == (
        (found.ahead[0].step.value, found.ahead[0].needs.value) if found.ahead else ("", "")
    )
