"""Lines by hand, through the pages: opened, changed, ended; what the rulebook refuses changes nothing (HND-23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import Customer, FieldChange, FindNumber, Plan, Subscription, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.services import set_policy
from interactions.services import start_contact
from staff.models import User
from tests.customers.people import Operator, customer, operator
from tests.factories import PlanFactory, SubscriptionFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NUMBER = "13800138000"


@pytest.fixture
def op() -> Operator:
    return operator()


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", identity_status="VERIFIED")


@pytest.fixture
def plan() -> Plan:
    return PlanFactory(name="畅享 129", monthly_fee="129.00")


def url(row: Customer, name: str = "line-new", *more: Any) -> str:
    return reverse(f"customers:{name}", args=[row.pk, *more])


def typed(**more: Any) -> dict[str, Any]:
    """What a person fills in; the number as it is pasted from a chat."""
    return {
        "product_line": "MOBILE",
        "service_no": "+86 138-0013 8000",
        "activated_on": clock.today().isoformat(),
    } | more


def words(response: Any) -> str:
    return response.content.decode()


def nothing_happened(row: Customer) -> bool:
    return not (
        Subscription.objects.filter(customer=row).exists()
        or AuditEntry.objects.filter(customer_id=row.pk).exists()
        or TimelineLine.objects.filter(customer_id=row.pk).exists()
        or FindNumber.objects.filter(value=NUMBER).exists()
    )


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


def held(op: Operator, row: Customer, plan: Plan) -> Subscription:
    return services.open_subscription(
        row.pk,
        actor=op.clerk,
        service_no=NUMBER,
        product_line="MOBILE",
        plan=plan,
        activated_on=clock.today() - timedelta(days=400),
        user_name="李四光",
    )


def terms(line: Subscription, **more: Any) -> dict[str, Any]:
    line.refresh_from_db()
    return {"version": line.version, "plan": line.plan_id or "", "monthly_fee": "", "contract_end": ""} | more


@pytest.mark.covers("HND-23")
def test_the_plan_is_changed_and_told_as_it_was_called_then(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line, dearer = held(op, row, plan), PlanFactory(name="畅享 199")
    client = client_for(op.clerk)
    assert url(row, "line-detail", line.pk) in words(client.get(url(row, "customer-detail")))
    end = (clock.today() + timedelta(days=365)).isoformat()
    answer = client.post(url(row, "line-change", line.pk), terms(line, plan=dearer.pk, contract_end=end), follow=True)
    assert answer.redirect_chain == [(url(row, "customer-detail"), 302)]
    assert "138 **** 8000 · 畅享 129 → 畅享 199 · End of contract, Plan" in words(answer)
    line.refresh_from_db()
    assert (line.plan, line.contract_end.isoformat(), line.version) == (dearer, end, 2)
    Plan.objects.filter(pk=plan.pk).update(name="畅享 2020")
    assert "畅享 129 → 畅享 199" in words(client.get(url(row, "customer-detail")))
    history = words(client.get(url(row, "customer-history")))
    assert "畅享 2020" in history and "畅享 199" in history
    entry = AuditEntry.objects.get(verb="subscription.changed")
    assert (entry.actor_id, entry.detail["fields"]) == (op.clerk.pk, ["contract_end", "plan_id"])


def test_a_plan_no_longer_sold_may_be_kept_but_not_chosen(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line, gone = held(op, row, plan), PlanFactory(name="Gone", on_sale_to=clock.today() - timedelta(days=1))
    Plan.objects.filter(pk=plan.pk).update(on_sale_to=clock.today() - timedelta(days=1))
    client = client_for(op.clerk)
    assert "畅享 129" in words(client.get(url(row, "line-detail", line.pk)))
    change = url(row, "line-change", line.pk)
    assert client.post(change, terms(line, monthly_fee="100")).status_code == 302
    assert client.post(change, terms(line, plan=gone.pk)).status_code == 422
    line.refresh_from_db()
    assert (line.plan, str(line.monthly_fee)) == (plan, "100.00")
    for wrong in (PlanFactory(product_line="VAS").pk, gone.pk, 0, None):
        with pytest.raises(RuleBroken):
            services.change_subscription(line.pk, actor=op.clerk, version=line.version, changes={"plan_id": wrong})


def test_a_line_without_a_plan_keeps_none_until_one_is_chosen(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line = SubscriptionFactory(customer=row, plan=None)
    client = client_for(op.clerk)
    assert client.post(url(row, "line-change", line.pk), terms(line, monthly_fee="9")).status_code == 302
    line.refresh_from_db()
    assert (line.plan, str(line.monthly_fee)) == (None, "9.00")
    assert client.post(url(row, "line-change", line.pk), terms(line, plan=plan.pk)).status_code == 302
    line.refresh_from_db()
    assert line.plan == plan
    assert client.post(url(row, "line-change", line.pk), terms(line, plan="")).context["change"].errors["plan"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"monthly_fee": "-5"}, "monthly_fee"),
        ({"contract_end": "0001-01-01"}, "contract_end"),
        ({"contract_end": "9999-12-31"}, "contract_end"),
    ],
)
def test_impossible_terms_change_nothing(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan, more: dict[str, str], field: str
) -> None:
    line = held(op, row, plan)
    answer = client_for(op.clerk).post(url(row, "line-change", line.pk), terms(line, **more))
    assert (answer.status_code, list(answer.context["change"].errors)) == (422, [field])
    assert next(iter(more.values())) in words(answer)
    line.refresh_from_db()
    assert line.version == 1
    assert not AuditEntry.objects.filter(verb="subscription.changed").exists()


def test_a_colleagues_change_meanwhile_is_shown_term_by_term(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line, theirs, mine = held(op, row, plan), PlanFactory(name="Theirs"), PlanFactory(name="Mine")
    client = client_for(op.clerk)
    change = url(row, "line-change", line.pk)
    copy = client.get(url(row, "line-detail", line.pk)).context["change"]["copy"].value()
    old = terms(line, plan=mine.pk, monthly_fee="10", copy=copy)
    services.change_subscription(line.pk, actor=op.head, version=1, changes={"plan_id": theirs.pk})
    answer = client.post(change, old)
    assert answer.status_code == 422
    assert [(one.label, one.was, one.mine, one.theirs, one.keeps_mine) for one in answer.context["conflict"]] == [
        ("Plan", plan.name, "Mine", "Theirs", True),
        ("Monthly fee", "", "¥\N{NO-BREAK SPACE}10.00", "", True),
    ]
    assert "has changed this" in words(answer)
    line.refresh_from_db()
    assert line.plan == theirs
    again = {**old, "version": answer.context["change"]["version"].value(), "choose_plan_id": "theirs"}
    assert client.post(change, again).status_code == 302
    line.refresh_from_db()
    assert (line.plan, line.monthly_fee) == (theirs, Decimal(10))


@pytest.mark.covers("HND-23")
@pytest.mark.parametrize(
    ("how", "status", "told"),
    [("ended", "TERMINATED", "Mobile ended"), ("ported", "PORTED_OUT", "Mobile left for another operator")],
)
def test_a_line_ends_on_its_last_day(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan, how: str, status: str, told: str
) -> None:
    line, day = held(op, row, plan), clock.today() - timedelta(days=3)
    client = client_for(op.clerk)
    answer = client.post(url(row, "line-end", line.pk), {"on": day.isoformat(), "how": how}, follow=True)
    assert answer.redirect_chain == [(url(row, "customer-detail"), 302)]
    assert told in words(answer)
    line.refresh_from_db()
    assert (line.status, line.terminated_on) == (status, day)
    assert AuditEntry.objects.get(verb="subscription.ended").actor_id == op.clerk.pk
    page = words(client.get(url(row, "line-detail", line.pk)))
    assert day.isoformat() in page and '<form class="form"' not in page
    again = client.post(url(row, "line-end", line.pk), {"on": day.isoformat(), "how": how})
    assert again.status_code == 422 and "This line has ended." in words(again)
    assert client.post(url(row, "line-change", line.pk), terms(line)).status_code == 422
    assert AuditEntry.objects.filter(verb__startswith="subscription.").count() == 2


@pytest.mark.parametrize("day", ["2999-01-01", "0001-01-01", "1999-12-31", ""])
def test_a_line_ends_neither_in_the_future_nor_before_it_began(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan, day: str
) -> None:
    line = held(op, row, plan)
    answer = client_for(op.clerk).post(url(row, "line-end", line.pk), {"on": day, "how": "ended"})
    assert (answer.status_code, list(answer.context["end"].errors)) == (422, ["on"])
    line.refresh_from_db()
    assert (line.status, line.terminated_on, line.version) == ("ACTIVE", None, 1)


def test_a_running_contract_is_said_before_the_end(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line = held(op, row, plan)
    page = url(row, "line-detail", line.pk)
    client = client_for(op.clerk)
    assert "tell the customer what leaving early costs" not in words(client.get(page))
    Subscription.objects.update(contract_end=clock.today() + timedelta(days=9))
    assert "tell the customer what leaving early costs" in words(client.get(page))


def test_number_and_user_are_masked_until_a_contact(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    page = url(row, "line-detail", held(op, row, plan).pk)
    client = client_for(op.clerk)
    masked = words(client.get(page))
    assert "138 **** 8000" in masked and "李*光" in masked
    assert NUMBER not in masked and "李四光" not in masked
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    clear = words(client.get(page))
    assert NUMBER in clear and "李四光" in clear


def test_who_only_looks_sees_the_terms_without_the_forms(
    op: Operator, client_for: ClientFor, row: Customer, plan: Plan
) -> None:
    line, guide = held(op, row, plan), UserFactory(role="HALL_GUIDE", unit=op.hall, language="en")
    client = client_for(guide)
    page = words(client.get(url(row, "line-detail", line.pk)))
    assert "畅享 129" in page and '<form class="form"' not in page
    assert url(row) not in words(client.get(url(row, "customer-detail")))
    for address in (url(row), url(row, "line-change", line.pk), url(row, "line-end", line.pk)):
        assert client.post(address, typed(on=clock.today(), how="ended")).status_code == 403
    assert Subscription.objects.get().version == 1


def test_a_line_of_another_customer_or_branch_is_not_there(op: Operator, client_for: ClientFor, row: Customer) -> None:
    near = SubscriptionFactory(customer=customer(op.hall, "李四"))
    far_customer = customer(op.elsewhere, "赵六", identity_status="VERIFIED")
    far = SubscriptionFactory(customer=far_customer)
    client = client_for(op.clerk)
    today = clock.today().isoformat()
    for owner, line in ((row, near), (row, far), (far_customer, far)):
        assert client.get(url(owner, "line-detail", line.pk)).status_code == 404
        assert client.post(url(owner, "line-change", line.pk), terms(line)).status_code == 404
        assert client.post(url(owner, "line-end", line.pk), {"on": today, "how": "ended"}).status_code == 404
    assert client.post(url(far_customer), typed()).status_code == 404
    assert Subscription.objects.filter(version=1, terminated_on=None).count() == 2


def test_the_page_of_a_line_keeps_its_queries(op: Operator, client_for: ClientFor, row: Customer, plan: Plan) -> None:
    line = held(op, row, plan)
    client = client_for(op.clerk)
    client.get(url(row, "line-detail", line.pk))
    counts = []
    for more in (0, 30):
        for _n in range(more):
            SubscriptionFactory(customer=row, plan=PlanFactory())
        with CaptureQueriesContext(connection) as queries:
            client.get(url(row, "line-detail", line.pk))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15
