"""A line opened by hand, through the pages; what the rulebook refuses changes nothing (HND-23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from customers import services
from customers.models import Customer, FieldChange, FindNumber, Plan, Subscription
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.services import set_policy
from staff.models import User
from tests.customers.lines_making import NUMBER, nothing_happened, typed, url, words
from tests.customers.people import Operator, customer
from tests.factories import PlanFactory, SubscriptionFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


@pytest.mark.covers("HND-23")
def test_a_line_is_opened_and_found_at_once(op: Operator, client_for: ClientFor, row: Customer, plan: Plan) -> None:
    client = client_for(op.clerk)
    assert url(row) in words(client.get(url(row, "customer-detail")))
    end = (clock.today() + timedelta(days=730)).isoformat()
    answer = client.post(
        url(row), typed(plan=plan.pk, contract_end=end, monthly_fee="99.5", user_name="李四"), follow=True
    )
    assert answer.redirect_chain == [(url(row, "customer-detail"), 302)]
    page = words(answer)
    for shown in (
        "The line was opened.",
        "138 **** 8000",
        "畅享 129",
        "¥\N{NO-BREAK SPACE}99.50",
        "Mobile opened",
        end,
    ):
        assert shown in page, shown
    line = Subscription.objects.get()
    assert (line.service_no, line.plan, line.status, line.activated_on, line.user_name) == (
        NUMBER,
        plan,
        "ACTIVE",
        clock.today(),
        "李四",
    )
    entry = AuditEntry.objects.get(verb="subscription.opened")
    assert (entry.actor_id, entry.customer_id, entry.detail["plan"]) == (op.clerk.pk, row.pk, plan.code)
    assert NUMBER not in str(entry.detail)
    assert FindNumber.objects.get(value=NUMBER).customer_id == row.pk
    row.refresh_from_db()
    assert row.version == 2


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"service_no": "12345"}, "A mobile number has 11 digits and begins with 13 to 19."),
        ({"service_no": "+1 650 555 1234"}, "A mobile number has 11 digits and begins with 13 to 19."),
        ({"service_no": "   "}, "A line needs a number of at most 64 characters."),
        ({"service_no": "8" * 90, "product_line": "BROADBAND"}, "A line needs a number of at most 64 characters."),
        ({"product_line": "FIXED", "service_no": "88880001"}, "Write a fixed line with its area code."),
        ({"product_line": "FIXED"}, "Write a fixed line with its area code."),
        ({"product_line": "PIGEON"}, "Select a valid choice."),
        ({"activated_on": "2999-01-01"}, "A line begins today or earlier, and not before 1900."),
        ({"activated_on": "0001-01-01"}, "A line begins today or earlier, and not before 1900."),
        ({"activated_on": "yesterday"}, "Enter a valid date."),
        ({"contract_end": "1999-01-01"}, "The contract cannot end before the line begins, nor after 2100."),
        ({"contract_end": "9999-12-31"}, "The contract cannot end before the line begins, nor after 2100."),
        ({"monthly_fee": "-1"}, "A fee is an amount of at least 0 with at most two decimals."),
        ({"monthly_fee": "1.005"}, "A fee is an amount of at least 0 with at most two decimals."),
        ({"monthly_fee": "1e30"}, "A fee is an amount of at least 0 with at most two decimals."),
        ({"monthly_fee": "NaN"}, "Enter a number."),
        ({"user_name": "李\u200b四"}, "there are invisible characters in it"),
    ],
)
def test_bad_input_is_refused_beside_its_field_and_loses_nothing(
    op: Operator, client_for: ClientFor, row: Customer, more: dict[str, str], refusal: str
) -> None:
    answer = client_for(op.clerk).post(url(row), typed(**{"user_name": "Zhou Li", **more}))
    assert answer.status_code == 422
    assert refusal in words(answer)
    assert more.get("user_name", 'value="Zhou Li"') in words(answer)
    assert nothing_happened(row)


def test_the_refusal_of_a_number_is_said_by_its_field(op: Operator, client_for: ClientFor, row: Customer) -> None:
    form = client_for(op.clerk).post(url(row), typed(service_no="1")).context["form"]
    assert list(form.errors) == ["service_no"]


def test_a_plan_must_be_of_the_product_and_on_sale(op: Operator, client_for: ClientFor, row: Customer) -> None:
    fibre = PlanFactory(name="Fibre 500", product_line="BROADBAND")
    PlanFactory(name="Old 19", on_sale_to=clock.today() - timedelta(days=1))
    PlanFactory(name="Next 99", on_sale_from=clock.today() + timedelta(days=1))
    old, coming = Plan.objects.get(name="Old 19"), Plan.objects.get(name="Next 99")
    client = client_for(op.clerk)
    page = words(client.get(url(row)))
    assert "Fibre 500" in page and "Old 19" not in page and "Next 99" not in page
    answer = client.post(url(row), typed(plan=fibre.pk))
    assert "This plan belongs to another product." in words(answer)
    for hidden in (old, coming):
        assert client.post(url(row), typed(plan=hidden.pk)).status_code == 422
        with pytest.raises(RuleBroken) as no:
            services.open_subscription(row.pk, actor=op.clerk, service_no=NUMBER, product_line="MOBILE", plan=hidden)
        assert no.value.code == "customers.plan_not_sold"
    assert nothing_happened(row)


@pytest.mark.parametrize("status", ["UNVERIFIED", "REJECTED", "RECHECK"])
def test_no_line_begins_before_the_identity_is_verified(
    op: Operator, client_for: ClientFor, row: Customer, status: str
) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status=status)
    client = client_for(op.clerk)
    assert "The identity of this customer is not verified" in words(client.get(url(row)))
    answer = client.post(url(row), typed())
    assert answer.status_code == 422 and "no line begins without it" in words(answer)
    assert nothing_happened(row)
    # What another system has activated is kept, whatever we know of the document.
    services.open_subscription(row.pk, actor=None, service_no=NUMBER, product_line="MOBILE")
    assert Subscription.objects.get().customer == row


def test_who_has_died_gets_no_line(op: Operator, client_for: ClientFor, row: Customer) -> None:
    Customer.objects.filter(pk=row.pk).update(status="DECEASED")
    assert "The customer has died" in words(client_for(op.clerk).post(url(row), typed()))
    assert nothing_happened(row)


def test_children_need_their_age_and_minors_their_guardian(op: Operator, client_for: ClientFor, row: Customer) -> None:
    client, today = client_for(op.clerk), clock.today()
    Customer.objects.filter(pk=row.pk).update(birth_date=today.replace(year=today.year - 9))
    answer = client.post(url(row), typed(guardian="王大明"))
    assert "A child under the age of 10 has no line of its own." in words(answer)
    Customer.objects.filter(pk=row.pk).update(birth_date=today.replace(year=today.year - 15))
    assert client.post(url(row), typed()).context["form"].errors.keys() == {"guardian"}
    assert nothing_happened(row)
    assert client.post(url(row), typed(guardian="王大明 330106")).status_code == 302
    kept = FieldChange.objects.get(field="guardian")
    assert (kept.new, kept.entity, kept.entity_id) == ("王大明 330106", "subscription", Subscription.objects.get().pk)
    assert "330106" not in str(list(AuditEntry.objects.values_list("detail")))
    assert "王大明" not in words(client.get(url(row, "customer-history")))
    Customer.objects.filter(pk=row.pk).update(birth_date=today.replace(year=today.year - 16))
    assert "guardian" not in client.get(url(row)).context["form"].fields


def test_one_line_lives_under_a_number(op: Operator, client_for: ClientFor, row: Customer) -> None:
    holder = customer(op.hall, "李四", line=NUMBER)
    answer = client_for(op.clerk).post(url(row), typed())
    assert answer.status_code == 422
    assert answer.context["form"].errors == {"service_no": ["This number lives already."]}
    assert Subscription.objects.get().customer == holder


@pytest.mark.django_db(transaction=True)
def test_of_two_windows_with_one_number_one_opens_it(op: Operator) -> None:
    one, other = (customer(op.hall, name, identity_status="VERIFIED") for name in ("A B", "C D"))
    outcomes = race(
        *(
            lambda pk=pk: services.open_subscription(pk, actor=op.clerk, service_no=NUMBER, product_line="MOBILE")
            for pk in (one.pk, other.pk)
        )
    )
    assert [no.code for no in outcomes if isinstance(no, RuleBroken)] == ["customers.line_lives"]
    assert Subscription.objects.count() == 1


def test_the_database_has_the_last_word_about_a_number(
    op: Operator, row: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    SubscriptionFactory(service_no=NUMBER)
    # An import writes without our lock: the look before says "free", the constraint refuses.
    monkeypatch.setattr("customers.services.subscriptions.check_number_free", lambda *_a, **_k: None)
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(row.pk, actor=op.clerk, service_no=NUMBER, product_line="MOBILE")
    assert no.value.code == "customers.line_lives"
    assert not Subscription.objects.filter(customer=row).exists()


def test_a_number_rests_ninety_days_before_another_has_it(op: Operator, client_for: ClientFor, row: Customer) -> None:
    today = clock.today()
    line = SubscriptionFactory(
        service_no=NUMBER, status="TERMINATED", activated_on=date(2020, 1, 1), terminated_on=today - timedelta(days=89)
    )
    client = client_for(op.clerk)
    assert f"rests until {today + timedelta(days=1)}" in words(client.post(url(row), typed()))
    Subscription.objects.filter(pk=line.pk).update(terminated_on=today - timedelta(days=90))
    set_policy("customers.number_freeze", timedelta(days=120), actor=op.clerk)
    assert f"rests until {today + timedelta(days=30)}" in words(client.post(url(row), typed()))
    assert not Subscription.objects.filter(customer=row).exists()
    # A number that came back by porting was never ours to rest; the former owner may have it back as well.
    Subscription.objects.filter(pk=line.pk).update(status="PORTED_OUT")
    assert client.post(url(row), typed()).status_code == 302


def test_a_line_does_not_begin_before_the_earlier_one_of_its_number_ended(
    op: Operator, client_for: ClientFor, row: Customer
) -> None:
    ended = clock.today() - timedelta(days=5)
    SubscriptionFactory(
        customer=row, service_no=NUMBER, status="TERMINATED", activated_on="2020-01-01", terminated_on=ended
    )
    client = client_for(op.clerk)
    before = (ended - timedelta(days=1)).isoformat()
    assert f"lived until {ended}" in words(client.post(url(row), typed(activated_on=before)))
    assert client.post(url(row), typed(activated_on=ended.isoformat())).status_code == 302
