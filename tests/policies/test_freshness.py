"""Who sees a change of a policy, and when."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import connection, connections, transaction

from foundation.policies import reading
from foundation.policies.models import PolicySetting
from foundation.policies.reading import policy
from foundation.policies.services import set_policy
from tests.policies.making import ADMIN, NOW, nothing_happened

pytestmark = pytest.mark.usefixtures("keys")


def in_another_thread(act: Any) -> Any:
    """What `act` returns in a thread with its own connection."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(act())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return found[0]


def another_process_sets(value: int) -> None:
    """A row committed by a process that cannot tell this one."""
    in_another_thread(
        lambda: PolicySetting.objects.create(
            key="care.tries", value=value, effective_from=NOW, created_at=NOW, source="x"
        )
    )


@pytest.mark.django_db(transaction=True)
def test_reads_ask_the_database_at_most_once_in_two_seconds(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    ticks = [1_000.0]
    monkeypatch.setattr(reading.time, "monotonic", lambda: ticks[0])
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 2.0)
    reading.forget()
    with django_assert_num_queries(1):
        assert policy("care.tries") == 3
    another_process_sets(5)
    ticks[0] += 1.9
    with django_assert_num_queries(0):
        assert policy("care.tries") == 3
    ticks[0] += 0.2
    with django_assert_num_queries(2):
        assert policy("care.tries") == 5
    ticks[0] += 3
    with django_assert_num_queries(1):
        assert [policy("care.tries") for _ in range(9)] == [5] * 9


@pytest.mark.django_db(transaction=True)
def test_a_transaction_sees_equal_values_and_the_next_request_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 0.0)
    reading.forget()
    with transaction.atomic():
        assert policy("care.tries") == 3
        another_process_sets(5)
        assert policy("care.tries") == 3
    request_started.send(sender=None)
    with transaction.atomic():
        assert policy("care.tries") == 5


@pytest.mark.django_db(transaction=True)
def test_a_writer_sees_its_own_change_nobody_else_before_the_commit_everybody_after() -> None:
    assert policy("care.tries") == 3
    with transaction.atomic():
        set_policy("care.tries", 5, actor=ADMIN)
        assert policy("care.tries") == 5
        assert in_another_thread(lambda: policy("care.tries")) == 3
    assert policy("care.tries") == 5
    assert in_another_thread(lambda: policy("care.tries")) == 5


@pytest.mark.django_db(transaction=True)
def test_a_roll_back_leaves_nothing_behind() -> None:
    with transaction.atomic():
        set_policy("care.tries", 4, actor=ADMIN)
        with transaction.atomic():
            set_policy("care.tries", 5, actor=ADMIN)
            assert policy("care.tries") == 5
            transaction.set_rollback(True)
        assert policy("care.tries") == 4
        transaction.set_rollback(True)
    with transaction.atomic():
        assert policy("care.tries") == 3
    assert policy("care.tries") == 3
    nothing_happened()


@pytest.mark.django_db(transaction=True)
def test_two_writers_take_turns_and_each_keeps_the_value_it_replaced() -> None:
    start = threading.Barrier(2)

    def write(value: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(10)
            set_policy("care.tries", value, actor=ADMIN)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(value,)) for value in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    first, second = PolicySetting.objects.order_by("pk")
    assert (first.old_value, second.old_value) == (3, first.value)
    assert {first.value, second.value} == {5, 6}
    assert policy("care.tries") == second.value
