"""Terms of a line changed and a line ended on its page; who sees what of it (HND-23)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers import services
from customers.models import Customer, Plan, Subscription
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.services import start_contact
from staff.models import User
from tests.customers.lines_making import NUMBER, held, terms, typed, url, words
from tests.customers.people import Operator, customer
from tests.factories import PlanFactory, SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


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
