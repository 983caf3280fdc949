"""A worker killed in the middle of events: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from django.db import connection, connections

from billing.mirror import applying
from billing.mirror.inbox import take_event
from billing.mirror.working import work_events
from billing.models import Bill, BillingEvent, BillLine
from tests.billing.events import bill, event
from tests.racing import race


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_it_writes_leaves_everything_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(30):
        take_event(event("CustomerBillCreateEvent", "customerBill", bill(f"B{n}", f"A{n % 5}"), n, event_id=f"E{n}"))
    connections.close_all()
    child = os.fork()
    if child == 0:  # dies after the bills are written and before the transaction ends
        connection.connection = None
        monkeypatch.setattr(applying, "settle_accounts", lambda _keys: os.kill(os.getpid(), signal.SIGKILL))
        work_events()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert BillingEvent.objects.filter(state="WAITING").count() == 30 and not Bill.objects.exists()
    done = race(*[_work_all] * 3)
    assert all(isinstance(one, int) for one in done) and sum(done) + _work_all() == 30, done
    assert Bill.objects.count() == 30 and BillLine.objects.count() == 30
    assert set(BillingEvent.objects.values_list("state", flat=True)) == {"APPLIED"}


def _work_all() -> Any:
    total = 0
    while done := work_events(at_once=4):
        total += done
    return total
