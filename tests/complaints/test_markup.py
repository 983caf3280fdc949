"""Markup, script and the signs of formats in every text of a case: shown as written on every page, never obeyed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import models
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client
from django.urls import NoReverseMatch, reverse

from complaints.mail.receiving import receive_mail
from complaints.models import Complaint, Entry, RequiredFact
from customers.models import Customer
from foundation.common import clock
from interactions.models import Topic
from outreach import delivery
from staff.models import OrgUnit, Team, User
from tests.browser.complaint_site import complaint_pages
from tests.complaints.cases import Office, case, office
from tests.complaints.test_mail_reading import mail
from tests.doors.test_doors import read_table
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory
from tests.outreach.peer import smtp_peer

EVIL = "\"'><script>x()</script>%s{0}&lt;"
SHOWN = "&lt;script&gt;x()&lt;/script&gt;"
FILTERS = ("area", "brand", "number", "handler", "topic", "grade")
# Texts the system wrote: names of rows and files, digests.
CODES = {
    "key",
    "code",
    "path",
    "media_type",
    "sha256",
    "digest",
    "mailbox",
    "message_id",
    "sender",
    "query",
    "source_no",
}


@pytest.fixture(autouse=True)
def _morning(travel: Any, settings: Any, tmp_path: Path) -> Iterator[None]:
    own = {**settings.STORAGES["default"], "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": own}
    settings.EMAIL_URL = ""
    with travel(datetime(2026, 11, 24, 2, 0, tzinfo=UTC)):
        yield


@pytest.fixture
def at(db: None) -> Office:
    return office()


def free_texts(model: type[models.Model]) -> list[str]:
    """The columns of a model somebody writes into."""
    return [
        field.name
        for field in model._meta.concrete_fields
        if isinstance(field, (models.CharField, models.TextField))
        and not field.choices
        and not field.unique
        and field.name not in CODES
        and (field.max_length or 10**6) >= len(EVIL)
    ]


def spoil() -> int:
    """Put markup into every text of every row of complaints, and into the names beside; returns how many columns."""
    spoiled = 0
    for model in apps.get_app_config("complaints").get_models():
        if names := free_texts(model):
            spoiled += len(names)
            model._default_manager.update(**dict.fromkeys(names, EVIL))
    Complaint.objects.update(facts_given={"where": EVIL})
    for named in (Customer, OrgUnit, User, Team):
        named._default_manager.update(name=EVIL)
    told = Concat(Value(EVIL), "code")
    Topic.objects.update(name_zh=told, name_en=told)
    return spoiled


def lists() -> Iterator[tuple[str, str]]:
    """Name and address of every page about complaints that needs no argument."""
    rows = {row["url"] for row in read_table() if (row["method"], row["ok"]) == ("GET", "200")}
    for name in sorted(rows):
        if name.startswith(("complaints:", "workspace:")):
            with suppress(NoReverseMatch):
                yield name, reverse(name)


def text_of(answer: Any) -> str:
    """What the browser gets, a file or a page."""
    return b"".join(answer.streaming_content).decode() if answer.streaming else str(answer.content.decode())


def check(page: str, where: str, *, shown: bool = True) -> None:
    assert "<script>x()" not in page and "'><script" not in page, where
    assert "&amp;lt;script" not in page, f"{where}: escaped twice"
    assert not shown or SHOWN in page, f"{where}: not shown at all"


@pytest.mark.covers("CMP-02", "CMP-24")
def test_every_page_shows_texts_as_they_were_written(at: Office, client_for: Callable[[User], Client]) -> None:
    for _one in range(4):
        ContactPointFactory(customer=CustomerFactory(unit=at.unit))
    UserFactory(username="unit_handler", role="UNIT_HANDLER")
    UserFactory(username="coordinator", role="COORDINATOR", unit=at.unit)
    for name in ("gm", "sys_admin"):
        UserFactory(username=name, role=name.upper())
    openings = complaint_pages(at.handler, at.lead)
    first = Complaint.objects.order_by("pk")[0]
    assert first.customer is not None
    address = reverse("complaints:case", args=[first.pk])
    more = ("?do=offer", "?do=assess", "?do=close", "?held=1", "?why=service", "?told=internal", "?told=changes")
    openings += [(part, f"{address}{part}", at.boss) for part in more]
    openings += [
        ("panel", reverse("customers:customer-detail", args=[first.customer.pk]), at.handler),
        ("desk", reverse("workspace:home"), at.handler),
    ]
    queue = reverse("complaints:queue")
    openings += [(f"filter {one}", f"{queue}?{urlencode({'view': 'all', one: EVIL})}", at.lead) for one in FILTERS]
    admin = UserFactory(role="POLICY_ADMIN", unit=at.unit)
    openings += [(name, address, user) for name, address in lists() for user in (at.boss, admin)]
    assert spoil() > 40
    nothing = {"complain", "status", "status-case", "intake", "screen"}
    for name, path, user in openings:
        client = client_for(User.objects.get(pk=user.pk)) if user is not None else Client()
        answer = client.get(path, headers={"Accept-Language": "en"}, follow=True)
        listed = ":" in name  # not everybody has everything
        assert answer.status_code == 200 or (listed and answer.status_code in (403, 404)), (name, answer.status_code)
        check(text_of(answer), name, shown=name not in nothing and not listed)


@pytest.mark.covers("CMP-01", "CMP-03", "CMP-25")
def test_what_is_typed_into_every_form_comes_back_as_it_was_typed(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    client, one = client_for(at.handler), case(at, "DECIDED", public_code="ABCDE23456", subject=EVIL)
    RequiredFact.objects.update(ask_zh=EVIL, ask_en=EVIL)
    typed = {
        **dict.fromkeys(
            ("text", "demand", "contact_name", "contact_email", "area", "about", "grade_reason", "topic", "token"), EVIL
        ),
        "channel": "HOTLINE",
    }
    refused = client.post(reverse("complaints:intake"), typed)
    assert refused.status_code == 422
    check(refused.content.decode(), "intake refused")
    check(
        client.post(reverse("complaints:intake-look"), typed, headers={"HX-Request": "true"}).content.decode(),
        "look",
        shown=False,
    )
    for verb, field in (
        ("reply", "reply"),
        ("note", "note"),
        ("contact", "text"),
        ("dispute", "words"),
        ("promise", "text"),
    ):
        sent = {field: EVIL, "channel": "SMS", "due_at": EVIL, "owner": EVIL}
        answer = client.post(f"/complaints/{one.ref}/{verb}/", sent, follow=True)
        check(answer.content.decode(), verb)
    assert Entry.objects.filter(text=EVIL).count() >= 3
    public = Client(headers={"Accept-Language": "en"})
    said = {**dict.fromkeys(("text", "demand", "name", "email", "phone"), EVIL), "token": "t", "consent": "on"}
    check(public.post(reverse("public:complain"), said).content.decode(), "web form")
    check(public.post(reverse("public:status"), {"number": EVIL, "code": EVIL}).content.decode(), "status")


@pytest.mark.covers("CMP-13", "INT-13")
def test_a_letter_carries_texts_as_plain_words_and_no_head_of_another(at: Office, settings: Any) -> None:
    forged = base64.b64encode(f"Bill\r\nBcc: all@example.test\r\n\r\n{EVIL}".encode()).decode()
    sender = f'"{EVIL.replace(chr(34), "")}" <wang@example.test>'
    taken = receive_mail(mail(EVIL.encode(), From=sender, Subject=f"=?utf-8?B?{forged}?="), received_at=clock.now())
    assert taken.complaint is not None and "\n" not in taken.complaint.subject and taken.complaint.text == EVIL
    with smtp_peer() as box:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
        delivery.deliver_due()
    [letter] = box.letters
    assert letter.get_content_type() == "text/plain" and letter["Bcc"] is None and letter["To"] == "wang@example.test"
