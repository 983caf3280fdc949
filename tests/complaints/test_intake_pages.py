"""The intake page, files, and the panel of the customer, through the pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from complaints.intake import providers
from complaints.intake.providers import Asked, KnownTrouble, register_provider
from complaints.models import Attachment, Complaint, Entry, Link
from foundation.common.personal import steps
from interactions.models import Topic
from interactions.services import start_contact
from staff.models import Draft
from tests.complaints.cases import Office, case, office
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UserFactory

MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture(autouse=True)
def _world(travel: Any, settings: Any, tmp_path: Path) -> Any:
    own = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": own}
    with travel(MORNING):
        yield


@pytest.fixture
def at(db: None) -> Office:
    return office()


def filled(customer: Any = None, **more: Any) -> dict[str, Any]:
    who = {"customer": customer.ref} if customer else {}
    return {"token": "t1", "text": "宽带网速很慢，测速只有5兆", "channel": "HOTLINE", **who, **more}


@pytest.mark.covers("CMP-01", "CMP-30", "ARC-08")
def test_a_complaint_is_taken_on_one_page(at: Office, client_for: Any, django_assert_max_num_queries: Any) -> None:
    client: Client = client_for(at.agent)
    customer = CustomerFactory(unit=at.unit)
    ContactPointFactory(customer=customer)
    line = SubscriptionFactory(customer=customer)
    start_contact(actor=at.agent, customer=customer, channel="HALL_OWN")
    page = client.get(reverse("customers:customer-detail", args=[customer.pk])).content.decode()
    address = f"{reverse('complaints:intake')}?customer={customer.ref}"
    # The first of the actions, with the key c.
    assert re.search(rf'class="btn -primary"[^>]*href="{re.escape(address)}"[^>]*data-key="c"', page) or (
        f'href="{address}"' in page and 'data-key="c"' in page
    )
    with django_assert_max_num_queries(14):
        page = client.get(address).content.decode()
    assert 'value="HALL_OWN" selected' in page and "Tue, Dec" not in page

    # While it is typed: topics with the words that led there, questions, times with reasons.
    look = reverse("complaints:intake-look")
    with django_assert_max_num_queries(14):
        found = client.post(look, filled(customer), headers={"HX-Request": "true"}).content.decode()
    assert found.startswith("\n  ") and 'id="looked"' in found and 'id="beside" hx-swap-oob="outerHTML"' in found
    assert 'value="NETWORK.SPEED" checked' in found and "because of:" in found
    assert 'name="fact_where"' in found and 'name="fact_measured"' in found
    assert "at once" in found and "Dec 9" in found and "23:59" in found

    # Without the answers to the questions it comes back, everything kept, files too many kinds.
    sent = filled(customer, topic="NETWORK.SPEED", lines=[str(line.pk)], amount="12.50", demand="100 Mbps")
    refused = client.post(reverse("complaints:intake"), sent)
    assert refused.status_code == 422 and "100 Mbps" in refused.content.decode() and not Complaint.objects.exists()
    program = SimpleUploadedFile("x.pdf", b"MZ program")
    refused = client.post(
        reverse("complaints:intake"), {**sent, "fact_where": "A", "fact_since": "B", "evidence": [program]}
    )
    assert refused.status_code == 422 and "Send a picture" in refused.content.decode()
    assert not Complaint.objects.exists() and not Attachment.objects.exists()

    complete = {**sent, "fact_where": "West Lake", "fact_since": "Sunday"}
    picture = SimpleUploadedFile("../a.exe.png", PNG)
    answer = client.post(reverse("complaints:intake"), {**complete, "evidence": [picture]})
    taken = Complaint.objects.get()
    assert answer.status_code == 302 and answer["Location"] == reverse("complaints:case", args=[taken.pk])
    assert taken.topic == Topic.objects.get(code="NETWORK.SPEED") and taken.contact is not None
    assert taken.facts_given == {"where": "West Lake", "since": "Sunday"} and str(taken.amount) == "12.50"
    # Sent twice, it is one, with one file.
    again = client.post(reverse("complaints:intake"), {**complete, "evidence": [SimpleUploadedFile("a.png", PNG)]})
    assert again["Location"] == answer["Location"] and Attachment.objects.count() == 1

    # The file is saved, never shown, by who sees the case; others do not find it.
    kept = Attachment.objects.get()
    file = reverse("complaints:file", args=[taken.pk, kept.pk])
    got = client.get(file)
    assert b"".join(got.streaming_content) == PNG and got["Content-Type"] == "image/png"
    assert (
        got["X-Content-Type-Options"] == "nosniff" and got["Content-Disposition"] == 'attachment; filename="a.exe.png"'
    )
    assert client_for(UserFactory(role="AGENT")).get(file).status_code == 404
    # The customer's page shows the case with its deadline.
    page = client.get(reverse("customers:customer-detail", args=[customer.pk])).content.decode()
    assert taken.number in page and reverse("complaints:case", args=[taken.pk]) in page and "data-sla" in page
    # Erased with the customer.
    step = next(step for step in steps() if step.name == "complaints.files")
    assert step.erase([customer.pk], MORNING) == {"complaints_attachment": 1} and not Attachment.objects.exists()
    assert client.get(file).status_code == 404


@pytest.mark.covers("CMP-13", "CMP-35")
def test_who_has_an_open_case_urges_it_from_the_same_page(at: Office, client_for: Any, monkeypatch: Any) -> None:
    client: Client = client_for(at.agent)
    topic = Topic.objects.get(code="BILLING.VAS_FEE")
    open_case = case(at, "INVESTIGATING", topic=topic, text="彩铃包月")
    customer = open_case.customer
    assert customer is not None
    closed = case(at, "CLOSED", customer=customer, topic=topic)
    case(at, "INVESTIGATING", customer=customer, about_staff=at.agent, owner=at.lead)
    group = case(at, is_parent=True, topic=topic, subject="Ring tones for all")
    monkeypatch.setattr(providers, "_providers", {})
    asked: list[Asked] = []

    def outages(given: Asked) -> list[KnownTrouble]:
        asked.append(given)
        return [KnownTrouble("Base station 3 is down")]

    register_provider("outages", outages)
    sent = filled(customer, text="又扣彩铃包月费", topic="BILLING.VAS_FEE")
    page = client.post(reverse("complaints:intake-look"), sent, headers={"HX-Request": "true"}).content.decode()
    shown = re.findall(r"CP\d{14}", page)
    assert {open_case.number, closed.number, group.number} == set(shown)
    assert "same category" in page and "Reopen this case" in page and "Base station 3 is down" in page
    assert (asked[0].customer, asked[0].topic) == (customer, topic)
    urge = reverse("complaints:act-urge", args=[open_case.pk])
    assert client.post(urge, sent).status_code == 302 and client.post(urge, sent).status_code == 302
    open_case.refresh_from_db()
    assert (open_case.urges, Complaint.objects.count()) == (1, 4)
    assert Entry.objects.get(kind="URGE").text == "又扣彩铃包月费"
    assert client.post(reverse("complaints:act-urge", args=[closed.pk]), sent).status_code == 422
    assert client_for(UserFactory(role="AGENT")).post(urge, sent).status_code == 404


def test_callers_who_are_no_customers_drafts_and_bad_input(at: Office, client_for: Any) -> None:
    client: Client = client_for(at.agent)
    intake = reverse("complaints:intake")
    page = client.get(intake).content.decode()
    assert 'name="contact_phone"' in page and "Without a customer" in page
    token = re.search(r'data-draft="([^"]+)"', page)
    assert token is not None
    client.post(reverse("staff:draft-save"), {"draft": token[1].replace("&quot;", '"'), "text": "Half a word"})
    assert "Half a word" in client.get(intake).content.decode() and Draft.objects.count() == 1
    for wrong in (
        {"text": ""},
        {"text": "x" * 1_000_000},
        {"contact_phone": "12"},
        {"received_at": "2026-11-25T10:00"},
        {"received_at": "2023-01-01T10:00"},
        {"about_no": "nobody"},
        {"topic": "-", "topic_other": "NO.SUCH"},
        {"lines": ["12345"]},
        {"amount": "1e99"},
        {"grade": "MAJOR"},
    ):
        assert client.post(intake, filled(**wrong)).status_code == 422, wrong
    Topic.objects.filter(code="NETWORK.SPEED").update(active=False)
    # A topic retired meanwhile is no topic; whoever assesses it chooses one.
    assert not Complaint.objects.exists()
    answer = client.post(
        intake, filled(contact_phone="13800138000", text="<script>alert(1)</script> 😀", topic="NETWORK.SPEED")
    )
    assert answer.status_code == 302
    taken = Complaint.objects.get()
    assert (taken.topic, taken.contact_phone, taken.text) == (None, "13800138000", "<script>alert(1)</script> 😀")
    assert not Draft.objects.exists()
    # Without script the same page suggests.
    page = client.post(intake, filled(look="1", token="t2")).content.decode()
    assert "because of:" in page and Complaint.objects.count() == 1
    assert client.get(f"{intake}?customer=zzzzzzzz").status_code == 404
    # What is said about oneself is not for oneself to read (D§3.2).
    answer = client.post(intake, filled(about=str(at.agent.pk), token="t3"))
    assert answer["Location"] == reverse("workspace:home")
    assert Complaint.objects.get(about_staff=at.agent).owner == at.lead


@pytest.mark.covers("CMP-01", "CMP-24", "CMP-34")
def test_a_matter_that_is_back_is_reopened_where_it_comes_and_an_old_one_is_repeated(
    at: Office, client_for: Any, travel: Any
) -> None:
    client: Client = client_for(at.agent)
    customer = CustomerFactory(unit=at.unit)
    ContactPointFactory(customer=customer)
    # Closed by another hall, which the agent does not see: the same service is owed at every window (D9.6).
    away = office()
    topic = Topic.objects.get(code="NETWORK.SPEED")
    lately = case(away, "CLOSED", customer=customer, topic=topic, closed_at=MORNING - 29 * DAY)
    long_ago = case(away, "CLOSED", customer=customer, topic=topic, closed_at=MORNING - 31 * DAY)
    assert client.get(reverse("complaints:case", args=[lately.pk])).status_code == 404
    page = client.post(reverse("complaints:intake-look"), filled(customer, topic="NETWORK.SPEED")).content.decode()
    again = reverse("complaints:intake-reopen", args=[lately.pk])
    assert f'formaction="{again}"' in page and f'name="repeats" value="{long_ago.ref}"' in page
    assert f'value="{lately.ref}"' not in page and "Brand" in page

    sent = filled(customer, topic="NETWORK.SPEED", fact_where="A", fact_since="B", brand=" Speed  5G ")
    taken = client.post(reverse("complaints:intake"), {**sent, "repeats": long_ago.ref})
    new = Complaint.objects.exclude(pk__in=[lately.pk, long_ago.pk]).get()
    assert taken.status_code == 302 and new.brand == "Speed 5G"
    link = Link.objects.get()
    assert (link.complaint, link.other, link.kind) == (new, long_ago, "REPEAT")
    foreign = case(away, "CLOSED")
    for wrong in (foreign.ref, "?"):
        refused = client.post(reverse("complaints:intake"), {**sent, "token": "t2", "repeats": wrong})
        assert refused.status_code == 422 and Link.objects.count() == 1

    late = client.post(reverse("complaints:intake-reopen", args=[long_ago.pk]), filled(customer))
    assert late.status_code == 422 and "Closed more than 30 days ago" in late.content.decode()
    contact = start_contact(actor=at.agent, customer=customer, channel="HALL_OWN")
    back = client.post(again, filled(customer, text="It is slow again.", contact=contact.ref))
    lately.refresh_from_db()
    assert back.status_code == 302 and (lately.state, lately.reopened) == ("REOPENED", 1)
    assert lately.entries.get(kind="INBOUND").text == "It is slow again."
    contact.refresh_from_db()
    assert contact.result == "CASE"
    assert client.post(again, filled(customer)).status_code == 422  # it is open again already
    stranger = client_for(UserFactory(role="AGENT"))
    assert stranger.post(again, filled()).status_code == 404
