"""Sending a complaint in by the web, and seeing how far it is: strangers, phones, guessers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from complaints.models import Complaint, Entry
from complaints.public.codes import said_code
from complaints.public.limits import source_of
from customers.finding.rows import rebuild_find_rows
from foundation.common import clock
from tests.complaints.cases import Office, case, office
from tests.conftest import DEEP
from tests.factories import ContactPointFactory, CustomerFactory

MORNING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SAID = {
    "token": "w1",
    "text": "信号弱，打了三次电话没人管",
    "demand": "Mend it",
    "name": "Wu Min",
    "phone": "0571-8888 6666",
    "email": "",
    "consent": "on",
}


@pytest.fixture(autouse=True)
def _world(travel: Any, settings: Any, tmp_path: Path) -> Any:
    own = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": own}
    with travel(MORNING):
        yield


@pytest.fixture
def at(db: None) -> Office:
    return office()


@pytest.mark.covers("CMP-01", "CMP-03", "CMP-13", "CMP-24")
def test_a_stranger_complains_by_the_web_and_follows_it(at: Office, travel: Any) -> None:
    client = Client(headers={"Accept-Language": "en"}, enforce_csrf_checks=True)
    form = reverse("public:complain")
    page = client.get(form)
    assert page["Cache-Control"].startswith("max-age=0") or "no-store" in page["Cache-Control"]
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert token is not None and client.post(form, SAID).status_code == 403
    client = Client(headers={"Accept-Language": "en"})
    for wrong in ({"text": ""}, {"consent": ""}, {"phone": ""}, {"phone": "12"}, {"email": "x@", "phone": ""}):
        refused = client.post(form, {**SAID, **wrong})
        assert refused.status_code == 422 and "Wu Min" in refused.content.decode()
    program = SimpleUploadedFile("x.png", b"\x7fELF")
    assert client.post(form, {**SAID, "evidence": [program]}).status_code == 422
    assert not Complaint.objects.exists()

    answer = client.post(form, {**SAID, "evidence": [SimpleUploadedFile("x.png", b"\x89PNG\r\n\x1a\n")]})
    again = client.post(form, SAID)
    taken = Complaint.objects.get()
    assert answer.status_code == again.status_code == 302
    assert (taken.channel, taken.state, taken.contact_phone) == ("WEB", "ACKNOWLEDGED", "057188886666")
    assert taken.owner in (at.handler, at.other) and taken.attachments.count() == 1
    # Nothing personal stands in the address, and a damaged one leads to the question.
    assert not re.search(r"8888|Wu|CP2026", answer["Location"])
    page = client.get(answer["Location"]).content.decode()
    assert taken.number in page and said_code(taken.public_code) in page
    assert client.get(answer["Location"][:-3] + "/").status_code == 302

    status = reverse("public:status")
    # As people type it: small letters, spaces.
    typed = {"number": f" {taken.number.lower()} ", "code": said_code(taken.public_code).lower().replace("-", " ")}
    seen = client.post(status, typed)
    assert seen.status_code == 302 and taken.number not in seen["Location"]
    page = client.get(seen["Location"]).content.decode()
    assert "We have your complaint." in page and "We confirmed it to you" in page and taken.owner.name in page
    assert "Customer service" in page and "Service desk" not in page
    assert "0571" not in page and "Wu Min" not in page and "信号弱" not in page and "ACKNOWLEDGED" not in page
    # Urging: once a day.
    urge = seen["Location"] + "urge/"
    for _twice in range(2):
        assert client.post(urge, {"words": "Please hurry"}).status_code == 302
    taken.refresh_from_db()
    assert taken.urges == 1 and "You urged today" in client.get(seen["Location"]).content.decode()
    with travel(MORNING + timedelta(minutes=31)):
        assert client.get(seen["Location"]).status_code == 302 and client.post(urge, {}).status_code == 302
    with travel(MORNING + timedelta(days=1)):
        again = client.post(status, typed)
        client.post(again["Location"] + "urge/", {"words": ""})
    taken.refresh_from_db()
    assert taken.urges == 2


@pytest.mark.covers("CMP-13", "CMP-32")
def test_the_answer_can_be_objected_to_and_nothing_internal_shows(at: Office) -> None:
    client = Client(headers={"Accept-Language": "en"})
    found = case(at, "DECIDED", decided_at=clock.now(), public_code="ABCDE23456", text="secret words")
    Entry.objects.create(complaint=found, kind="REPLY", text="We pay back 30 CNY.", by=at.handler)
    Entry.objects.create(complaint=found, kind="NOTE", text="internal note", by=at.handler)
    Entry.objects.create(
        complaint=found, kind="REPLY", text="not yet", by=at.handler, leaves_at=clock.now() + timedelta(seconds=8)
    )
    seen = client.post(reverse("public:status"), {"number": found.number, "code": "abcde-23456"})["Location"]
    page = client.get(seen).content.decode()
    assert "You have our answer." in page and "We pay back 30 CNY." in page
    assert not any(words in page for words in ("internal note", "not yet", "secret words", "DECIDED"))
    assert client.post(seen + "object/", {"words": ""}).status_code == 422
    assert client.post(seen + "object/", {"words": "It was 60."}).status_code == 302
    found.refresh_from_db()
    assert found.state == "DISPUTED" and Entry.objects.filter(kind="INBOUND", text="It was 60.").exists()
    assert client.post(seen + "object/", {"words": "Again"}).status_code == 422


@pytest.mark.covers("CMP-13")
def test_who_guesses_is_locked_out_and_learns_nothing(at: Office, caplog: pytest.LogCaptureFixture) -> None:
    client, other = Client(headers={"Accept-Language": "en"}), Client(REMOTE_ADDR="192.0.2.7")
    found = case(at, public_code="ABCDE23456")
    status, pages, codes = reverse("public:status"), set(), []
    guesses = 10_000 if DEEP else 60
    for guess in range(guesses):
        number = found.number if guess % 2 else "CP20990101000001"
        answer = client.post(status, {"number": number, "code": f"WRONG{guess:05d}"})
        codes.append(answer.status_code)
        body = re.sub(r'value="[^"]*"|nonce="[^"]*"', "", answer.content.decode())
        pages.add((answer.status_code, re.sub(r'data-now="\d+"', "", body)))
    assert codes == [422] * 10 + [429] * (guesses - 10) and len(pages) == 2
    assert caplog.records and not re.search(f"{found.number}|CP2099|WRONG|ABCDE", caplog.text)
    assert not Entry.objects.exists() and found.moves.count() == 0
    right = {"number": found.number, "code": "ABCDE23456"}
    locked = client.post(status, right)
    assert locked.status_code == 429 and locked["Retry-After"] == "900" and "15 minutes" in locked.content.decode()
    # Others are not locked out with them; an erased case has no code.
    assert other.post(status, right).status_code == 302
    Complaint.objects.filter(pk=found.pk).update(public_code=f"#{found.pk}")
    assert other.post(status, {"number": found.number, "code": f"#{found.pk}"}).status_code == 422
    assert source_of("2001:db8::1") == source_of("2001:db8::2") != source_of("2001:db8:1::1")


def test_the_web_form_holds_a_flood_and_finds_its_customer_by_number_and_name(at: Office) -> None:
    customer = CustomerFactory(unit=at.unit, name="Wu Min")
    ContactPointFactory(customer=customer, value="13800138000")
    rebuild_find_rows([customer.pk])
    client, form = Client(headers={"Accept-Language": "en"}), reverse("public:complain")
    mine = {**SAID, "phone": "138 0013 8000"}
    client.post(form, {**mine, "token": "a", "name": "wu  min"})
    client.post(form, {**mine, "token": "b", "name": "Somebody else"})
    assert [one.customer for one in Complaint.objects.order_by("pk")] == [customer, None]
    answers = [client.post(form, {**SAID, "token": str(number)}).status_code for number in range(10)]
    assert answers == [302] * 8 + [429] * 2 and Complaint.objects.count() == 10
    assert client.get(form).status_code == 200
