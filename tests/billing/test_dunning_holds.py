"""Holds of arrears through the services others call: disputes fed by complaints, promises, hardship, decisions."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.dunning.deciding import approve_step, change_grade, note_reached, restore_by_lead
from billing.dunning.facts import Step
from billing.dunning.poking import poke
from billing.dunning.running import advance
from billing.models import BillingAccount, Command, DunningCase, DunningStep, Hold
from billing.services import end_hold, hold_account, promise_to_pay
from complaints.services.changing import change_case
from complaints.services.fee_holds import follow_dispute
from complaints.services.intake import register_complaint
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import OutMessage
from staff.models import OrgUnit
from tests.billing.test_dunning_running import arrived, at, bill, deliver, moment, owing, pay, walk
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARR-03", "ARR-04")]


def in_arrears(grade: str = "C", until: str = "2026-02-20T09:00") -> BillingAccount:
    """An account that was led up to the first warning (or further) by the clock."""
    account = owing()
    DunningCase.objects.create(account=account, grade=grade, begun_at=moment("2026-02-05T00:00"), oldest_due=None)
    for day in ("2026-02-05T00:00", "2026-02-07T09:00", "2026-02-15T09:00", "2026-02-20T09:00", until):
        with at(day):
            advance(account.pk)
            DunningCase.objects.update(grade=grade)
    return account


def test_a_promise_stops_steps_within_its_bounds_and_twice_a_year() -> None:
    account = in_arrears()
    with at("2026-01-02T09:00"):
        clerk, stranger = UserFactory(role="FINANCE_DUNNING"), UserFactory(role="MARKETING")
    with at("2026-02-25T10:00"):
        ask = {"account_id": account.pk, "actor": clerk}
        for days, amount, code in (
            (16, "100", "promise.too_late"),
            (-1, "100", "promise.past"),
            (5, "0", "promise.amount"),
            (5, "500", "promise.amount"),
        ):
            with pytest.raises(RuleBroken) as refused:
                promise_to_pay(**ask, pays_on=date(2026, 2, 25) + timedelta(days=days), amount=Decimal(amount))
            assert refused.value.code == code
        with pytest.raises(NotAllowed):
            promise_to_pay(account.pk, actor=stranger, pays_on=date(2026, 3, 12), amount=Decimal(100))
        assert not Hold.objects.exists()
        hold = promise_to_pay(**ask, pays_on=date(2026, 3, 12), amount=Decimal(100), reason="Salary on the 10th")
        assert hold.to_at == moment("2026-03-13T00:00")
        with pytest.raises(RuleBroken, match="runs already"):
            promise_to_pay(**ask, pays_on=date(2026, 3, 1), amount=Decimal(50))
        assert AuditEntry.objects.filter(verb="billing.promised").count() == 1
    case = walk(account, "2026-02-25T10:01", "2026-03-04T09:00", "2026-03-12T09:00")
    assert not DunningStep.objects.filter(step__in=["WARNING_2", "FINAL_WARNING"]).exists()
    case = walk(account, "2026-03-13T00:00", "2026-03-13T09:00")
    # The rung is taken up the next day: the second warning, then five days.
    assert case.done["WARNING_2"].startswith("2026-03-13T09:00")
    with at("2026-03-13T10:00"):
        promise_to_pay(**ask, pays_on=date(2026, 3, 14), amount=Decimal(50))
    with at("2026-03-16T10:00"), pytest.raises(RuleBroken, match="Only 2 promises"):
        promise_to_pay(**ask, pays_on=date(2026, 3, 18), amount=Decimal(50))
    DunningCase.objects.update(grade="D")
    with at("2026-03-16T10:00"), pytest.raises(RuleBroken, match="grades A to C"):
        promise_to_pay(**ask, pays_on=date(2026, 3, 18), amount=Decimal(50))


def test_hardship_needs_a_lead_and_a_reason_and_can_be_ended() -> None:
    account = in_arrears()
    with at("2026-01-02T09:00"):
        lead, clerk = UserFactory(role="TEAM_LEAD"), UserFactory(role="HALL_CLERK")
    with at("2026-02-25T10:00"):
        with pytest.raises(NotAllowed):
            hold_account(account.pk, kind="HARDSHIP", actor=clerk, reason="Lost the job")
        with pytest.raises(RuleBroken, match="Say why"):
            hold_account(account.pk, kind="HARDSHIP", actor=lead, reason=" ")
        with pytest.raises(RuleBroken, match="Leads grant"):
            hold_account(account.pk, kind="PROMISE", actor=lead, reason="x")
        hold = hold_account(account.pk, kind="HARDSHIP", actor=lead, reason="Lost the job")
        assert (hold.to_at, hold.approved_by) == (moment("2026-03-28T00:00"), lead)
        case = walk(account, "2026-02-25T10:01")
        assert case.late_fee == Decimal("7.20")  # 24 days; the day of the hold does not count
    case = walk(account, "2026-03-10T09:00")
    assert case.late_fee == Decimal("7.20") and not Command.objects.exists()
    with at("2026-03-20T10:00"):
        end_hold(hold.pk, actor=lead)
        with pytest.raises(RuleBroken, match="has ended"):
            end_hold(hold.pk, actor=lead)
        advance(account.pk)
    case.refresh_from_db()
    assert case.next_step == "WARNING_2" and case.next_at == moment("2026-03-21T09:00")


def test_a_complaint_about_a_fee_holds_the_disputed_amount_until_the_answer() -> None:
    account = in_arrears("E", "2026-02-26T09:00")
    assert account.customer is not None
    with at("2026-01-02T09:00"):
        agent = UserFactory(role="AGENT", unit=OrgUnit.objects.get(pk=account.customer.unit_id))
    with at("2026-02-27T10:00"):
        case = register_complaint(
            actor=agent,
            customer=account.customer,
            channel="HOTLINE",
            text="I never ordered this.",
            subject="Unknown fee",
            disputed_fee=True,
            amount=Decimal("40"),
        )
        hold = Hold.objects.get()
        assert (hold.kind, hold.amount, hold.source) == ("DISPUTE", Decimal(40), f"complaint:{case.pk}")
        asked = Command.objects.get()
        assert (asked.kind, asked.params) == (
            "DISPUTE_HOLD",
            {"bill": account.bills.get().external_id, "amount": "40.00"},
        )
        advance(account.pk)
        arrears = DunningCase.objects.get()
        assert (arrears.due, arrears.late_fee) == (Decimal(60), Decimal("4.86"))  # 60 x 0.003 x 27
        change_case(case.pk, actor=agent, version=case.version, changes={"amount": Decimal("100")})
        assert [one.amount for one in Hold.objects.filter(ended_at=None)] == [Decimal(100)]
        advance(account.pk)
        arrears.refresh_from_db()
        assert (arrears.due, arrears.next_step, arrears.closed_at) == (Decimal(0), "", None)
    walk(account, "2026-03-10T09:00")
    assert not Command.objects.filter(kind__startswith="SUSPEND").exists()
    with at("2026-03-12T10:00"):
        case.refresh_from_db()
        case.state = "DECIDED"
        follow_dispute(case, actor=agent)
        assert not Hold.objects.filter(ended_at=None).exists()
        assert Command.objects.filter(kind="DISPUTE_RELEASE").count() == 2
        advance(account.pk)
    arrears.refresh_from_db()
    # The days of the dispute stay free: 26 before it, and the day of the answer is one of it.
    assert (arrears.due, arrears.late_fee, arrears.next_step) == (Decimal(100), Decimal("7.80"), "WARNING_2")


def test_a_lead_restores_on_a_promise_once_four_fifths_are_paid() -> None:
    account = in_arrears("C", "2026-03-04T09:00")
    bill(account, "0.50", "2026-03-31")
    walk(account, "2026-03-07T09:00")
    deliver(account, "2026-03-07T09:00")
    case = walk(account, "2026-03-07T09:20", "2026-03-09T09:00")
    assert case.state == "SUSPENDED_1WAY"
    with at("2026-01-02T09:00"):
        lead, clerk = UserFactory(role="TEAM_LEAD"), UserFactory(role="FINANCE_DUNNING")
    with at("2026-03-10T10:00"):
        with pytest.raises(RuleBroken, match="promised first"):
            restore_by_lead(account.pk, actor=lead)
        pay(account, "79", "2026-03-10T09:30")
        promise_to_pay(account.pk, actor=clerk, pays_on=date(2026, 3, 20), amount=Decimal(21))
        with pytest.raises(RuleBroken, match="80 %"):
            restore_by_lead(account.pk, actor=lead)
        pay(account, "1", "2026-03-10T09:40")
        with pytest.raises(NotAllowed):
            restore_by_lead(account.pk, actor=clerk)
        restore_by_lead(account.pk, actor=lead)
    case.refresh_from_db()
    assert (case.state, case.level, case.target) == ("RESTORING", 0, 1)
    assert Command.objects.filter(kind="RESTORE").count() == 1
    case = walk(account, "2026-03-21T00:00", "2026-03-21T09:00")
    final = DunningStep.objects.filter(step=Step.FINAL_WARNING).latest("at")
    assert final.at == moment("2026-03-21T09:00") and final.round == 2
    arrived(final.message_id, final.at)
    OutMessage.objects.filter(pk=final.message_id).update(state="delivered")
    with at("2026-03-21T09:10"):
        poke([account.pk])
    case = walk(account, "2026-03-23T08:00", "2026-03-23T09:00")
    assert case.state == "SUSPENDED_1WAY"


def test_what_waits_for_a_decision_is_taken_with_it_and_a_better_grade_waits_longer() -> None:
    account = in_arrears("E", "2026-02-26T09:00")
    with at("2026-01-02T09:00"):
        finance, lead = UserFactory(role="FINANCE_DUNNING"), UserFactory(role="TEAM_LEAD")
    case = walk(account, "2026-03-01T09:00", "2026-03-03T09:00")
    assert (case.next_step, case.next_needs) == ("SUSPEND_ONE_WAY", "DELIVERY")
    with at("2026-03-04T10:00"):
        with pytest.raises(NotAllowed):
            approve_step(case.pk, actor=lead)
        with pytest.raises(RuleBroken, match="First two channels"):
            approve_step(case.pk, actor=finance, letter_sent_on=clock.today())
        assert not Command.objects.exists()
        note_reached(case.pk, actor=finance)
        change_grade(account.pk, grade="D")
        advance(account.pk)
    case.refresh_from_db()
    # Told on Wednesday at 10:00: Friday at 10:00; by the grade alone it would have been 03-05.
    assert (case.next_step, case.next_at, case.grace_days) == ("SUSPEND_ONE_WAY", moment("2026-03-06T10:00"), 2)
    with at("2026-03-05T10:00"):
        change_grade(account.pk, grade="A")
        advance(account.pk)
    case = walk(account, "2026-03-06T09:00")
    assert "GRACE" in case.done and case.next_at == moment("2026-03-18T09:00")
    DunningCase.objects.update(
        level=2, level_at=moment("2026-03-18T09:00"), done={"SUSPEND_TWO_WAY": "2026-03-18T09:00+08:00"}
    )
    case = walk(account, "2026-05-03T09:00", "2026-05-18T09:00")
    assert (case.state, case.next_needs) == ("TERMINATION_NOTICE", "FINANCE")
    with at("2026-05-18T10:00"):
        approve_step(case.pk, actor=finance)
    case.refresh_from_db()
    assert case.state == "TERMINATED" and Command.objects.get(kind="TERMINATE").state == "QUEUED"
