"""The nightly erasure really killed: a worker gets SIGKILL in the middle of a batch, and another one goes on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from customers.erasure.erasing import BATCH
from customers.finding import rebuild_find_rows
from customers.models import ContactPoint, Customer, Subscription
from foundation.audit.models import AuditPersonal
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.running import LEASE, claim_and_run
from foundation.jobs.services import start_job
from staff.models import OrgUnit
from tests.factories import PlanFactory, UnitFactory
from tests.jobs.processes import Processes, wait_until
from tests.racing import held

pytestmark = [pytest.mark.covers("ARC-21"), pytest.mark.peers]
Travel = Callable[[datetime], AbstractContextManager[None]]
MANY = BATCH + 100  # one whole batch, and the beginning of the next


def people(unit: OrgUnit, first: int) -> list[int]:
    """Customers whose time is over, with what hangs on them; the same ones but for their numbers."""
    plan = PlanFactory(product_line="MOBILE")
    made = Customer.objects.bulk_create(
        Customer(
            number=f"CU{first + n}",
            name=f"Former {n}",
            unit_id=unit.pk,
            unit_no=unit.no,
            status="FORMER",
            home_city="Xian",
            birth_date=date(1950 + n % 40, 1, 1),
        )
        for n in range(MANY)
    )
    ContactPoint.objects.bulk_create(
        ContactPoint(customer=one, kind="MOBILE", value=f"139{first + n:08d}") for n, one in enumerate(made)
    )
    Subscription.objects.bulk_create(
        Subscription(
            customer=one,
            plan=plan,
            product_line="MOBILE",
            service_no=f"137{first + n:08d}",
            activated_on=date(2015, 1, 1),
            terminated_on=date(2020, 1, 1 + n % 28),
            status="TERMINATED",
        )
        for n, one in enumerate(made)
    )
    rebuild_find_rows([one.pk for one in made])
    return [one.pk for one in made]


def state_of(ids: list[int]) -> list[tuple[Any, ...]]:
    """Each customer with everything of theirs that an erasure touches, without numbers and moments."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.status, replace(c.name, c.id::text, '*'), c.birth_date, c.home_city, c.version,"
            " r.ended_on, r.due_on, r.birth_decade, r.erased_at IS NULL, r.anonymised_at IS NULL, r.held,"
            " (SELECT count(*) FROM customers_contactpoint p WHERE p.customer_id = c.id),"
            " (SELECT count(*) FROM customers_subscription s WHERE s.customer_id = c.id AND s.service_no ~ '^137'),"
            " (SELECT count(*) FROM customer_find_number f WHERE f.customer_id = c.id),"
            " (SELECT count(*) FROM customer_name_gram g WHERE g.customer_id = c.id),"
            " (SELECT array_agg(t.kind ORDER BY t.id) FROM timeline t WHERE t.customer_id = c.id)"
            " FROM customers_customer c LEFT JOIN customers_retention r ON r.customer_id = c.id"
            " WHERE c.id = ANY(%s) ORDER BY c.id",
            [ids],
        )
        return cursor.fetchall()


def asked(condition: str) -> list[int]:
    """Sessions of the database, by a condition."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {condition}")
        return [pid for (pid,) in cursor.fetchall()]


def test_a_worker_killed_in_the_middle_leaves_nobody_half_erased_and_the_next_ends_as_if_nothing_had_been(
    processes: Processes, travel: Travel
) -> None:
    unit = UnitFactory(no=100, last_no=199)
    killed = people(unit, 10_000)
    whole = state_of(killed)
    trap = ContactPoint.objects.get(customer=killed[-1])
    worker = processes.worker("bulk")
    with held(ContactPoint, trap.pk):
        run = start_job("customers.erase_due", actor=None)
        # The second batch has rows of all kinds changed, and stands before the last customer's phone number.
        stands = wait_until(lambda: asked("wait_event_type = 'Lock' AND query LIKE 'DELETE FROM%contactpoint%'"))
        worker.kill()
    wait_until(lambda: not asked(f"pid = {stands[0]}"))  # its half a transaction is rolled back
    assert JobRun.objects.get(pk=run.pk).state == "RUNNING"
    after = state_of(killed)
    done = [row for row in after if row[0] == "ANONYMISED"]
    assert len(done) == BATCH and {row[1] for row in done} == {"#*"}
    assert {row[11:15] for row in done} == {(0, 0, 0, 0)}
    # The others as they were, but for the day from which they are counted as ended.
    assert [row[:5] + row[11:] for row in after[BATCH:]] == [row[:5] + row[11:] for row in whole[BATCH:]]
    assert not AuditPersonal.objects.filter(customer_id__in=killed).exists()

    with travel(clock.now() + LEASE + timedelta(minutes=1)):
        assert claim_and_run(run.pk)
        run.refresh_from_db()
        assert (run.state, run.attempts, run.counts["anonymised"]) == ("DONE", 2, MANY - BATCH)
        calm = people(unit, 50_000)
        again = start_job("customers.erase_due", actor=None)
        assert claim_and_run(again.pk)
    assert JobRun.objects.get(pk=again.pk).counts["anonymised"] == MANY
    assert state_of(killed) == state_of(calm)
