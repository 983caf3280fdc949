"""Month-end files: through the door and by hand, checked, loaded once, begun again when killed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.mirror.inbox import take_event
from billing.mirror.working import work_events
from billing.models import Allocation, Bill, BillingAccount, BillLine, Difference, StagedBill
from billing.monthend import loading
from billing.monthend.files import COLUMNS
from billing.monthend.running import CHECK, LOAD
from customers.models import CustomerFacts, TimelineLine
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import retry_job, start_job
from tests.billing.comparing import unlike
from tests.billing.events import account, bill, event, payment
from tests.billing.peer import Simulator
from tests.factories import CustomerFactory, UserFactory
from tests.rest.calling import program

pytestmark = pytest.mark.django_db
HEAD = ",".join(COLUMNS)


def load(text: str | bytes, job: str = LOAD, **params: Any) -> JobRun:
    raw = text.encode() if isinstance(text, str) else text
    run = start_job(job, actor=None, params=params, file=ContentFile(raw, name="bills.csv"))
    claim_and_run(run.pk)
    run.refresh_from_db()
    return run


def row(key: str, owner: str = "A1", amount: Any = "59.00", kind: str = "PLAN", due: str = "2026-11-30") -> str:
    return f"{key},NO-{key},{owner},2026-10,2026-11-01,{due},{kind},Plan,13800000001,{amount}"


def hear(*told: dict[str, Any]) -> None:
    for one in told:
        take_event(one)
    work_events()


def errors_of(run: JobRun) -> list[list[str]]:
    with run.errors_file.open("rb") as file:
        return list(csv.reader(io.StringIO(file.read().decode("utf-8-sig"))))[1:]


def test_the_bills_of_a_month_are_loaded_once_with_all_that_follows() -> None:
    customer = CustomerFactory(number="CU-ME")
    hear(
        event("BillingAccountCreateEvent", "billingAccount", account("A1", party="CU-ME")),
        event("PaymentCreateEvent", "payment", payment("P1", amount=10)),  # credit before there is a bill
        event("CustomerBillCreateEvent", "customerBill", bill("KNOWN", "A1", 59, due="2026-11-30")),
    )
    text = "\n".join(
        [HEAD, row("KNOWN"), row("B1", amount="50.00"), row("B1", amount="9.50", kind="DATA"),
         row("B1", amount="-1.50", kind="DISCOUNT"), row("B2", "A2", "0.40"), row("B3", "A2", "5")]
    )  # fmt: skip
    checked = load(text, CHECK, month="2026-10")
    assert checked.state == "DONE", checked.error_text
    assert {name: checked.counts[name] for name in ("new", "known", "accounts", "totals", "errors")} == {
        "new": 3, "known": 1, "accounts": 1, "totals": 0, "errors": 0,
    }  # fmt: skip
    assert Bill.objects.count() == 1 and not StagedBill.objects.exists()
    done = load(text, month="2026-10")
    assert done.state == "DONE" and done.counts["rows"] == 3, done.error_text
    shown = Bill.objects.order_by("external_id").values_list("external_id", "amount", "open_amount", "state")
    assert list(shown) == [
        ("B1", Decimal("58.00"), Decimal("48.00"), "OPEN"),
        ("B2", Decimal("0.40"), Decimal("0.00"), "OPEN"),
        ("B3", Decimal("5.00"), Decimal("5.00"), "OPEN"),
        ("KNOWN", Decimal("59.00"), Decimal("59.00"), "OPEN"),
    ]
    assert BillLine.objects.filter(bill__external_id="B1").count() == 3
    assert Allocation.objects.get().amount == 10
    assert CustomerFacts.objects.get(customer=customer).open_debt == Decimal("107.00")
    assert TimelineLine.objects.filter(kind="bill.ready").count() == 2  # of the account that is known
    assert BillingAccount.objects.get(external_id="A2").customer is None
    # Again: nothing more. What an event says afterwards is newer than the file.
    again = load(text)
    assert (again.counts["rows"], again.counts["known"]) == (0, 4)
    assert Bill.objects.count() == 4 and BillLine.objects.count() == 6
    hear(event("CustomerBillStateChangeEvent", "customerBill", bill("B3", "A2", 5, 0), 60))
    assert Bill.objects.get(external_id="B3").state == "SETTLED"


def test_wrong_rows_are_listed_and_the_others_loaded() -> None:
    hear(event("CustomerBillCreateEvent", "customerBill", bill("KNOWN", "A1", 60)))
    text = "\n".join(
        [
            HEAD,
            row("B1", amount="1.005"),
            row("B2", amount="-3"),
            "too,few,cells",
            row("B3", due="2026-10-01"),
            row("B4").replace("2026-10,", "2026-09,"),
            row("KNOWN"),
            row("OK"),
            row("B5", kind="MAGIC"),
            row("OK2"),
            row("OK", amount="7"),
            row("", amount="7"),
        ]
    )
    run = load(text, month="2026-10")
    assert run.state == "DONE", run.error_text
    assert sorted(Bill.objects.values_list("external_id", flat=True)) == ["KNOWN", "OK", "OK2"]
    assert Bill.objects.get(external_id="KNOWN").amount == 60
    told = {(int(line), field) for line, field, _words in errors_of(run)}
    assert told == {
        (2, "line.amount"), (3, "line.amount"), (4, ""), (5, "paymentDueDate"), (6, "month"), (7, "billId"),
        (9, "line.type"), (11, "billId"), (12, "billId"),
    }  # fmt: skip
    for wrong in ("no,such,header\n1,2,3", b"\xff\xfe\x00a", ""):
        refused = load(wrong)
        assert (refused.state, refused.error_code) == ("FAILED", "billing.bad_file")
    spoilt = {
        "billId": "N1", "accountId": "A1", "month": "2026-10", "billDate": "2026-11-01", "dueDate": "2026-11-30",
        "amount": "20.00", "lines": [{"lineType": "PLAN", "lineName": "x", "serviceNo": "", "amount": "19.00"}],
    }  # fmt: skip
    lines = [json.dumps(spoilt), json.dumps(bill("N2", "A1", 12.5)), "{broken", json.dumps({**spoilt, "amount": 1e400})]
    run = load("\n".join(lines).replace("Infinity", "1e999"))
    assert run.counts["rows"] == 2 and run.counts["totals"] == 1 and run.counts["errors"] == 2
    assert Difference.objects.get().external_id == "N1"  # kept as billing told it, and listed


def test_a_load_that_was_killed_begins_again_and_ends_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join([HEAD, *(row(f"B{n:03d}", f"A{n % 7}") for n in range(60))])
    monkeypatch.setattr("billing.monthend.running.PIECE", 20)
    whole = loading.settle_accounts
    calls: list[int] = []

    def dies(keys: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError
        whole(keys)

    monkeypatch.setattr(loading, "settle_accounts", dies)
    run = load(text)
    assert run.state == "FAILED" and Bill.objects.count() == 20
    retry_job(run.pk, actor=None)
    claim_and_run(run.pk)
    run.refresh_from_db()
    assert run.state == "DONE", run.error_text
    assert Bill.objects.count() == 60 and BillLine.objects.count() == 60 and not StagedBill.objects.exists()


def test_the_page_checks_and_loads(client_for: Any, django_assert_max_num_queries: Any) -> None:
    engineer = client_for(UserFactory(role="SYS_ADMIN"))
    page = reverse("billing:monthend")
    assert engineer.post(page, {"act": "load", "month": "October"}).status_code == 422
    assert not JobRun.objects.filter(job__in=[LOAD, CHECK]).exists()
    upload = SimpleUploadedFile("october.csv", f"{HEAD}\n{row('B1')}".encode())
    assert engineer.post(page, {"act": "load", "month": "2026-10", "file": upload}).status_code == 302
    run = JobRun.objects.get(job=LOAD)
    claim_and_run(run.pk)
    assert Bill.objects.get().external_id == "B1"
    with django_assert_max_num_queries(15):
        assert "october.csv" in engineer.get(page).content.decode()
    assert client_for(UserFactory(role="AGENT")).post(page, {"act": "load"}).status_code == 403


def test_billing_sends_its_month_through_the_door(simulator: Callable[..., Simulator]) -> None:
    billing, caller = simulator(), program("billing:notify")
    billing.do("accounts", accounts=[{"id": f"A{n}", "products": []} for n in range(8)], tell=False)
    billing.do("month-end", month="2026-10", tell=False, seed=5)
    door = "/api/careline/v1/imports?content=bills&month="
    for form, kind in (("csv", "text/csv"), ("ndjson", "application/x-ndjson")):
        raw = billing.month_file("2026-10", form)
        taken = caller.send("POST", f"{door}2026-10", raw, kind)
        assert taken.status_code == 201, taken.content
        assert caller.send("POST", f"{door}2026-10", raw, kind).json()["id"] == taken.json()["id"]
        claim_and_run(JobRun.objects.latest("pk").pk)
        state = caller.get(urlsplit(taken.json()["href"]).path).json()
        assert state["state"] == "DONE" and state["counts"]["errors"] == 0, state
    refused = [
        caller.send("POST", f"{door}10", raw, kind),
        caller.send("POST", f"{door}2026-10&dryRun=yes", raw, kind),
        caller.send("POST", f"{door}2026-10", raw, "text/html"),
        replace(caller, token="nobody's").send("POST", f"{door}2026-10", raw, kind),
        caller.get("/api/careline/v1/imports/zzzzzzzzzzzzz"),
    ]
    assert [answer.status_code for answer in refused] == [400, 400, 415, 401, 404]
    assert JobRun.objects.filter(job=LOAD).count() == 2 and not JobRun.objects.filter(job=CHECK).exists()
    lines = [line for line in unlike(billing.state()) if line.startswith("customerBill")]
    assert lines == [] and Bill.objects.count() == 8
    trial = program("billing:notify", sandbox=True, name="trial")
    assert trial.send("POST", f"{door}2026-10", raw + b"\n", kind).json()["dryRun"] is True
