"""The pages of a customer: who sees what, masked or clear, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import ContactPoint, Customer, FieldChange, Need, ProfileField, TimelineLine
from customers.panels import panels, render_panel
from customers.timeline import add_line
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.ui.wording import say_moment
from interactions.services import start_contact
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import PlanFactory, UserFactory

pytestmark = pytest.mark.django_db
CARD = "33010619900307017X"
ClientFor = Callable[[User], Client]


def url(row: Customer, name: str = "customer-detail", *more: Any) -> str:
    return reverse(f"customers:{name}", args=[row.pk, *more])


def words(response: Any) -> str:
    return response.content.decode()


def start_of(html: str) -> str:
    """Where the "Earlier" link of a fragment begins."""
    return html.split("before=")[1].split('"')[0]


def with_history(op: Operator) -> Customer:
    """A customer with a plan, two months of use, an address, a fact and a need."""
    row = customer(
        op.hall,
        "王小娟",
        mobile="13800138000",
        id_number=CARD,
        home_city="杭州",
        channel_preference="SMS",
        identity_status="VERIFIED",
    )
    plan = PlanFactory(name="畅享 169", monthly_fee="169.00", data_mb=61_440, voice_minutes=1_000)
    line = services.open_subscription(
        row.pk,
        actor=op.clerk,
        service_no="13800138000",
        product_line="MOBILE",
        plan=plan,
        activated_on=clock.today() - timedelta(days=800),
        contract_end=clock.today() + timedelta(days=39),
    )
    this = clock.today().replace(day=1)
    before = (this - timedelta(days=1)).replace(day=1)
    services.record_usage(line.pk, month=before, totals={"net_revenue": "138.00"})
    services.record_usage(
        line.pk, month=this, totals={"data_mb": 52_838, "voice_minutes": 412, "net_revenue": "171.50"}
    )
    services.set_address(row.pk, actor=op.clerk, kind="HOME", parts={"city": "杭州市", "street": "文三路478号"})
    services.record_profile_field(
        row.pk, actor=op.clerk, key="INTERESTS", value="摄影", source="desk", purpose="Advice", consent_evidence="F12"
    )
    services.record_profile_field(
        row.pk,
        actor=op.clerk,
        key="INCOME_BAND",
        value="OVER_20000",
        source="desk",
        purpose="Advice",
        consent_evidence="F12",
    )
    services.add_need(row.pk, actor=op.clerk, text="千兆宽带")
    return row


@pytest.mark.covers("ARC-04", "ARC-11", "ARC-12", "ARC-13", "ARC-14")
def test_one_page_shows_who_what_and_what_happened(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    page = words(client_for(op.clerk).get(url(row)))
    for expected in ("畅享 169", "51.6", "60", "412", "1000", "169.00", "千兆宽带", "摄影", "杭州", row.number):
        assert expected in page, expected
    assert page.count("<h1>") == 1
    assert '<svg class="plot"' in page


def test_name_phone_address_and_id_are_masked_until_a_contact(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    client = client_for(op.clerk)
    page = words(client.get(url(row)))
    for hidden in ("王小娟", "13800138000", "文三路478号", CARD, "Above 20,000 a month</"):
        assert hidden not in page
    for shown in ("王*娟", "138 **** 8000", "**************017X"):
        assert shown in page
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    page = words(client.get(url(row)))
    for clear in ("13800138000", "文三路478号"):
        assert clear in page
    for hidden in (CARD, "Above 20,000 a month</"):
        assert hidden not in page


def test_a_customer_of_another_unit_is_not_there_until_a_contact_is_started(
    op: Operator, client_for: ClientFor
) -> None:
    row = customer(op.elsewhere, "李四", mobile="13900139000")
    client = client_for(op.clerk)
    for name in ("customer-detail", "customer-timeline", "customer-history", "customer-edit", "customer-profile"):
        assert client.get(url(row, name)).status_code == 404, name
    for name, more in (
        ("customer-reveal", ["name"]),
        ("contact-add", []),
        ("address-set", []),
        ("fact-record", []),
        ("need-add", []),
    ):
        assert client.post(url(row, name, *more), {"reason": "x", "text": "x"}).status_code == 404, name
    assert row.number not in words(client.get(reverse("customers:customer-list")))
    assert not AuditEntry.objects.filter(customer_id=row.pk).exists()
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN", identifier="13900139000")
    assert client.get(url(row)).status_code == 200
    # Lists stay with one's own scope even then.
    assert row.number not in words(client.get(reverse("customers:customer-list")))


def test_a_reveal_needs_a_reason_shows_for_a_minute_and_is_audited(
    op: Operator, client_for: ClientFor, travel: Any
) -> None:
    row = with_history(op)
    client = client_for(op.clerk)
    address = url(row, "customer-reveal", "id_number")
    htmx = {"HTTP_HX_REQUEST": "true"}
    refused = client.post(address, {"reason": ""}, **htmx)
    assert refused.status_code == 422
    assert CARD not in words(refused)
    assert not AuditEntry.objects.filter(verb="customer.revealed").exists()
    shown = client.post(address, {"reason": "porting"}, **htmx)
    assert shown.status_code == 200
    assert CARD in words(shown)
    entry = AuditEntry.objects.get(verb="customer.revealed")
    assert (entry.customer_id, entry.actor_id, entry.detail["field"]) == (row.pk, op.clerk.pk, "id_number")
    assert CARD in words(client.get(url(row)))
    with travel(clock.now() + timedelta(seconds=61)):
        assert CARD not in words(client.get(url(row)))


def test_a_role_that_may_not_reveal_is_offered_nothing(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    qa = UserFactory(role="QA", unit=op.branch)
    client = client_for(qa)
    page = words(client.get(url(row)))
    assert "customers/" + row.ref + "/reveal/" not in page
    assert client.post(url(row, "customer-reveal", "id_number"), {"reason": "x"}).status_code == 403
    assert client.get(url(row, "customer-edit")).status_code == 403


def test_the_page_costs_the_same_with_10_and_with_10_000_lines_of_history(op: Operator, client_for: ClientFor) -> None:
    few, many = customer(op.hall, "王伟"), customer(op.hall, "李四")
    with connection.cursor() as cursor:
        for row, lines in ((few, 10), (many, 10_000)):
            cursor.execute(
                "INSERT INTO timeline (id, customer_id, kind, params, actor_id) SELECT make_id(), %s,"
                " 'customer.changed', '{\"fields\": [\"name\"]}', %s FROM generate_series(1, %s)",
                [row.pk, op.clerk.pk, lines],
            )
    client = client_for(op.clerk)
    client.get(url(few))
    counts = []
    for row in (few, many):
        with CaptureQueriesContext(connection) as queries:
            page = words(client.get(url(row)))
        counts.append(len(queries))
        assert page.count('class="tl-h"') == min(30, 10 if row is few else 30)
    assert counts[0] == counts[1]


def test_a_page_with_everything_on_it_keeps_its_queries(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    client = client_for(op.clerk)
    client.get(url(row))
    with CaptureQueriesContext(connection) as queries:
        client.get(url(row))
    assert len(queries) <= 15


def test_every_panel_keeps_its_budget(op: Operator) -> None:
    row = with_history(op)
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    op.clerk.has_perm("customers.view")
    for panel in panels():
        with CaptureQueriesContext(connection) as queries:
            render_panel(panel, row, op.clerk)
        assert len(queries) <= panel.max_queries, panel.key


def test_the_timeline_filters_and_goes_back(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    add_line(row.pk, "customer.changed", params={"fields": ["name"]}, at=clock.now() - timedelta(days=790))
    for _n in range(35):
        add_line(row.pk, "need.changed", actor=op.clerk, params={"state": "MET"})
    client = client_for(op.clerk)
    first = client.get(url(row, "customer-timeline"), HTTP_HX_REQUEST="true")
    assert words(first).count("<li>") == 30
    rest = words(
        client.get(url(row, "customer-timeline") + f"?before={start_of(words(first))}", HTTP_HX_REQUEST="true")
    )
    assert rest.count("<li>") == TimelineLine.objects.filter(customer_id=row.pk).count() - 30
    assert "before=" not in rest
    business = words(client.get(url(row, "customer-timeline") + "?group=business", HTTP_HX_REQUEST="true"))
    changes = words(client.get(url(row, "customer-timeline") + "?group=changes", HTTP_HX_REQUEST="true"))
    assert "lightbulb" in business or business.count("<li>") == 30
    kept = TimelineLine.objects.filter(customer_id=row.pk, kind="customer.changed")
    # The one of long ago stands behind "Earlier".
    assert changes.count("<li>") == kept.count() - 1
    assert client.get(url(row, "customer-timeline") + "?group=none&before=!!").status_code == 200


@pytest.mark.covers("CLS-11", "ARC-19")
def test_the_list_filters_by_what_customers_are(op: Operator, client_for: ClientFor) -> None:
    student = customer(op.hall, "王小娟", segment="STUDENT", home_city="杭州", quality_marks=["NAME_MISSING"])
    company = customer(op.hall, "云图科技", segment="ENTERPRISE", customer_type="ENTERPRISE", status="DORMANT")
    managed = customer(op.hall, "李四", manager=op.clerk)
    client = client_for(op.clerk)

    def found(query: str) -> set[int]:
        page = words(client.get(reverse("customers:customer-list") + query))
        return {row.pk for row in (student, company, managed) if row.number in page}

    everybody = {student.pk, company.pk, managed.pk}
    assert found("") == everybody
    assert found("?segment=STUDENT") == {student.pk}
    assert found("?customer_type=ENTERPRISE") == {company.pk}
    assert found("?status=DORMANT") == {company.pk}
    assert found("?city=杭州") == {student.pk}
    assert found("?manager=me") == {managed.pk}
    assert found("?manager=none") == {student.pk, company.pk}
    assert found("?mark=NAME_MISSING") == {student.pk}
    assert found("?mark=any") == {student.pk}
    assert found("?mark=incomplete") == everybody
    assert client.get(reverse("customers:customer-list") + "?segment=DOG&after=!!").status_code == 200


def test_the_list_costs_the_same_for_few_and_many(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)
    client.get(reverse("customers:customer-list"))
    counts = []
    for more in (1, 60):
        for _n in range(more):
            customer(op.hall, "王伟")
        with CaptureQueriesContext(connection) as queries:
            page = words(client.get(reverse("customers:customer-list"), HTTP_HX_REQUEST="true"))
        counts.append(len(queries))
    assert page.count('<tr role="row" data-row>') == 50
    assert "王伟" not in page
    assert counts[0] == counts[1]


@pytest.mark.covers("ARC-01")
def test_a_customer_is_opened_by_hand_with_a_warning_of_duplicates(op: Operator, client_for: ClientFor) -> None:
    there = customer(op.elsewhere, "李四", mobile="13900139000")
    client = client_for(op.clerk)
    typed = {
        "customer_type": "PERSON",
        "segment": "STUDENT",
        "name": "李小四",
        "birthday_kind": "SOLAR",
        "birth_date": "2001-02-03",
        "mobile": "139 0013 9000",
    }
    warning = words(client.post(reverse("customers:customer-duplicates"), typed, HTTP_HX_REQUEST="true"))
    assert "李*" in warning
    assert there.number not in warning
    refused = client.post(reverse("customers:customer-new"), typed)
    assert refused.status_code == 422
    assert 'value="李小四"' in words(refused)
    assert Customer.objects.count() == 1
    done = client.post(reverse("customers:customer-new"), {**typed, "despite_duplicates": "on"})
    made = Customer.objects.get(name="李小四")
    assert (done.status_code, done["Location"]) == (302, url(made))
    assert (made.birth_date, made.segment, made.unit_id) == (date(2001, 2, 3), "STUDENT", op.hall.pk)


def edit_form(row: Customer, **more: Any) -> dict[str, Any]:
    row.refresh_from_db()
    return {
        "version": row.version,
        "customer_type": row.customer_type,
        "segment": row.segment,
        "name": "",
        "birthday_kind": row.birthday_kind,
        "status": row.status,
        "identity_status": row.identity_status,
        "home_city": row.home_city,
        **more,
    }


@pytest.mark.covers("ARC-03")
def test_an_edit_leaves_its_trace_and_two_editors_meet(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", home_city="杭州")
    client = client_for(op.clerk)
    shown = words(client.get(url(row, "customer-edit")))
    assert "王小娟" not in shown
    mine = edit_form(row, home_city="宁波")
    services.change_customer(row.pk, actor=op.head, version=1, changes={"home_city": "温州"})
    stale = client.post(url(row, "customer-edit"), mine)
    assert stale.status_code == 422
    when = say_moment(Customer.objects.get(pk=row.pk).updated_at)
    assert f"{op.head.name} has changed this customer meanwhile ({when})." in words(stale)
    assert "温州" in words(stale) and "宁波" in words(stale)
    row.refresh_from_db()
    assert (row.home_city, row.name) == ("温州", "王小娟")
    again = client.post(url(row, "customer-edit"), {**mine, "version": 2})
    assert again.status_code == 302
    history = words(client.get(url(row, "customer-history")))
    assert "温州" in history and "宁波" in history
    assert FieldChange.objects.filter(field="home_city").count() == 2


def test_an_editor_is_told_of_changes_nobody_made_by_hand(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", home_city="杭州")
    mine = edit_form(row, home_city="宁波")
    at = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)  # as an import leaves it
    Customer.objects.filter(pk=row.pk).update(home_city="温州", version=2, updated_at=at)
    with clock.travel(at + timedelta(minutes=5)):
        stale = client_for(op.clerk).post(url(row, "customer-edit"), mine)
    assert stale.status_code == 422
    assert "This customer was changed meanwhile (Tue, Nov 24 10:30)." in words(stale)
    row.refresh_from_db()
    assert row.home_city == "温州"


def test_the_profile_page_writes_and_refuses_in_place(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟", mobile="13800138000")
    client = client_for(op.clerk)
    bad = client.post(url(row, "contact-add"), {"kind": "MOBILE", "value": "12"})
    assert bad.status_code == 422
    assert 'value="12"' in words(bad)
    assert client.post(url(row, "contact-add"), {"kind": "EMAIL", "value": "wang@example.cn"}).status_code == 302
    point = ContactPoint.objects.get(kind="EMAIL")
    assert client.post(url(row, "contact-act", point.pk), {"act": "unusable"}).status_code == 422
    assert client.post(url(row, "contact-act", point.pk), {"act": "unusable", "reason": "bounced"}).status_code == 302
    assert client.post(url(row, "contact-act", point.pk), {"act": "dance"}).status_code == 422
    assert client.post(url(row, "address-set"), {"kind": "HOME", "city": "杭州"}).status_code == 302
    fact = {"key": "INTERESTS", "value": "摄影", "source": "desk", "purpose": "Advice", "consent_evidence": "F12"}
    assert client.post(url(row, "fact-record"), {**fact, "consent_evidence": ""}).status_code == 422
    assert not ProfileField.objects.exists()
    assert client.post(url(row, "fact-record"), fact).status_code == 302
    assert client.post(url(row, "need-add"), {"text": "千兆"}).status_code == 302
    need = Need.objects.get()
    assert client.post(url(row, "need-change", need.pk), {"state": "MET"}).status_code == 302
    page = words(client.get(url(row, "customer-profile")))
    for expected in ("摄影", "F12", "千兆", "bounced", "w***@example.cn"):
        assert expected in page
    kept = ProfileField.objects.get()
    assert client.post(url(row, "fact-remove", kept.pk)).status_code == 302
    assert not ProfileField.objects.exists()
    other = customer(op.hall, "李四", mobile="13700137000")
    stranger = ContactPoint.objects.get(customer=other)
    assert client.post(url(row, "contact-act", stranger.pk), {"act": "end"}).status_code == 404


def test_pages_with_personal_data_are_not_kept_by_browsers(op: Operator, client_for: ClientFor) -> None:
    row = with_history(op)
    client = client_for(op.clerk)
    for name in ("customer-detail", "customer-timeline", "customer-history", "customer-edit", "customer-profile"):
        assert "no-store" in client.get(url(row, name))["Cache-Control"], name


def test_one_row_is_visible_exactly_when_the_list_would_hold_it(op: Operator) -> None:
    rows = [customer(unit, "王伟") for unit in (op.hall, op.branch, op.elsewhere)]
    rows.append(customer(op.elsewhere, "李四", manager=op.clerk))
    opened = {rows[2].pk}
    for user in (op.clerk, op.head, op.gm, UserFactory(role="SYS_ADMIN"), UserFactory(role="ACCOUNT_MANAGER")):
        seen = set(Customer.objects.visible_to(user, opened).values_list("pk", flat=True))
        assert {row.pk for row in rows if row.is_visible_to(user, opened)} == seen, user.username
