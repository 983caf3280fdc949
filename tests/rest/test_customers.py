"""TMF629 and 632: customers and the people and companies behind them, as programs read and bring them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, CustomerFacts
from tests.factories import CustomerFactory, UnitFactory
from tests.rest.calling import program
from tests.rest.worlds import make_companies, make_customers, unit_ten

pytestmark = pytest.mark.django_db
CUSTOMER = "/tmf-api/customerManagement/v4/customer"
PERSON, COMPANY = "/tmf-api/party/v4/individual", "/tmf-api/party/v4/organization"
READ, WRITE = ("customer:read", "party:read"), ("customer:write", "party:write")
PERSONAL = "personal:read"


def test_a_customer_shows_tier_credit_and_accounts_and_hides_who_it_is() -> None:
    row = make_customers(2)[0]
    caller = program(*READ)
    body = caller.get(f"{CUSTOMER}/{row.ref}").json()
    told = {one["name"]: one["value"] for one in body["characteristic"]}
    assert (told["serviceTier"], told["creditGrade"], body["status"], body["name"]) == ("GOLD", "A", "active", "王*明")
    [credit] = body["creditProfile"]
    assert (credit["creditRiskRating"], credit["creditLimit"]) == (1, {"unit": "CNY", "value": 500})
    assert credit["creditProfileDate"] == "2026-10-01T00:00:00+08:00"
    assert [one["id"] for one in body["account"]] == [f"A-{row.ref}"]
    assert body["engagedParty"]["href"] == f"http://testserver{PERSON}/{row.ref}"
    assert body["contactMedium"][0]["characteristic"] == {"phoneNumber": "139 **** 0000"}
    assert body["contactMedium"][1]["characteristic"] == {"contactType": "home", "city": "杭州"}
    person = caller.get(f"{PERSON}/{row.ref}").json()
    assert person["individualIdentification"][0]["identificationId"] == "*" * 18
    assert not {"birthDate", "gender"} & set(person) and person["fullName"] == "王*明"
    whole = "".join(caller.get(path).content.decode() for path in (CUSTOMER, PERSON))
    for secret in ("王小明", "13900000000", "E12340000", "1990", "文三路"):
        assert secret not in whole
    trusted = program(*READ, PERSONAL, name="trusted")
    person = trusted.get(f"{PERSON}/{row.ref}").json()
    assert (person["fullName"], person["gender"], person["birthDate"]) == (
        "王小明", "female", "1990-02-28T00:00:00+08:00",
    )  # fmt: skip
    assert person["individualIdentification"][0]["identificationId"] == "*" * 14 + "0000"
    assert "E12340000" not in trusted.get(PERSON).content.decode()
    assert trusted.get(f"{COMPANY}/{row.ref}").status_code == 404
    [company, *_rest] = make_companies()
    assert caller.get(f"{COMPANY}/{company.ref}").json()["tradingName"] == "杭州****公司"
    for name in ("name", "contactMedium.characteristic.phoneNumber", "contactMedium"):
        assert trusted.get(CUSTOMER, **{name: "x"}).status_code == 400


def test_a_party_becomes_a_prospect_and_then_a_customer_once() -> None:
    unit_ten()
    caller = program(*READ, *WRITE, PERSONAL)
    bring: dict[str, Any] = {
        "familyName": "李", "givenName": "小红", "gender": "Female", "birthDate": "1991-03-04",
        "individualIdentification": [{"identificationType": "passport", "identificationId": "E12345678"}],
        "contactMedium": [
            {"mediumType": "mobile", "characteristic": {"phoneNumber": "+86 139 1111 2222"}},
            {"mediumType": "email", "characteristic": {"emailAddress": "Li@example.test"}},
        ],
    }  # fmt: skip
    made = caller.post(PERSON, bring, Idempotency_Key="p")
    assert made.status_code == 201, made.content
    assert caller.post(PERSON, bring, Idempotency_Key="p").json() == made.json()
    row = Customer.objects.get()
    assert (row.name, row.status, row.gender, row.birth_date, row.customer_type) == (
        "李小红", "PROSPECT", "F", date(1991, 3, 4), "PERSON",
    )  # fmt: skip
    assert row.id_number() == "E12345678" and "E12345678" not in made.content.decode()
    assert sorted(row.contact_points.values_list("kind", "value")) == [
        ("EMAIL", "li@example.test"), ("MOBILE", "13911112222"),
    ]  # fmt: skip
    assert CustomerFacts.objects.filter(customer=row).exists()
    again = caller.post(PERSON, {"fullName": "李小红"})
    assert (again.status_code, again.json()["code"]) == (409, "customers.duplicate")
    party = {"engagedParty": {"id": row.ref, "@referredType": "Individual"}, "name": "李小红"}
    active = caller.post(CUSTOMER, party)
    assert (active.status_code, active.json()["status"], active.json()["id"]) == (201, "active", row.ref)
    twice = caller.post(CUSTOMER, party)
    assert (twice.status_code, twice.json()["code"]) == (409, "customer.not_prospect")
    company = caller.post(COMPANY, {"tradingName": "杭州大明电器有限公司"})
    assert company.status_code == 201 and company.json()["tradingName"] == "杭州大明电器有限公司"
    assert Customer.objects.get(customer_type="ENTERPRISE").status == "PROSPECT"
    assert Customer.objects.count() == 2


def test_what_no_party_can_be_is_refused_and_nothing_is_written() -> None:
    stranger = CustomerFactory(unit=UnitFactory(no=50, last_no=59), status="PROSPECT")
    caller = program(*READ, *WRITE)
    for number, (path, body, status) in enumerate((
        (PERSON, {}, 400), (PERSON, {"givenName": "x"}, 400), (PERSON, {"fullName": "x" * 201}, 400),
        (PERSON, {"fullName": "王五", "gender": "purple"}, 400),
        (PERSON, {"fullName": "王五", "birthDate": "soon"}, 400),
        (PERSON, {"fullName": "王五", "birthDate": "2199-01-01"}, 409),
        (PERSON, {"fullName": "王五", "contactMedium": [{"mediumType": "pigeon", "characteristic": {}}]}, 400),
        (PERSON, {"fullName": "王五", "contactMedium": [{"mediumType": "mobile", "characteristic": {
            "phoneNumber": "139 **** 0000"}}]}, 409),
        (PERSON, {"fullName": "王五", "individualIdentification": [{"identificationId": "E1"}]}, 400),
        (PERSON, {"fullName": "王五", "individualIdentification": [
            {"identificationType": "idCard", "identificationId": "110105194912310021"}]}, 409),
        (COMPANY, {}, 400), (CUSTOMER, {}, 400), (CUSTOMER, {"engagedParty": {}}, 400),
        (CUSTOMER, {"engagedParty": {"id": stranger.ref}}, 400), (CUSTOMER, {"engagedParty": {"id": "NO!"}}, 400),
    )):  # fmt: skip
        answer = caller.post(path, body)
        assert (number, answer.status_code) == (number, status), answer.content
    assert list(Customer.objects.values_list("pk", "status")) == [(stranger.pk, "PROSPECT")]
    assert caller.get(f"{CUSTOMER}/{stranger.ref}").status_code == 404
    assert program("troubleTicket:read", name="tickets").get(PERSON).status_code == 403


@pytest.mark.parametrize("path", [CUSTOMER, PERSON])
def test_lists_ask_the_same_for_few_and_many(path: str) -> None:
    make_customers()
    caller, counts = program(*READ), []
    for limit in ("3", "12"):
        with CaptureQueriesContext(connection) as spent:
            caller.get(path, limit=limit)
        counts.append(len(spent))
    assert counts[0] - 1 == counts[1] <= 8  # with a next page its total count too
