"""Data to mend: every figure equals a recount of the rows, opens them, and an item goes when it is mended."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import quality, services
from customers.completeness import completeness_of, with_completeness
from customers.models import Address, Consent, ContactPoint, Customer, CustomerFacts, Need, ProfileField, QualityItem
from customers.models.quality import QualityKind
from foundation.common import clock
from outreach.bounces import report_undelivered
from outreach.models import MessageText, OutMessage
from outreach.services import queue_message
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
K = QualityKind


def url(query: str = "") -> str:
    return reverse("customers:quality-list") + query


def words(response: Any) -> str:
    return response.content.decode()


def kinds_of(row: Customer) -> set[str]:
    return set(QualityItem.objects.filter(customer=row).values_list("kind", flat=True))


def recount() -> set[tuple[int, str]]:
    """What is wrong with whom, one row after the other, by the rules as they are written down."""
    found: set[tuple[int, str]] = set()
    for row in with_completeness(Customer.objects.select_related("facts")):
        if row.status in {"FORMER", "DECEASED", "ANONYMISED"}:
            continue
        points = [point for point in row.contact_points.all() if point.valid_to is None]
        usable = [point for point in points if point.verified_at and not point.do_not_use]
        wrong = {
            K.NAME_MISSING: "NAME_MISSING" in row.quality_marks,
            K.ID_MISSING: row.id_hash is None,
            K.IDENTITY_OPEN: row.identity_status != "VERIFIED",
            K.CONTACT_MISSING: not points,
            K.CONTACT_BOUNCED: any(point.bounced_at for point in points),
            K.CONTACT_UNVERIFIED: bool(points) and not usable,
            K.BIRTHDAY_MISSING: "BIRTHDAY_MISSING" in row.quality_marks,
            K.BIRTHDAY_PLACEHOLDER: "BIRTHDAY_PLACEHOLDER" in row.quality_marks,
            K.STALE: row.updated_at <= clock.now() - timedelta(days=365),
            K.BELOW_TARGET: completeness_of(row, row.facts.tier).is_low,
        }
        found |= {(row.pk, kind.value) for kind, holds in wrong.items() if holds}
    return found


def scattered(op: Operator, number: int = 60) -> None:
    """Customers with all kinds of gaps, from a fixed seed."""
    draw = random.Random(7)
    now = clock.now()
    for place in range(number):
        row = _one(draw, op, now, place)
        CustomerFacts.objects.filter(customer=row).update(tier=draw.choice(["", "SILVER", "GOLD", "PLATINUM"]))
        for _n in range(draw.randrange(3)):
            ContactPointFactory(
                customer=row,
                is_primary=False,
                verified_at=draw.choice([None, now]),
                do_not_use=draw.choice(["", "", "asked"]),
                bounced_at=draw.choice([None, None, now]),
                valid_to=draw.choice([None, None, clock.today()]),
            )
        if draw.random() < 0.5:
            Address.objects.create(customer=row, kind="HOME", city="Sanya")
        for key in ("INTERESTS", "SPENDING_HABIT"):
            if draw.random() < 0.6:
                ends = draw.choice([None, clock.today(), clock.today() + timedelta(days=1)])
                ProfileField.objects.create(
                    customer=row, key=key, value="x", source="d", purpose="p", consent_evidence="e", expires_on=ends
                )
        if draw.random() < 0.4:
            Need.objects.create(customer=row, text="Faster")
        if draw.random() < 0.3:
            services.refuse_consent(row.pk, actor=op.clerk, purpose="PROFILING")
            Customer.objects.filter(pk=row.pk).update(updated_at=now - timedelta(days=draw.choice([3, 900])))


def _one(draw: random.Random, op: Operator, now: Any, place: int) -> Customer:
    company = draw.random() < 0.3
    row: Customer = CustomerFactory(
        unit=draw.choice([op.hall, op.elsewhere]),
        manager=draw.choice([None, op.clerk]),
        customer_type="ENTERPRISE" if company else "PERSON",
        identity_status=draw.choice(["VERIFIED", "UNVERIFIED", "RECHECK"]),
        channel_preference=draw.choice(["", "SMS"]),
        birth_date=None if company else draw.choice([None, "1990-03-07"]),
        quality_marks=draw.choice([[], ["NAME_MISSING"], ["BIRTHDAY_MISSING"], ["BIRTHDAY_PLACEHOLDER"]]),
        updated_at=now - timedelta(days=draw.choice([3, 364, 366, 900])),
        status=draw.choice(["ACTIVE", "ACTIVE", "ACTIVE", "FORMER", "DECEASED"]),
    )
    if draw.random() < 0.6:
        Customer.objects.filter(pk=row.pk).update(id_hash=bytes([place] * 32), id_sealed=b"k1:x")
    return row


@pytest.mark.covers("ARC-05", "ARC-09")
def test_every_figure_equals_a_recount_and_opens_its_rows(op: Operator, client_for: ClientFor) -> None:
    scattered(op)
    looked, _moved = map(sum, zip(*quality.refresh_all(piece=7), strict=True))
    assert looked == Customer.objects.count()
    stored = set(QualityItem.objects.values_list("customer_id", "kind"))
    assert stored == recount() and {kind for _pk, kind in stored} == set(K.values)
    # Told again nothing moves; broken off in the middle, the second run ends the same.
    assert sum(moved for _seen, moved in quality.refresh_all()) == 0
    QualityItem.objects.filter(customer_id__lt=sorted(pk for pk, _kind in stored)[20]).delete()
    next(quality.refresh_all(piece=5))
    list(quality.refresh_all(piece=9))
    assert set(QualityItem.objects.values_list("customer_id", "kind")) == stored
    seen = set(Customer.objects.in_scope_of(op.clerk).values_list("pk", flat=True))
    managed = set(Customer.objects.filter(manager=op.clerk).values_list("pk", flat=True)) & seen
    client = client_for(op.clerk)
    for whose, people in (("", seen), ("&whose=mine", managed)):
        for kind in K.values:
            page = client.get(url(f"?kind={kind}{whose}"))
            expected = {pk for pk, what in stored if what == kind and pk in people}
            figures = {one["label"]: one["count"] for one in page.context["kinds"]}
            assert figures[K(kind).label] == str(len(expected))
            assert {one["customer"].pk for one in page.context["rows"]} == expected


def test_an_item_goes_the_moment_it_is_mended(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    list(quality.refresh_all())
    assert {K.ID_MISSING, K.IDENTITY_OPEN, K.CONTACT_MISSING, K.BELOW_TARGET} <= kinds_of(row)
    services.verify_identity(row.pk, actor=op.clerk, how="READER", id_type="ID_CARD", id_number="33010619900307017X")
    point = services.add_contact_point(row.pk, actor=op.clerk, kind="MOBILE", value="13800138000")
    assert kinds_of(row) == {K.CONTACT_UNVERIFIED, K.BELOW_TARGET}
    services.verify_contact_point(point.pk, actor=op.clerk)
    assert kinds_of(row) == set()
    Customer.objects.filter(pk=row.pk).update(updated_at=clock.now() - timedelta(days=400))
    list(quality.refresh_all())
    assert kinds_of(row) == {K.STALE}
    client = client_for(op.clerk)
    assert row.number in words(client.get(url("?kind=STALE")))
    assert client.post(reverse("customers:archive-confirm", args=[row.pk])).status_code == 302
    assert kinds_of(row) == set() and client.get(url("?kind=STALE")).context["rows"] == []


def test_a_bounced_message_marks_the_address_until_somebody_is_reached(op: Operator) -> None:
    row = customer(op.hall, "王小娟", mobile="13800138000")
    point = ContactPoint.objects.get()
    message = queue_message(
        customer=row, message_class="SERVICE", template="callback_promised", dedupe_key="b",
        params={"number": "CB1", "due_at": clock.now().isoformat()},
    )  # fmt: skip
    assert message is not None
    OutMessage.objects.filter(pk=message.pk).update(state="sent")
    MessageText.objects.create(
        message_id=message.pk, customer_id=row.pk, template_version=1, language="en", address=point.value, body="x"
    )
    report_undelivered(message.pk, detail="no such number")
    point.refresh_from_db()
    assert (point.verified_at, point.do_not_use, point.is_primary) == (None, "messages came back", False)
    assert {K.CONTACT_BOUNCED, K.CONTACT_UNVERIFIED} <= kinds_of(row)
    assert OutMessage.objects.get(pk=message.pk).state == "undelivered"
    services.verify_contact_point(point.pk, actor=op.clerk)
    assert not {K.CONTACT_BOUNCED, K.CONTACT_UNVERIFIED} & kinds_of(row)


def test_the_page_costs_the_same_for_ten_and_for_many(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.clerk)

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(url("?kind=ID_MISSING")).status_code == 200
        return len(counted)

    def fill(number: int) -> None:
        for _n in range(number):
            CustomerFactory(unit=op.hall)
        list(quality.refresh_all())

    fill(10)
    queries()
    first = queries()
    fill(90)
    assert queries() == first <= 15
    page = client.get(url("?kind=ID_MISSING"))
    assert len(page.context["rows"]) == 50
    after = client.get(url(f"?kind=ID_MISSING&after={page.context['page'].next_cursor}"))
    assert len({one["customer"].pk for one in [*page.context["rows"], *after.context["rows"]]}) == 100


def test_another_manager_takes_the_items_along(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=op.hall)
    services.change_customer(row.pk, actor=op.clerk, version=1, changes={"manager_id": manager.pk})
    assert set(QualityItem.objects.values_list("manager_id", flat=True)) == {manager.pk}
    assert quality.counts(manager, mine=True)[K.ID_MISSING] == (1, False)
    assert not Consent.objects.exists()
