"""`Idempotency-Key`: one effect and one answer, however often, at once, and across a crash (recipes §9)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test import Client

from complaints.models import Complaint
from foundation.common import clock
from foundation.rest import keys
from foundation.rest.models import KeptAnswer
from foundation.rest.tidying import tidy
from outreach.models import OutMessage
from tests.factories import ContactPointFactory, CustomerFactory, UnitFactory, UserFactory
from tests.racing import race
from tests.rest.calling import TICKET, Program, program

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
BODY = {"description": "The line is dead.", "severity": "ordinary", "ticketType": "complaint"}


def desk(**more: Any) -> Program:
    unit = UnitFactory(no=10, last_no=19)
    UserFactory(role="COMPLAINT_HANDLER", unit=unit)
    return program("troubleTicket:read", "troubleTicket:write", unit=unit, **more)


@pytest.mark.django_db
def test_the_same_key_gives_the_first_answer_and_another_body_is_refused(travel: Any) -> None:
    one = desk()
    customer = CustomerFactory(unit=UnitFactory(no=11, last_no=11))
    ContactPointFactory(customer=customer)
    body = {**BODY, "relatedParty": [{"id": customer.ref, "role": "customer"}]}
    first = one.post(TICKET, body, Idempotency_Key="order-1")
    again = one.post(TICKET, dict(reversed(body.items())), Idempotency_Key="order-1")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (again["Location"], again["ETag"]) == (first["Location"], first["ETag"])
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert (Complaint.objects.count(), OutMessage.objects.count()) == (1, 1)
    kept = KeptAnswer.objects.get()
    assert kept.customer_id == customer.pk and b"dead" not in bytes(kept.body or b"")  # encrypted
    for other in ({**body, "description": "Another."}, {**body, "name": "x"}):
        answer = one.post(TICKET, other, Idempotency_Key="order-1")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    path = f"{TICKET}/{first.json()['id']}"
    assert one.patch(path, {"externalId": "x"}, Idempotency_Key="order-1").status_code == 422
    # Patches too; and a refusal leaves no key behind.
    note = {"note": [{"text": "Once."}]}
    assert [one.patch(path, note, Idempotency_Key="n").status_code for _twice in range(2)] == [200, 200]
    assert len(one.get(path).json()["note"]) == 1
    assert one.patch(path, {"status": "closed"}, Idempotency_Key="c").status_code == 409
    assert one.patch(path, {"externalId": "now"}, Idempotency_Key="c").status_code == 200
    for wrong in ("é", "x" * 256):
        assert one.patch(path, {}, Idempotency_Key=wrong).status_code == 400
    # Another program has keys of its own; after 72 hours a key is free again.
    other = program("troubleTicket:read", "troubleTicket:write", name="other")
    assert other.post(TICKET, BODY, Idempotency_Key="order-1").status_code == 201
    assert Complaint.objects.count() == 2
    KeptAnswer.objects.filter(key="order-1").update(at=clock.now() - timedelta(hours=73))
    assert one.post(TICKET, BODY, Idempotency_Key="order-1").json()["id"] != first.json()["id"]
    KeptAnswer.objects.filter(key="n").update(at=clock.now() - timedelta(hours=73))
    tidy(type("Job", (), {"progress": lambda *_a, **_k: None})())
    assert not KeptAnswer.objects.filter(key="n").exists() and KeptAnswer.objects.filter(key="order-1").exists()


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_have_one_effect_and_end_with_one_answer() -> None:
    one = desk()

    def send() -> tuple[int, str, float]:
        began = time.monotonic()
        while True:
            answer = Program(one.keys, one.token, Client()).post(TICKET, BODY, Idempotency_Key="fifty")
            if answer.status_code != 409:
                return answer.status_code, answer.json()["id"], time.monotonic() - began
            assert int(answer["Retry-After"]) >= 1

    answers = race(*[send] * 50)
    assert {answer[:2] for answer in answers} == {(201, Complaint.objects.get().ref)}
    assert (KeptAnswer.objects.count(), Complaint.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_who_comes_second_waits_then_is_told_to_come_again_and_does_the_work_of_the_dead() -> None:
    one = desk()
    holds, let_go, died = threading.Event(), threading.Event(), []
    server: list[int] = []

    def first() -> None:
        """A process that wrote and was killed before its commit."""
        try:
            with transaction.atomic():
                keys.claim(one.keys.client.pk, "crash", b"same")
                server.append(connection.connection.get_backend_pid())
                holds.set()
                let_go.wait(30)
                connection.cursor().execute("SELECT 1")
        except OperationalError as error:
            died.append(error)
        finally:
            connections.close_all()

    holder = threading.Thread(target=first)
    holder.start()
    assert holds.wait(10)
    began = time.monotonic()
    busy = one.post(TICKET, BODY, Idempotency_Key="crash")
    assert (busy.status_code, busy.json()["code"], busy["Retry-After"]) == (409, "busy", "1")
    assert 4.5 < time.monotonic() - began < 8
    assert not Complaint.objects.exists()
    answers: list[Any] = []

    def second() -> None:
        try:
            answers.append(Program(one.keys, one.token, Client()).post(TICKET, BODY, Idempotency_Key="crash"))
        finally:
            connections.close_all()

    waiter = threading.Thread(target=second)
    waiter.start()
    with connection.cursor() as cursor:
        for _try in range(200):
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchone()[0]:
                break
            time.sleep(0.02)
        cursor.execute("SELECT pg_terminate_backend(%s)", server)
    waiter.join(10)
    let_go.set()
    holder.join(10)
    assert (len(died), [answer.status_code for answer in answers]) == (1, [201])
    assert Complaint.objects.get().ref == answers[0].json()["id"]
    assert one.post(TICKET, BODY, Idempotency_Key="crash").json() == answers[0].json()


@pytest.mark.django_db
def test_an_erased_answer_is_told_as_such() -> None:
    one = desk()
    one.post(TICKET, BODY, Idempotency_Key="k")
    KeptAnswer.objects.update(body=None)  # what erasure leaves
    answer = one.post(TICKET, BODY, Idempotency_Key="k")
    assert (answer.status_code, answer.json()["code"], Complaint.objects.count()) == (409, "answer_erased", 1)
