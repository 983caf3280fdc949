"""Taking an import back: what nobody touched goes back, what somebody worked with is kept and listed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from customers.imports import services
from customers.imports.models import Import, ImportChild, ImportRow
from customers.models import (
    Address,
    ContactPoint,
    Customer,
    CustomerFacts,
    FindName,
    FindNumber,
    NameGram,
    Subscription,
    TimelineLine,
    UsageMonth,
)
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.factories import CustomerFactory, UserFactory
from tests.imports.bringing import bring, table, take_back, work

pytestmark = pytest.mark.django_db
HEADER = [
    "customer_no", "name", "mobile", "city", "street", "service_no", "product_line", "activated_on", "contract_end",
    "usage_month", "sms", "plan_code",
]  # fmt: skip


def row(key: str, **changes: str) -> list[str]:
    values = {
        "customer_no": key,
        "name": f"客户{key}",
        "mobile": "13900000001",
        "city": "云海市",
        "street": "人民路1号",
        "service_no": f"KD-{key}",
        "product_line": "BROADBAND",
        "activated_on": "2025-01-01",
        "contract_end": "2026-12-31",
        "usage_month": "2026-08",
        "sms": "1",
        "plan_code": "B1",
    } | changes
    return [values[column] for column in HEADER]


def everything() -> dict[str, list]:
    """All rows an import may touch, without versions and times."""
    skipped = {"version", "updated_at", "id_sealed"}
    return {
        model.__name__: sorted(
            str({key: value for key, value in found.items() if key not in skipped}) for found in model.objects.values()
        )
        for model in (
            Customer, CustomerFacts, ContactPoint, Address, Subscription, UsageMonth, FindName, FindNumber, NameGram,
        )
    }  # fmt: skip


@pytest.fixture(autouse=True)
def _english(root):
    with translation.override("en"):
        yield


def test_an_update_goes_back_to_the_very_values_it_found():
    bring(table(HEADER, row("A"), row("B")))
    before = everything()
    update = bring(
        table(
            HEADER,
            row("A", name="别名", mobile="13900000002", city="星湾市", street="新街2号", contract_end="2028-01-01",
                sms="9", plan_code="B2"),
            row("A", usage_month="2026-09", name="别名", mobile="13900000002", city="星湾市", street="新街2号",
                contract_end="2028-01-01", plan_code="B2"),
            row("B"),
            row("C"),
        )
    )  # fmt: skip
    assert update.counts == {"rows": 4, "errors": 0, "inserted": 1, "updated": 1, "unchanged": 1}
    assert everything() != before
    back = take_back(update)
    assert (back.state, back.count("reverted"), back.count("kept")) == ("REVERTED", 2, 0)
    assert everything() == before
    assert not ImportChild.objects.filter(import_id=update.pk).exists()


def test_imports_go_back_one_after_another_the_newest_first():
    first = bring(table(HEADER, row("A"), row("B")))
    second = bring(table(HEADER, row("A", name="第二次")))
    blocked = take_back(first)
    assert (blocked.count("reverted"), blocked.count("kept")) == (1, 1)
    assert list(ImportRow.objects.filter(import_id=first.pk, kept="CHANGED").values_list("line", flat=True)) == [2]
    assert Customer.objects.get().name == "第二次"
    take_back(second)
    assert Customer.objects.get().name == "客户A"
    again = take_back(first)
    assert (again.count("reverted"), again.count("kept")) == (2, 0)
    assert not Customer.objects.exists()


def test_customers_somebody_worked_with_are_kept_and_listed(admin, client_for):
    imported = bring(table(HEADER, *(row(name) for name in "ABCD")))
    by_name = {customer.source_no: customer for customer in Customer.objects.all()}
    Customer.objects.filter(pk=by_name["A"].pk).update(name="手工改过", version=2)
    TimelineLine.objects.create(customer_id=by_name["B"].pk, kind="contact.logged")
    CustomerFactory(parent=by_name["C"], unit_id=admin.unit_id, unit_no=1)
    back = take_back(imported)
    assert (back.count("reverted"), back.count("kept")) == (1, 3)
    assert dict(ImportRow.objects.exclude(kept="").values_list("customer_id", "kept")) == {
        by_name["A"].pk: "CHANGED",
        by_name["B"].pk: "WORKED_ON",
        by_name["C"].pk: "LINKED",
    }
    assert set(Customer.objects.filter(source="careline").values_list("source_no", flat=True)) == {"A", "B", "C"}
    assert Subscription.objects.count() == 3


def test_work_before_an_update_does_not_keep_it():
    bring(table(HEADER, row("A")))
    one = Customer.objects.get()
    TimelineLine.objects.create(customer_id=one.pk, kind="contact.logged")
    with clock.travel(clock.now() + timedelta(minutes=5)):
        update = bring(table(HEADER, row("A", name="新")))
        assert take_back(update).count("reverted") == 1
    assert Customer.objects.get().name == "客户A"


def test_what_cannot_be_reverted_says_why(admin):
    checked = bring(table(HEADER, row("A")), check=True)
    with pytest.raises(RuleBroken, match="Only what was imported can be reverted"):
        services.revert_import(checked.pk, actor=admin)
    done = bring(table(HEADER, row("A")))
    with pytest.raises(NotAllowed):
        services.revert_import(done.pk, actor=UserFactory(role="AGENT"))
    with clock.travel(clock.now() + timedelta(days=91)):
        with pytest.raises(RuleBroken, match="for 90 days; the old values are gone"):
            services.revert_import(done.pk, actor=None)
        work_sweep()
    assert Customer.objects.count() == 1
    assert not ImportRow.objects.filter(before__isnull=False).exists() and not ImportChild.objects.exists()


def work_sweep() -> None:
    assert claim_and_run(start_job("imports.forget_old", actor=None).pk)


def test_a_run_that_is_repeated_from_its_beginning_doubles_nothing():
    imported = bring(table(HEADER, row("A"), row("B")))
    Import.objects.filter(pk=imported.pk).update(state="FAILED", written_to=0)
    again = work(services.run_import(imported.pk, actor=None))
    assert (again.state, again.counts) == (
        "DONE",
        {"rows": 2, "errors": 0, "inserted": 2, "updated": 0, "unchanged": 0},
    )
    assert Customer.objects.count() == 2 and Customer.objects.filter(version=1).count() == 2
    assert take_back(again).count("reverted") == 2
    assert not Customer.objects.exists()
