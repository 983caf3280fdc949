"""Nothing personal is left anywhere after an erasure, and the figures are what they were."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from customers.erasure import erasing
from customers.erasure.erasing import enrol_ended, erase_batch, erase_due
from customers.merging.services import approve_merge, propose_merge
from customers.merging.undoing import undo_merge
from customers.models import (
    ContactPoint,
    Customer,
    FieldChange,
    Retention,
    TimelineLine,
)
from customers.services import change_customer
from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from interactions.rights import services
from interactions.services import start_contact
from outreach.lifecycle import MessageState
from outreach.models import FollowUp, OutMessage
from staff.models import User
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.interactions.erasing import KEPT_BY_LAW, MARKS, OF_THE_IDENTITY, grown
from tests.interactions.grepping import dumped, marks_in
from tests.outreach.making import MORNING, queue, reachable

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARC-21"), pytest.mark.usefixtures("state")]
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]
SHORT_LIVED = {"import_staged"}  # holds the rows of imports at work, nothing after
LATER = datetime(2028, 12, 1, 2, 0, tzinfo=UTC)  # more than 24 months after MORNING


@pytest.fixture
def officer() -> User:
    return UserFactory(role="DPO", unit=UnitFactory(no=1, last_no=999_999))


@pytest.fixture
def agent() -> User:
    return UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59), extension="3307")


def test_what_a_law_keeps_is_kept_stored_only_and_goes_when_its_time_is_over(
    officer: User, agent: User, client_for: ClientFor, travel: Travel
) -> None:
    customer = grown(agent, officer, client_for)
    services.withdraw_request(customer.rights_requests.get(kind="ACCESS").pk, actor=officer)
    assert FollowUp.objects.open().filter(customer=customer).exists()
    request = services.raise_request(customer, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
    done = services.erase_for(request.pk, actor=officer)
    customer.refresh_from_db()
    assert done.outcome == "ERASED_IN_PART" and customer.status != "ANONYMISED"
    # The promises to the customer end, and nothing leaves any more.
    assert not FollowUp.objects.open().filter(customer=customer).exists()
    states = set(OutMessage.objects.filter(customer=customer).values_list("state", "reason"))
    assert (MessageState.SUPPRESSED, "gone") in states and MessageState.QUEUED not in {state for state, _r in states}
    assert marks_in(dumped()) == {"name", "part of the name", "line"} | KEPT_BY_LAW | OF_THE_IDENTITY
    assert customer.id_number() == MARKS["document"]  # the real-name register: two years after the end
    kept = Retention.objects.get(pk=customer.pk)
    assert (kept.due_on, kept.identity_until) == (date(2028, 11, 24), date(2028, 11, 24))
    assert customer not in Customer.objects.filter(pk__in=FieldChange.objects.values("customer_id"))
    with travel(LATER):
        report, last = erase_due(clock.now())
        assert (report.erased, report.anonymised, last) == (1, 1, customer.pk)
        assert erase_due(clock.now())[1] is None
    assert marks_in(dumped()) == set()
    assert Retention.objects.get(pk=customer.pk).due_on is None


def test_while_somebody_speaks_with_the_customer_or_a_message_leaves_nothing_is_erased(
    officer: User, agent: User
) -> None:
    customer = reachable(unit=agent.unit, name="Wang Qiang")
    start_contact(actor=agent, customer=customer, channel="HOTLINE")
    message = queue(customer)
    request = services.raise_request(customer, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
    with pytest.raises(RuleBroken, match="under way"):
        services.erase_for(request.pk, actor=officer)
    customer.refresh_from_db()
    assert message is not None
    message.refresh_from_db()
    assert (customer.name, message.state, request.state) == ("Wang Qiang", MessageState.QUEUED, "CHECKED")
    assert not Retention.objects.exists()


def test_the_log_still_verifies_after_its_personal_parts_are_gone(officer: User, agent: User) -> None:
    customer = reachable(unit=agent.unit, name="Wang Qiang")
    change_customer(customer.pk, actor=agent, version=1, changes={"name": "Wang Li"})
    assert AuditPersonal.objects.filter(customer_id=customer.pk).count() == 1
    request = services.raise_request(customer, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
    services.erase_for(request.pk, actor=officer)
    assert not AuditPersonal.objects.filter(customer_id=customer.pk).exists()
    assert AuditEntry.objects.filter(customer_id=customer.pk, verb="customer.changed").exists()
    assert AuditEntry.objects.get(verb="customer.erased").actor_id == officer.pk


def test_what_was_merged_goes_with_the_one_who_stays_and_cannot_come_back(
    officer: User, agent: User, travel: Travel
) -> None:
    lead = UserFactory(role="TEAM_LEAD", unit=agent.unit)
    stays = reachable(unit=agent.unit, name="Ouyang Stays")
    taken = CustomerFactory(unit=agent.unit, name="Ouyang Qzabsorbed")
    ContactPointFactory(customer=taken, value="13966660001")
    merge = propose_merge(stays.pk, taken.pk, actor=agent, reason="the same person")
    approve_merge(merge.pk, actor=lead)
    assert "Qzabsorbed" in dumped()
    request = services.raise_request(stays, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
    services.erase_for(request.pk, actor=officer)
    text = dumped()
    assert "Qzabsorbed" not in text and "Ouyang Stays" not in text and "13966660001" not in text
    with pytest.raises(RuleBroken) as no:
        undo_merge(merge.pk, actor=lead, reason="not the same")
    assert no.value.code == "merge.erased"


# --- by night, over many --------------------------------------------------------------------------------------------


def former(agent: User, number: int, ended: date, **more: Any) -> Customer:
    customer = CustomerFactory(unit=agent.unit, name=f"Former {number}", status="FORMER", **more)
    ContactPointFactory(customer=customer, value=f"1390000{number:04d}")
    SubscriptionFactory(customer=customer, activated_on=date(2015, 1, 1), terminated_on=ended, status="TERMINATED")
    return customer


def rows_of(customers: list[Customer]) -> list[Any]:
    ids = [customer.pk for customer in customers]
    people = Customer.objects.filter(pk__in=ids).order_by("pk")
    found: list[Any] = list(people.values_list("status", "home_city", "source_no"))
    found += list(Retention.objects.filter(pk__in=ids).order_by("pk").values_list("ended_on", "due_on", "birth_decade"))
    return [*found, ContactPoint.objects.filter(customer__in=ids).count()]


def test_every_night_those_whose_time_is_over_become_anonymous(agent: User, travel: Travel) -> None:
    over = former(agent, 1, date(2024, 11, 24))
    waits = former(agent, 2, date(2024, 11, 25))
    back = former(agent, 3, date(2020, 1, 1))
    Customer.objects.filter(pk=back.pk).update(status="ACTIVE")
    active = CustomerFactory(unit=agent.unit, name="Active")
    run = start_job("customers.erase_due", actor=None)
    assert claim_and_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.counts["erased"], run.counts["anonymised"], run.counts["left"]) == ("DONE", 1, 1, 0)
    assert run.counts["rows_customers_contactpoint"] == 1
    states = dict(Customer.objects.values_list("pk", "status"))
    assert [states[one.pk] for one in (over, waits, back, active)] == ["ANONYMISED", "FORMER", "ACTIVE", "ACTIVE"]
    assert Retention.objects.get(pk=waits.pk).due_on == date(2026, 11, 25)
    assert not Retention.objects.filter(pk__in=[back.pk, active.pk]).exists()
    assert [line.kind for line in TimelineLine.objects.filter(customer_id=over.pk)] == ["customer.anonymised"]
    with travel(MORNING + timedelta(days=1)):
        again = start_job("customers.erase_due", actor=None)
        claim_and_run(again.pk)
    again.refresh_from_db()
    assert (again.counts["erased"], Customer.objects.get(pk=waits.pk).status) == (1, "ANONYMISED")


def test_one_who_became_a_customer_again_is_left_and_the_time_begins_anew(agent: User) -> None:
    customer = former(agent, 1, date(2024, 1, 1))
    assert enrol_ended() == customer.pk and enrol_ended(customer.pk) is None
    Customer.objects.filter(pk=customer.pk).update(status="ACTIVE")
    report, _last = erase_due(clock.now())
    assert (report.erased, Retention.objects.count()) == (0, 0)
    customer.refresh_from_db()
    assert customer.name == "Former 1"


def test_many_at_once_equal_one_by_one(agent: User) -> None:
    many = [former(agent, n, date(2020, 1, n + 1), birth_date=date(1950 + 7 * n, 1, 1)) for n in range(1, 6)]
    single = [former(agent, n, date(2020, 1, n - 9), birth_date=date(1950 + 7 * (n - 10), 1, 1)) for n in range(11, 16)]
    while (last := enrol_ended()) and not Retention.objects.filter(pk=last).exists():
        pass
    with transaction.atomic():
        together = erase_batch([one.pk for one in many], clock.now())
    alone = erasing.Report()
    for one in single:
        with transaction.atomic():
            alone.add(erase_batch([one.pk], clock.now()))
    assert rows_of(many) == rows_of(single)
    assert together.rows == alone.rows and together.anonymised == alone.anonymised == 5


def test_killed_half_way_and_run_again_the_outcome_is_the_same(agent: User, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [former(agent, n, date(2020, 1, n)) for n in range(1, 7)]
    monkeypatch.setattr(erasing, "BATCH", 2)
    enrol_ended()
    first, last = erase_due(clock.now(), most=2)
    assert first.anonymised == 2 and last is not None

    class Killed(BaseException):
        pass

    def dies(*_args: Any) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "_remember", dies)  # every row of the batch is changed, nothing is committed
        with pytest.raises(Killed):
            erase_due(clock.now(), last, most=2)
    assert Customer.objects.filter(status="ANONYMISED").count() == 2
    assert ContactPoint.objects.count() == 4
    run = start_job("customers.erase_due", actor=None)
    assert claim_and_run(run.pk)
    assert Customer.objects.filter(pk__in=[one.pk for one in people], status="ANONYMISED").count() == 6
    assert ContactPoint.objects.count() == 0
    assert TimelineLine.objects.filter(kind="customer.anonymised").count() == 6


def test_old_personal_parts_of_the_log_are_forgotten(agent: User, travel: Travel) -> None:
    customer = CustomerFactory(unit=agent.unit)
    record("customer.revealed", target=customer, actor=agent, customer_id=customer.pk, personal={"reason": "old"})
    with travel(MORNING + timedelta(days=3 * 366)):
        record("customer.revealed", target=customer, actor=agent, customer_id=customer.pk, personal={"reason": "new"})
        assert erasing.forget_logs(clock.now()) == 1
    assert [row.values for row in AuditPersonal.objects.all()] == [{"reason": "new"}]
    assert AuditEntry.objects.count() == 2


def test_no_statement_reads_a_whole_big_table(agent: User) -> None:
    """With many rows each statement walks an index: the planner is told not to prefer the small tables of a test."""
    from customers.erasure.statements import statements

    walked = []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement in statements():
            cursor.execute(f"EXPLAIN {statement.sql}", {"ids": [1, 2], **statement.params})
            plan = "\n".join(line for (line,) in cursor.fetchall())
            if "Seq Scan" in plan and statement.table not in SHORT_LIVED:
                walked.append((statement.table, plan))
    assert walked == []


def test_a_right_that_is_missing_stops_everything(officer: User, agent: User) -> None:
    customer = reachable(unit=agent.unit, name="Wang Qiang")
    request = services.raise_request(customer, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
    with pytest.raises(RuleBroken):
        services.erase_for(request.pk, actor=agent)
    assert Customer.objects.get(pk=customer.pk).name == "Wang Qiang"
