"""The consent card and page: who sees what, one click to withdraw, what a refused answer keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import Consent, ConsentEvent, ConsentEvidence, Customer
from foundation.common import clock
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
ANSWER = {
    "what": "MARKETING:SMS",
    "evidence_kind": "FORM",
    "evidence": "Form 12",
    "source": "DESK",
    "expires_on": "2027-12-31",
}


def url(row: Customer, name: str = "customer-consent") -> str:
    return reverse(f"customers:{name}", args=[row.pk])


def words(response: Any) -> str:
    return " ".join(response.content.decode().split())


def states() -> list[tuple[str, ...]]:
    return sorted(Consent.objects.values_list("purpose", "channel", "state"))


def test_a_clerk_notes_an_answer_and_takes_it_back_with_one_click(op: Operator, client_for: ClientFor) -> None:
    row, client = customer(op.hall, "王小娟"), client_for(op.clerk)
    assert "No answer is no consent" in words(client.get(url(row)))
    done = client.post(url(row, "consent-give"), ANSWER)
    assert (done.status_code, done["Location"]) == (302, url(row))
    page = words(client.get(url(row)))
    assert "Form 12" in page
    assert "Signed form" in page
    assert "Dec 31, 2027" in page or "2027-12-31" in page
    assert op.clerk.name in page
    assert 'name="what" value="MARKETING:SMS"' in page
    assert client.post(url(row, "consent-withdraw"), {"what": "MARKETING:SMS"}).status_code == 302
    assert states() == [("MARKETING", "SMS", "WITHDRAWN")]
    page = words(client.get(url(row)))
    assert "Withdrawn" in page
    assert 'name="what" value="MARKETING:SMS"' not in page
    assert ConsentEvent.objects.count() == 2


def test_a_no_needs_no_evidence(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    client = client_for(op.clerk)
    assert client.post(url(row, "consent-refuse"), {"what": "PROFILING:"}).status_code == 302
    assert states() == [("PROFILING", "", "DENIED")]
    assert not ConsentEvidence.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"evidence": ""}, "This field is required."),
        ({"evidence_kind": ""}, "This field is required."),
        ({"what": "MARKETING:FAX"}, "Select a valid choice"),
        ({"what": "PROFILING:SMS"}, "Select a valid choice"),
        ({"expires_on": "2020-01-01"}, "The end must lie in the future."),
        ({"evidence": "F\u200b12"}, "invisible"),
    ],
)
def test_a_wrong_answer_is_refused_and_what_was_typed_stays(
    op: Operator, client_for: ClientFor, wrong: dict[str, str], said: str
) -> None:
    row = customer(op.hall, "王小娟")
    refused = client_for(op.clerk).post(url(row, "consent-give"), {**ANSWER, **wrong})
    assert refused.status_code == 422
    assert said in words(refused)
    if "evidence" not in wrong:
        assert 'value="Form 12"' in words(refused)
    assert not Consent.objects.exists()
    assert not ConsentEvent.objects.exists()


def test_a_minor_is_told_beside_the_question(op: Operator, client_for: ClientFor) -> None:
    today = clock.today()
    row = customer(op.hall, "小童", birth_date=today.replace(day=1, year=today.year - 15))
    refused = client_for(op.clerk).post(url(row, "consent-give"), ANSWER)
    assert refused.status_code == 422
    assert "No marketing to a minor." in words(refused)
    assert not Consent.objects.exists()


def test_a_reader_sees_the_answers_but_no_buttons_and_no_door(op: Operator, client_for: ClientFor) -> None:
    row, reader = customer(op.hall, "王小娟"), UserFactory(role="QA", unit=op.hall, language="en")
    services.give_consent(
        row.pk, actor=op.clerk, purpose="MARKETING", channel="SMS", evidence_kind="FORM", evidence="Form 12"
    )
    client = client_for(reader)
    page = words(client.get(url(row)))
    assert "Form 12" in page
    assert "consent/withdraw" not in page
    assert "consent/give" not in page
    for name in ("consent-give", "consent-refuse", "consent-withdraw"):
        assert client.post(url(row, name), ANSWER).status_code == 403
    assert states() == [("MARKETING", "SMS", "GRANTED")]


def test_another_branch_is_not_there(op: Operator, client_for: ClientFor) -> None:
    row, client = customer(op.elsewhere, "李娜"), client_for(op.clerk)
    assert client.get(url(row)).status_code == 404
    for name in ("consent-give", "consent-refuse", "consent-withdraw"):
        assert client.post(url(row, name), ANSWER).status_code == 404
    assert not ConsentEvent.objects.exists()


def test_the_customers_page_says_where_each_purpose_stands(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    shown = {"evidence_kind": "FORM", "evidence": "Form 12"}
    for channel in ("SMS", "EMAIL"):
        services.give_consent(row.pk, actor=op.clerk, purpose="MARKETING", channel=channel, **shown)
    services.refuse_consent(row.pk, actor=op.clerk, purpose="SURVEY", channel="CALL")
    services.give_consent(row.pk, actor=op.clerk, purpose="PROFILING", expires_on=clock.today(), **shown)
    services.give_consent(row.pk, actor=op.clerk, purpose="SHARE_PARTNER", expires_on=clock.today(), **shown)
    Consent.objects.filter(purpose="SHARE_PARTNER").update(expires_on="2020-01-01")
    page = words(client_for(op.clerk).get(url(row, "customer-detail")))
    for purpose, tone, said in (
        ("Offers and advertising", "ok", "Text message, E-mail"),
        ("Surveys", "danger", "no"),
        ("Care and greetings", "mute", "Not asked"),
        ("Personal profile", "ok", "Given"),
        ("Passing on to partners", "mute", "Over"),
    ):
        assert f'<dt>{purpose}</dt><dd class="t-{tone}">{said}</dd>' in page


def test_the_page_costs_the_same_for_ten_and_for_many_answers(op: Operator, client_for: ClientFor) -> None:
    row, client = customer(op.hall, "王小娟"), client_for(op.clerk)

    def answer(number: int) -> None:
        services.give_consent(
            row.pk,
            actor=op.clerk,
            purpose="MARKETING",
            channel="SMS",
            evidence_kind="FORM",
            evidence=f"Form {number}",
        )

    def cost() -> int:
        client.get(url(row))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url(row)).status_code == 200
        return len(seen)

    for number in range(10):
        answer(number)
    few = cost()
    for number in range(10, 60):
        answer(number)
    assert cost() == few
    first = client.get(url(row))
    assert words(first).count('data-label="Answer"') == 30
    assert "after=" in words(first)


def test_a_damaged_page_address_shows_the_first_page(op: Operator, client_for: ClientFor) -> None:
    row = customer(op.hall, "王小娟")
    page = client_for(op.clerk).get(url(row) + "?after=%20damaged")
    assert page.status_code == 200
