"""What billing does not tell is read, and compared every night: against the simulator over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from billing.jobs import COMPARE, POLL
from billing.mirror.polling import poll
from billing.models import Bill, BilledProduct, BillingAccount, BillingEvent, Bucket, Difference, Payment, PollCursor
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.billing.comparing import unlike
from tests.billing.peer import Simulator
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
Start = Callable[..., Simulator]
LINE = {"type": "PLAN", "name": "Plan", "serviceNo": ""}


def run(name: str) -> JobRun:
    started = start_job(name, actor=None)
    claim_and_run(started.pk)
    started.refresh_from_db()
    return started


def a_month(billing: Simulator) -> None:
    for n in range(3):
        CustomerFactory(number=f"CU-PO-{n}")
    billing.do(
        "accounts",
        accounts=[
            {
                "id": f"A{n}",
                "party": f"CU-PO-{n}",
                "creditLimit": 100,
                "balance": 12.5 * n,
                "products": [{"id": f"L{n}", "serviceNo": f"1370000000{n}"}],
            }
            for n in range(3)
        ],
    )
    billing.do("month-end", month="2026-09", seed=1)
    billing.do("pay", account="A0")


def test_an_outage_leaves_no_gap_and_reading_again_changes_nothing(simulator: Start, settings: Any) -> None:
    billing = simulator()
    a_month(billing)
    first = run(POLL)
    assert first.state == "DONE" and first.counts["failed"] == 0 and unlike(billing.state()) == []
    assert BillingAccount.objects.filter(customer=None).count() == 0 and Bucket.objects.count() == 3
    versions = sorted(BillingAccount.objects.values_list("external_id", "version"))
    read_to = PollCursor.objects.get(resource="payment").read_to
    # Billing is down while it goes on: nothing is lost, and the place is kept.
    url = settings.BILLING_URL
    settings.BILLING_URL = "http://127.0.0.1:9"
    down = run(POLL)
    assert down.state == "DONE" and down.counts["failed"] == 5
    assert PollCursor.objects.get(resource="payment").read_to == read_to
    assert PollCursor.objects.get(resource="payment").problem == "ConnectError"
    settings.BILLING_URL = url
    billing.do("pay", account="A1", amount=5)
    billing.do("bill", account="A2", month="2026-10", lines=[{**LINE, "amount": 20}])
    again = run(POLL)
    assert again.counts["failed"] == 0 and unlike(billing.state()) == []
    assert Payment.objects.count() == 2
    assert PollCursor.objects.get(resource="payment").problem == ""
    assert poll()["changed"] == 0
    assert sorted(BillingAccount.objects.values_list("external_id", "version")) == versions
    settings.BILLING_URL = ""
    assert poll() == {"read": 0, "changed": 0, "refused": 0, "failed": 0}


def test_the_nightly_comparison_lists_and_repairs_what_differs(
    simulator: Start, client_for: Any, django_assert_max_num_queries: Any
) -> None:
    billing = simulator()
    a_month(billing)
    run(POLL)
    # Spoilt here in every way there is; and one bill there whose lines are wrong.
    spoilt = Bill.objects.get(account__external_id="A1")
    Bill.objects.filter(pk=spoilt.pk).update(remaining=1, open_amount=1, state="PARTIAL")
    BilledProduct.objects.filter(external_id="L1").update(status="suspended", suspension_type="twoWay")
    BillingAccount.objects.filter(external_id="A2").update(credit_limit=5)
    Bucket.objects.filter(external_id__contains="2").delete()
    Bill.objects.filter(account__external_id="A2").delete()
    paid = Bill.objects.get(account__external_id="A0")
    Bill.objects.filter(pk=paid.pk).update(remaining=9, open_amount=9, state="PARTIAL")  # settled there: not listed
    ghost = BillingAccount.objects.get(external_id="A0")
    BilledProduct.objects.create(external_id="GHOST", account=ghost, service_no="1", status="active")
    # The same states may stand for long: only what was stated some minutes ago is compared.
    for model in (Bill, BilledProduct, BillingAccount):
        model._default_manager.update(stated_at="2026-09-01T00:00:00Z")
    done = run(COMPARE)
    assert done.state == "DONE", done.error_text
    found = Difference.objects.values_list("kind", "resource", "repaired_at")
    assert sorted((kind, resource, at is None) for kind, resource, at in found) == [
        ("AMOUNT", "customerBill", False),
        ("AMOUNT", "customerBill", False),
        ("LIMIT", "billingAccount", False),
        ("MISSING_HERE", "bucket", False),
        ("MISSING_HERE", "customerBill", False),
        ("MISSING_THERE", "product", True),
        ("STATE", "customerBill", False),
        ("STATE", "customerBill", False),
        ("STATE", "product", False),
    ]
    assert unlike(billing.state()) == ["product GHOST is missing there"]
    assert done.counts["differs"] == 9 and done.counts["repaired"] == 6
    again = run(COMPARE)
    assert again.counts["differs"] == 1 and again.counts["repaired"] == 0
    assert Difference.objects.filter(kind="MISSING_THERE").count() == 1

    page = client_for(UserFactory(role="FINANCE_DUNNING"))
    with django_assert_max_num_queries(15):
        whole = page.get(reverse("billing:comparison")).content.decode()
    assert "GHOST" in whole and "L1" in whole and "9 differences" in whole
    still = page.get(reverse("billing:comparison"), {"still": "yes"}).content.decode()
    assert ">GHOST<" in still and ">L1<" not in still
    assert page.post(reverse("billing:compare-now")).status_code == 302
    assert JobRun.objects.filter(job=COMPARE, state="WAITING").count() == 1


def test_what_is_read_and_cannot_be_used_is_kept_among_the_events(simulator: Start) -> None:
    billing = simulator()
    billing.do("accounts", accounts=[{"id": "A1"}])
    billing.do("bill", account="A1", month="2026-10", id="OK", lines=[{**LINE, "amount": 20}])
    billing.do("bill", account="A1", month="2026-10", id="BAD", lines=[{**LINE, "type": "MAGIC", "amount": 20}])
    counts = poll()
    assert counts == {"read": 3, "changed": 2, "refused": 1, "failed": 0}
    assert Bill.objects.get().external_id == "OK"
    kept = BillingEvent.objects.get()
    assert (kept.state, kept.resource_id) == ("FAILED", "BAD")
    assert kept.faults == [{"field": "appliedCustomerBillingRate[0].type", "code": "code", "value": "MAGIC"}]
    poll()
    assert BillingEvent.objects.count() == 1
