"""The data update service: taken on any channel, verified, looked at twice where it matters, logged (ARC-17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import ChangeRequest, ContactPoint, Customer, FieldChange, Subscription, TimelineLine, UsageMonth
from customers.queries import customer_page
from customers.services.keys import rotate_keys
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import FollowUp
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import SubscriptionFactory, TeamFactory, TeamMemberFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
CARD, OTHER_CARD = "33010619900307017X", "11010519491231002X"
ASKED = {"channel": "HOTLINE", "asked_by": "王小娟", "verified": "CODE"}


@pytest.fixture
def lead(op: Operator) -> User:
    return UserFactory(role="TEAM_LEAD", unit=op.hall)


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000", id_number=CARD)


def url(name: str, pk: int) -> str:
    return reverse(f"customers:{name}", args=[pk])


def words(response: Any) -> str:
    return response.content.decode()


def nothing_changed(row: Customer) -> bool:
    stored = Customer.objects.get(pk=row.pk)
    return (stored.version, stored.name, ChangeRequest.objects.count()) == (1, "王小娟", 0)


@pytest.mark.covers("ARC-17")
def test_a_new_number_is_changed_at_once_and_logged(op: Operator, client_for: ClientFor, row: Customer) -> None:
    client = client_for(op.clerk)
    answer = client.post(url("change-request-new", row.pk), {**ASKED, "field": "mobile", "new": "139 0013 9000"})
    taken = ChangeRequest.objects.get()
    assert answer.status_code == 302 and answer["Location"] == url("request-detail", taken.pk)
    assert (taken.state, taken.channel, taken.verified, taken.asked_by, taken.old, taken.new) == (
        "APPLIED", "HOTLINE", "CODE", "王小娟", "13800138000", "13900139000",
    )  # fmt: skip
    assert (taken.taken_by, taken.closed_by) == (op.clerk, op.clerk) and taken.number.startswith("DU")
    assert ContactPoint.objects.get(is_primary=True).value == "13900139000"
    page = words(client.get(url("request-detail", taken.pk)))
    assert "139 **** 9000" in page and "13900139000" not in page and "王*娟" in page
    kinds = set(TimelineLine.objects.filter(customer_id=row.pk).values_list("kind", flat=True))
    assert {"request.taken", "request.applied"} <= kinds
    assert "13900139000" not in str(list(AuditEntry.objects.values_list("detail")))


def test_a_guarded_field_waits_for_somebody_else(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    TeamMemberFactory(team=TeamFactory(lead=lead, unit=op.hall), user=op.clerk)
    client, leading = client_for(op.clerk), client_for(lead)
    typed = {**ASKED, "field": "name", "new": "王晓娟"}
    assert client.post(url("change-request-new", row.pk), typed).status_code == 302
    taken = ChangeRequest.objects.get()
    assert taken.state == "OPEN" and Customer.objects.get(pk=row.pk).name == "王小娟"
    again = client.post(url("change-request-new", row.pk), typed)
    assert again.status_code == 422 and "asked for already" in words(again) and ChangeRequest.objects.count() == 1
    assert client.post(url("request-apply", taken.pk)).status_code == 403
    with pytest.raises(NotAllowed):
        services.apply_request(taken.pk, actor=op.clerk)
    # The lead owes the decision until it is due; afterwards the clerk owes the customer a call.
    owed = FollowUp.objects.get()
    assert (owed.kind, owed.owner, owed.due_at, owed.customer_id) == ("TASK", lead, taken.due_at, row.pk)
    page = words(leading.get(reverse("customers:request-list")))
    assert taken.number in page and lead.name in page
    assert leading.post(url("request-apply", taken.pk)).status_code == 302
    taken.refresh_from_db()
    assert (taken.state, taken.closed_by) == ("APPLIED", lead)
    assert Customer.objects.get(pk=row.pk).name == "王晓娟"
    change = FieldChange.objects.get(customer_id=row.pk, field="name")
    assert (change.old, change.new, change.source) == ("王小娟", "王晓娟", f"request {taken.number}")
    owed.refresh_from_db()
    told = FollowUp.objects.open().get()
    assert (owed.state, owed.done_by) == ("DONE", lead)
    assert (told.kind, told.owner, told.due_at - taken.closed_at) == ("CALLBACK", op.clerk, timedelta(hours=24))
    assert op.clerk.name in words(client.get(url("request-detail", taken.pk)))
    assert leading.post(url("request-apply", taken.pk)).status_code == 422
    assert FollowUp.objects.count() == 2
    assert taken.number not in words(leading.get(reverse("customers:request-list")))


def test_nobody_looks_twice_at_their_own_request(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    taken = services.request_change(row.pk, actor=lead, **ASKED, field="name", new="王晓娟")
    assert client_for(lead).post(url("request-apply", taken.pk)).status_code == 403
    assert Customer.objects.get(pk=row.pk).name == "王小娟"
    other = UserFactory(role="TEAM_LEAD", unit=op.hall)
    assert client_for(other).post(url("request-refuse", taken.pk), {"reason": ""}).status_code == 422
    assert client_for(other).post(url("request-refuse", taken.pk), {"reason": "No paper"}).status_code == 302
    taken.refresh_from_db()
    assert (taken.state, taken.reason) == ("REFUSED", "No paper")
    # Nobody led the one who took it: they owed that somebody decides, and owe the answer now.
    assert list(FollowUp.objects.order_by("pk").values_list("kind", "owner", "state")) == [
        ("TASK", lead.pk, "DONE"),
        ("CALLBACK", lead.pk, "OPEN"),
    ]
    far = UserFactory(role="TEAM_LEAD", unit=op.elsewhere)
    assert client_for(far).get(url("request-detail", taken.pk)).status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"field": "mobile", "new": "12"}, "new"),
        ({"field": "email", "new": "nobody"}, "new"),
        ({"field": "birth_date", "new": "2999-01-01"}, "new"),
        ({"field": "birth_date", "new": "yesterday"}, "new"),
        ({"field": "id_number", "new": "330106199003070171"}, "new"),
        ({"field": "name", "new": "王\u200b娟"}, "new"),
        ({"field": "name", "new": "字" * 201}, "new"),
        ({"field": "name", "new": " "}, "new"),
        ({"field": "name", "new": "王小娟"}, "new"),
        ({"field": "owner"}, "line"),
        ({"field": "name", "new": "王晓娟", "asked_by": " "}, "asked_by"),
        ({"field": "shoe_size", "new": "42"}, "field"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    op: Operator, client_for: ClientFor, row: Customer, typed: dict[str, str], field: str
) -> None:
    answer = client_for(op.clerk).post(url("change-request-new", row.pk), {**ASKED, **typed})
    assert answer.status_code == 422 and field in answer.context["form"].errors
    assert nothing_changed(row)


def test_names_of_two_hundred_characters_and_emoji_fit(op: Operator, row: Customer, lead: User) -> None:
    for name in ("字" * 200, "小娟🌸"):
        taken = services.request_change(row.pk, actor=op.clerk, **ASKED, field="name", new=name)
        services.apply_request(taken.pk, actor=lead)
        assert Customer.objects.get(pk=row.pk).name == name


def test_a_document_lies_sealed_until_it_is_decided(op: Operator, row: Customer, lead: User) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    taken = services.request_change(row.pk, actor=op.clerk, **ASKED, field="id_number", new=OTHER_CARD.lower())
    assert (taken.old, taken.new, taken.wanted()) == ("****017X", "****002X", OTHER_CARD)
    assert OTHER_CARD.encode() not in bytes(ChangeRequest.objects.get().new_sealed or b"")
    assert rotate_keys().rotated == 0
    services.apply_request(taken.pk, actor=lead)
    stored = Customer.objects.get(pk=row.pk)
    assert (stored.id_number(), stored.identity_status) == (OTHER_CARD, "RECHECK")
    assert ChangeRequest.objects.get().new_sealed is None


def test_the_kind_of_a_document_needs_two_people_too_alone_or_with_its_number(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    client, leading, new = client_for(op.clerk), client_for(lead), url("change-request-new", row.pk)
    for typed, field in (
        ({"field": "id_type"}, "document"),
        ({"field": "id_type", "document": "ID_CARD"}, "new"),
        ({"field": "id_number", "new": "E12345678"}, "new"),  # no number of an ID card
        ({"field": "id_type", "document": "SHOE"}, "document"),
    ):
        answer = client.post(new, {**ASKED, **typed})
        assert answer.status_code == 422 and field in answer.context["form"].errors, typed
    assert nothing_changed(row)
    typed = {**ASKED, "field": "id_number", "new": "E12345678", "document": "PASSPORT"}
    assert client.post(new, typed).status_code == 302
    taken = ChangeRequest.objects.get()
    page = words(leading.get(url("request-detail", taken.pk)))
    assert "Passport" in page and "E12345678" not in page
    assert Customer.objects.get(pk=row.pk).id_type == "ID_CARD"
    assert leading.post(url("request-apply", taken.pk)).status_code == 302
    stored = Customer.objects.get(pk=row.pk)
    assert (stored.id_type, stored.id_number(), stored.identity_status) == ("PASSPORT", "E12345678", "RECHECK")
    # The number was right and only its kind was not.
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    assert client.post(new, {**ASKED, "field": "id_type", "document": "OTHER"}).status_code == 302
    kind = ChangeRequest.objects.open().get()
    page = words(leading.get(url("request-detail", kind.pk)))
    assert "Passport" in page and str(Customer.IdType("OTHER").label) in page
    assert leading.post(url("request-apply", kind.pk)).status_code == 302
    stored.refresh_from_db()
    assert (stored.id_type, stored.id_number(), stored.identity_status) == ("OTHER", "E12345678", "RECHECK")
    assert FieldChange.objects.filter(customer_id=row.pk, field="id_type").count() == 2


def test_who_decides_reads_both_values_in_clear_for_a_minute(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    leading = client_for(lead)
    card = services.request_change(row.pk, actor=op.clerk, **ASKED, field="id_number", new=OTHER_CARD)
    address = url("request-detail", card.pk)
    assert OTHER_CARD not in words(leading.get(address))
    # A document number needs a reason, a name does not.
    assert "Say why you need to see this" in words(leading.post(url("request-reveal", card.pk)))
    assert leading.post(url("request-reveal", card.pk), {"reason": "To compare"}).status_code == 302
    shown = words(leading.get(address))
    assert OTHER_CARD in shown and CARD in shown
    assert OTHER_CARD not in words(client_for(op.clerk).get(address))
    name = services.request_change(row.pk, actor=op.clerk, **ASKED, field="name", new="王晓娟")
    assert "王晓娟" not in words(leading.get(url("request-detail", name.pk)))
    assert leading.post(url("request-reveal", name.pk)).status_code == 302
    shown = words(leading.get(url("request-detail", name.pk)))
    assert "王晓娟" in shown and "王小娟" in shown
    seen = AuditEntry.objects.filter(verb="customer.revealed").order_by("pk").values_list("detail__field", flat=True)
    assert list(seen) == ["id_number", "name"]
    services.apply_request(card.pk, actor=lead)
    assert OTHER_CARD not in words(leading.get(address))
    far = UserFactory(role="TEAM_LEAD", unit=op.elsewhere)
    assert client_for(far).post(url("request-reveal", name.pk)).status_code == 404


def test_a_line_passes_to_its_new_owner_without_its_past(op: Operator, row: Customer, lead: User) -> None:
    line = SubscriptionFactory(customer=row, service_no="13800138000")
    month = clock.today().replace(day=1)
    services.record_usage(line.pk, month=month, totals={"net_revenue": "99.00"})
    taker = customer(op.hall, "李国强", mobile="13700137000")
    taken = services.request_change(
        row.pk, actor=op.clerk, **ASKED, field="owner", subscription_id=line.pk, new_owner_id=taker.pk
    )
    with pytest.raises(RuleBroken) as no:
        services.apply_request(taken.pk, actor=lead)
    assert no.value.code == "customers.identity_not_verified"
    assert ChangeRequest.objects.get().state == "OPEN" and Subscription.objects.get().customer == row
    Customer.objects.filter(pk=taker.pk).update(identity_status="VERIFIED")
    services.apply_request(taken.pk, actor=lead)
    old, new = Subscription.objects.order_by("pk")
    assert (old.customer, old.status, old.terminated_on) == (row, "TERMINATED", clock.today())
    assert (new.customer, new.status, new.service_no, new.plan) == (taker, "ACTIVE", "13800138000", line.plan)
    assert UsageMonth.objects.get().customer_id == row.pk
    page = customer_page(taker.pk, user=op.clerk, opened=())
    assert page is not None and page.months == []
    # The number is the new owner's: the old one is not reached there any more.
    point = ContactPoint.objects.get(customer=row)
    assert (point.valid_to, point.do_not_use) == (clock.today(), "number given to another customer")


@pytest.mark.django_db(transaction=True)
def test_two_leads_at_once_apply_it_once(op: Operator, row: Customer, lead: User) -> None:
    other = UserFactory(role="TEAM_LEAD", unit=op.hall)
    taken = services.request_change(row.pk, actor=op.clerk, **ASKED, field="name", new="王晓娟")
    outcomes = race(
        lambda: services.apply_request(taken.pk, actor=lead), lambda: services.apply_request(taken.pk, actor=other)
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ChangeRequest", "RuleBroken"]
    assert FieldChange.objects.filter(field="name").count() == 1


def test_the_list_costs_the_same_for_three_and_for_forty(op: Operator, client_for: ClientFor) -> None:
    client, address = client_for(op.clerk), reverse("customers:request-list")

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(address).status_code == 200
        return len(counted)

    def fill(number: int) -> None:
        for place in range(number):
            one = customer(op.hall, f"客户{place}")
            services.request_change(one.pk, actor=op.clerk, **ASKED, field="name", new=f"新名{place}")

    fill(3)
    queries()
    first = queries()
    fill(37)
    assert queries() == first <= 15


@pytest.mark.covers("ARC-17")
def test_whose_identity_was_verified_is_renamed_by_two_people_and_never_by_one(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    other_name, other_card = {"changes": {"name": "王晓娟"}}, {"changes": {}, "id_number": OTHER_CARD}
    # Nobody compared a document yet: corrected at once, in the log.
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"name": "王小绢"})
    services.change_customer(row.pk, actor=op.clerk, version=2, changes={"name": "王小娟"})
    assert FieldChange.objects.filter(customer_id=row.pk, field="name").count() == 2
    services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON")

    def refused() -> None:
        version, changes = Customer.objects.get(pk=row.pk).version, FieldChange.objects.count()
        other_kind = {"changes": {"id_type": "OTHER"}}
        for asked in (other_name, other_card, other_kind, {"changes": {}, "id_number": ""}):
            with pytest.raises(RuleBroken) as no:
                services.change_customer(row.pk, actor=op.clerk, version=version, **asked)
            assert no.value.code == "customers.second_look"
        stored = Customer.objects.get(pk=row.pk)
        assert (stored.name, stored.id_number(), stored.version) == ("王小娟", CARD, version)
        assert FieldChange.objects.count() == changes

    refused()
    # Nor by doubting it first: what was verified once keeps its second look.
    services.recheck_identity(row.pk, actor=op.clerk, reason="doubt")
    refused()
    services.reject_identity(row.pk, actor=op.clerk, how="IN_PERSON", reason="another's")
    refused()

    desk, edit = client_for(op.clerk), url("customer-edit", row.pk)
    page = desk.get(edit)
    assert url("change-request-new", row.pk) in words(page) and 'id="id_name"' in words(page)
    initial = page.context["form"].initial
    posted = {name: value for name, value in initial.items() if value not in (None, False)}
    answer = desk.post(edit, posted | {"name": "王晓娟", "home_city": "宁波"})
    assert answer.status_code == 422
    assert "Take a request" in words(answer) and "王晓娟" in words(answer)  # nothing typed is lost
    offered = [code for code, _label in page.context["form"].fields["id_type"].widget.choices]
    assert offered == ["ID_CARD"] and desk.post(edit, posted | {"id_type": "PASSPORT"}).status_code == 422
    assert desk.post(edit, posted | {"home_city": "宁波"}).status_code == 302
    stored = Customer.objects.get(pk=row.pk)
    assert (stored.name, stored.home_city) == ("王小娟", "宁波")

    taken = services.request_change(row.pk, actor=op.clerk, **ASKED, field="name", new="王晓娟")
    services.apply_request(taken.pk, actor=lead)
    assert Customer.objects.get(pk=row.pk).name == "王晓娟"
