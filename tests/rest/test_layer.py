"""What every resource does alike (rest.md, common behaviour), asked of trouble tickets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints.models import Complaint, ComplaintLine, ComplaintMove, Entry, TicketTold
from foundation.common import clock
from foundation.rest.filters import OPERATORS, Indexed, Of, Refused, WithinCustomer
from foundation.rest.resources import ALWAYS, Resource, resources
from interactions.models import Topic
from tests.complaints.making import case_in
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.rest import worlds
from tests.rest.calling import TICKET, Program, program

pytestmark = pytest.mark.django_db
READ, WRITE = "troubleTicket:read", "troubleTicket:write"


def make_tickets(count: int = 12) -> list[Complaint]:
    """Cases of every kind within units 10..19, the newest last."""
    unit = UnitFactory(no=10, last_no=19)
    owner = UserFactory(role="COMPLAINT_HANDLER", unit=unit)
    topics = list(Topic.objects.order_by("pk")[:2])
    states = ["ACKNOWLEDGED", "INVESTIGATING", "PAUSED", "DECIDED", "CLOSED", "WITHDRAWN"]
    made = []
    for number in range(count):
        customer = CustomerFactory(unit=unit, name="王小明")
        case = case_in(
            states[number % len(states)],
            owner=owner,
            handler=owner if number % 2 else None,
            customer=customer,
            topic=topics[number % 2],
            grade="MAJOR" if number % 3 == 0 else "ORDINARY",
            grade_reason="MEDIA" if number % 3 == 0 else "",
            channel="WEB" if number % 2 else "HOTLINE",
            received_at=clock.now() - timedelta(hours=count - number),
            answered_at=clock.now() - timedelta(minutes=number) if number % 4 == 0 else None,
        )
        ComplaintMove.objects.create(complaint=case, act="REGISTER", new="REGISTERED")
        Entry.objects.create(complaint=case, kind="NOTE", text=f"note {number}", by=owner)
        ComplaintLine.objects.create(complaint=case, subscription=SubscriptionFactory(customer=customer))
        TicketTold.objects.create(complaint=case, external_id=f"EXT-{number}", told={"channel": {"id": "kiosk"}})
        made.append(case)
    return made


WRONG = {Of.TEXT: "\0", Of.MOMENT: "yesterday", Of.NUMBER: "many", Of.ID: "NO!", Of.CODE: "purple", Of.FLAG: "2"}
WORLDS: dict[str, Callable[[], list[Any]]] = {"troubleTicket": make_tickets, **worlds.WORLDS}


def found_at(body: Any, path: str) -> set[Any]:
    """All values at a dotted path, through objects and arrays."""
    if not path:
        return set() if isinstance(body, dict | list) or body is None else {body}
    if isinstance(body, list):
        return {value for part in body for value in found_at(part, path)}
    name, _dot, rest = path.partition(".")
    return found_at(body.get(name), rest) if isinstance(body, dict) else set()


@pytest.mark.parametrize("name", sorted(resources()))
def test_every_attribute_says_how_it_may_be_asked_by_and_every_filter_is_true(name: str) -> None:
    """Each filter selects exactly the rows whose answers say so; a wrong value, attribute or operator is 400."""
    resource: Resource = resources()[name]
    WORLDS[name]()
    one = program(resource.read_scope, "personal:read")
    path = f"/tmf-api/{resource.base}/v4/{resource.name}"
    everything = one.get(path, limit="1000").json()
    assert len(everything) >= 10
    filters = resource.all_filters()
    assert {*ALWAYS, *resource.attributes} <= {key.split(".")[0] for key in filters}

    def ids(**query: str) -> set[str]:
        answer = one.get(path, **query, limit="1000")
        assert answer.status_code in (200, 206), (query, answer.content)
        return {body["id"] for body in answer.json()}

    pin = next((key for key, how in filters.items() if isinstance(how, Indexed) and how.pins_customer), "")
    for key, how in filters.items():
        if isinstance(how, Refused):
            answer = one.get(path, **{key: "x"})
            assert (key, answer.status_code) == (key, 400)
            assert key in answer.json()["message"]
            continue
        world = everything
        pinned: dict[str, str] = {}
        if isinstance(how, WithinCustomer):
            some = next(body for body in everything if found_at(body, key))
            assert one.get(path, **{key: str(*found_at(some, key))}).status_code == 400  # without the customer
            pinned = {pin: min(found_at(some, pin))}
            world = [body for body in everything if pinned[pin] in found_at(body, pin)]
        values = sorted({value for body in world for value in found_at(body, key)}, key=str)
        assert values, f"the world has no {key}"
        for value in values[:4]:
            said = str(value).lower() if isinstance(value, bool) else str(value)
            wanted = {body["id"] for body in world if value in found_at(body, key)}
            assert (key, ids(**{key: said}, **pinned)) == (key, wanted)
            if how.of is Of.CODE:
                assert ids(**{key: said.upper()}, **pinned) == wanted  # in any spelling
        narrow = [value for value in values if any(value not in found_at(body, key) for body in world)]
        assert narrow or pinned, f"every row of the world has the same {key}"
        if len(values) > 1:
            two = {body["id"] for body in world if found_at(body, key) & set(values[:2])}
            assert ids(**{key: f"{values[0]},{values[1]}"}, **pinned) == two
        wrong = {
            Of.TEXT: "\0",
            Of.MOMENT: "yesterday",
            Of.NUMBER: "many",
            Of.ID: "NO!",
            Of.CODE: "purple",
            Of.FLAG: "2",
        }
        assert one.get(path, **{key: wrong[how.of]}, **pinned).status_code == 400, key
        assert one.get(path, **{key: ""}, **pinned).status_code == 400
        for operator in OPERATORS:
            if how.of in (Of.MOMENT, Of.NUMBER):
                middle = values[len(values) // 2]
                compare = {"gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__"}[operator]
                wanted = {b["id"] for b in world if any(getattr(v, compare)(middle) for v in found_at(b, key))}
                assert (key, operator, ids(**{f"{key}.{operator}": str(middle)}, **pinned)) == (key, operator, wanted)
            else:
                assert one.get(path, **{f"{key}.{operator}": str(values[0])}, **pinned).status_code == 400
    for wrong_name in ("colour", "status.colour", "status.gt.lt", "limit.gt", "customer__name", "pk"):
        assert one.get(path, **{wrong_name: "x"}).status_code == 400, wrong_name


@pytest.fixture
def reader() -> Program:
    make_tickets()
    return program(READ, WRITE)


def follow(reader: Program, link: str) -> Any:
    return reader.http.get(link[1 : link.index(">")], headers={"Authorization": f"Bearer {reader.token}"})


def test_lists_are_paged_newest_first(reader: Program) -> None:
    whole = reader.get(TICKET)
    bodies = whole.json()
    assert (whole.status_code, whole["X-Result-Count"], whole["X-Total-Count"], "Link" in whole) == (
        200,
        "12",
        "12",
        False,
    )
    assert [body["externalId"] for body in bodies] == [f"EXT-{number}" for number in range(11, -1, -1)]
    part = reader.get(TICKET, limit="5")
    assert (part.status_code, part["X-Result-Count"], part["X-Total-Count"]) == (206, "5", "12")
    assert reader.get(TICKET, limit="12").status_code == 200
    # The long way: by the link, without a row twice or lost.
    seen, link, steps = [body["id"] for body in part.json()], part["Link"], 1
    while link:
        assert link.startswith("<http://testserver/tmf-api/") and link.endswith('>; rel="next"')
        answer = follow(reader, link)
        seen += [body["id"] for body in answer.json()]
        link, steps = answer.headers.get("Link", ""), steps + 1
    assert (steps, seen) == (3, [body["id"] for body in bodies])
    offset = reader.get(TICKET, offset="4", limit="3")
    assert (offset.status_code, [b["id"] for b in offset.json()]) == (206, [b["id"] for b in bodies[4:7]])
    following = reader.http.get(
        offset["Link"][1 : offset["Link"].index(">")], headers={"Authorization": f"Bearer {reader.token}"}
    )
    assert [b["id"] for b in following.json()] == [b["id"] for b in bodies[7:10]]
    past = reader.get(TICKET, offset="10000")
    assert (past.status_code, past.json(), past["X-Total-Count"]) == (206, [], "12")
    none = reader.get(TICKET, externalId="EXT-99")
    assert (none.status_code, none.json(), none["X-Total-Count"]) == (200, [], "0")
    for wrong in (
        {"offset": "10001"}, {"offset": "-1"}, {"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"limit": "１"},
        {"after": "damaged"}, {"after": "W10"}, {"after": "WzFlOTk5XQ"}, {"after": "W1tdXQ"}, {"after": "\0"},
        {"after": "eyJ4IjogMX0", "offset": "1"}, {"fields": "id,colour"}, {"fields": "name\0"},
    ):  # fmt: skip
        assert (wrong, reader.get(TICKET, **wrong).status_code) == (wrong, 400)


def test_fields_name_what_is_wanted_and_addresses_are_absolute(reader: Program) -> None:
    body = reader.get(TICKET, fields="status,name", limit="1").json()[0]
    assert set(body) == {"id", "href", "@type", "status", "name"}
    assert body["href"] == f"http://testserver{TICKET}/{body['id']}" and body["@type"] == "TroubleTicket"
    assert set(reader.get(TICKET, fields="id", limit="1").json()[0]) == {"id", "href", "@type"}
    one = reader.get(body["href"].removeprefix("http://testserver"))
    few = reader.get(body["href"].removeprefix("http://testserver"), fields="name")
    assert (one.status_code, set(few.json()), one["ETag"] == few["ETag"]) == (
        200,
        {"id", "href", "@type", "name"},
        True,
    )
    assert reader.get(f"{TICKET}/{body['id']}", colour="x").status_code == 400
    missing = [f"{TICKET}/{ref}" for ref in ("zzzzzzzzzzzzz", "1", "NO", "a%00b", "é", "a" * 80)] + [
        f"{TICKET}/a/b",
        "/tmf-api/x",
    ]
    for path in missing:
        answer = reader.get(path)
        assert (path, answer.status_code, answer.json()["status"]) == (path, 404, "404")


def test_names_are_masked_unless_the_program_may_see_them(reader: Program) -> None:
    def customer(body: dict[str, Any]) -> str:
        return str(next(one["name"] for one in body["relatedParty"] if one["role"] == "customer"))

    assert {customer(body) for body in reader.get(TICKET).json()} == {"王*明"}
    assert "王小明" not in reader.get(TICKET).content.decode()
    trusted = program(READ, "personal:read", name="trusted")
    assert {customer(body) for body in trusted.get(TICKET).json()} == {"王小明"}


def test_a_program_sees_the_rows_of_its_unit_alone(reader: Program) -> None:
    far = program(READ, WRITE, unit=UnitFactory(no=50, last_no=59), name="far")
    body = reader.get(TICKET, limit="1").json()[0]
    assert (far.get(TICKET).json(), far.get(f"{TICKET}/{body['id']}").status_code) == ([], 404)
    assert far.patch(f"{TICKET}/{body['id']}", {"externalId": "mine"}).status_code == 404
    assert far.get(TICKET, **{"relatedParty.id": body["relatedParty"][0]["id"]}).json() == []
    assert not TicketTold.objects.filter(external_id="mine").exists()


def test_a_list_asks_the_same_of_the_database_for_few_and_for_many(reader: Program) -> None:
    counts = []
    for limit in ("1", "12"):
        with CaptureQueriesContext(connection) as spent:
            reader.get(TICKET, limit=limit)
        counts.append(len(spent))
    # Token, user, rights, rows, moves, entries, lines, what was told, audit; with a next page its total count too.
    assert counts == [10, 9]


def test_bodies_nobody_can_read_are_refused(reader: Program) -> None:
    good = {"description": "x", "severity": "ordinary", "ticketType": "complaint"}
    before = Complaint.objects.count()
    deep = "[" * 50_000 + "]" * 50_000
    form, js = "application/x-www-form-urlencoded", "application/json"
    bodies: list[tuple[Any, str, int]] = [
        (good, "text/plain", 415), (good, "application/xml", 415), ("a=b", form, 415),
        ("{", js, 400), ("", js, 400), ("[]", js, 400), ("null", js, 400), (b'{"description": "\xff"}', js, 400),
        ('{"description": "\\u0000"}', js, 400), ('{"description": "\\ud800"}', js, 400), ('{"x": NaN}', js, 400),
        (f'{{"note": {deep}}}', js, 400), ('{"a":' * 21 + "1" + "}" * 21, js, 400),
        ({"severity": "ordinary"}, js, 400), ({**good, "description": 5}, js, 400),
        ({**good, "severity": "purple"}, js, 400), ({**good, "note": {}}, js, 400),
        ({**good, "note": [{"text": 1}]}, js, 400), ({**good, "note": [{}]}, js, 400),
        ({**good, "description": "x" * 20_001}, js, 400), ({**good, "requestedResolutionDate": "soon"}, js, 400),
        ({**good, "requestedResolutionDate": "0001-01-01T00:00:00+14:00"}, js, 400),
        ({**good, "relatedParty": [{"role": "customer", "id": "nobody0"}]}, js, 400),
        ({**good, "relatedParty": [{}] * 21}, js, 400), ({**good, "ticketType": "NO.SUCH"}, js, 400),
        ("x" * 1_048_577, js, 413), ("[" * 10_485_760, js, 413),
    ]  # fmt: skip
    for number, (body, kind, status) in enumerate(bodies):
        answer = reader.send("POST", TICKET, body, kind)
        assert (number, str(body)[:50], answer.status_code) == (number, str(body)[:50], status)
        assert answer.json()["@type"] == "Error" and answer.json()["status"] == str(status)
    assert reader.send("PUT", f"{TICKET}/x", good).status_code == 405
    assert Complaint.objects.count() == before


def test_if_match_guards_against_what_somebody_else_changed(reader: Program) -> None:
    ref = reader.get(TICKET, limit="1").json()[0]["id"]
    path, seen = f"{TICKET}/{ref}", reader.get(f"{TICKET}/{ref}")["ETag"]
    first = reader.patch(path, {"externalId": "A"}, If_Match=seen)
    assert (first.status_code, first.json()["externalId"], first["ETag"] != seen) == (200, "A", True)
    stale = reader.patch(path, {"externalId": "B"}, If_Match=seen)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert reader.get(path).json()["externalId"] == "A"
    assert reader.patch(path, {"externalId": "C"}, If_Match=f'"x", {first["ETag"]}').status_code == 200
    assert reader.patch(path, {"externalId": "D"}, If_Match="*").status_code == 200
    assert reader.patch(path, {"externalId": "E"}, If_Match="W/" + reader.get(path)["ETag"]).status_code == 412
    assert reader.send("DELETE", path, "", If_Match=seen).status_code == 412


def test_a_patch_takes_both_media_types_and_leaves_what_is_ours(reader: Program) -> None:
    body = reader.get(TICKET, limit="1").json()[0]
    path = f"{TICKET}/{body['id']}"
    assert reader.send("PATCH", path, {"externalId": "J"}).json()["externalId"] == "J"
    gone = reader.patch(path, {"externalId": None, "colour": "red"})
    assert (gone.status_code, "externalId" in gone.json()) == (200, False)
    for own in ("id", "href", "creationDate", "statusChange", "lastUpdate", "expectedResolutionDate", "description"):
        answer = reader.patch(path, {own: "2020-01-01T00:00:00Z"})
        assert (own, answer.status_code, own in answer.json()["message"]) == (own, 400, True)
    assert reader.patch(path, {"severity": None}).status_code == 400
    now = reader.get(path).json()
    back = {name: value for name, value in now.items() if name not in ("statusChangeReason",)}
    assert reader.patch(path, back).json() == now  # what was shown may be sent back, and changes nothing
    assert reader.patch(path, {}).status_code == 200


def test_a_sandbox_is_answered_and_undone() -> None:
    make_tickets()
    tried = program(READ, WRITE, sandbox=True)
    before = Complaint.objects.count()
    body = {"description": "Nothing works. Really.", "severity": "Ordinary", "ticketType": "complaint"}
    UserFactory(role="COMPLAINT_HANDLER", unit=UnitFactory(no=11, last_no=11))
    answer = tried.post(TICKET, body, Idempotency_Key="k")
    assert (answer.status_code, answer["X-Careline-Sandbox"]) == (201, "true"), answer.content
    assert answer.json()["name"] == "Nothing works"
    assert Complaint.objects.count() == before
    assert tried.get(answer.json()["href"].removeprefix("http://testserver")).status_code == 404
    path = f"{TICKET}/{tried.get(TICKET, limit='1').json()[0]['id']}"
    assert tried.patch(path, {"externalId": "S"}).json()["externalId"] == "S"
    assert tried.get(path).json()["externalId"] != "S"
    assert json.loads(tried.get(path).content)["@type"] == "TroubleTicket"
