"""Programs get tokens for their secret, and nothing without (rest.md)."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.rest.clients import end_client, rotate_secret
from foundation.rest.models import AccessToken, ApiClient, ClientSecret
from staff.models import RoleAssignment, User
from staff.services.programs import shut_out
from tests.factories import UnitFactory, UserFactory
from tests.rest.calling import FORM, TICKET, ask_token, basic, program

pytestmark = pytest.mark.django_db
READ, WRITE = "troubleTicket:read", "troubleTicket:write"


def test_a_program_is_admitted_by_command_and_calls_with_what_it_printed() -> None:
    UnitFactory(code="HZ", no=10, last_no=19, parent=None)
    said = StringIO()
    call_command("create_api_client", "crm-of-billing", "--scope", f"{READ} {WRITE}", "--unit", "HZ", stdout=said)
    told = dict(line.split(" ", 1) for line in said.getvalue().splitlines())
    form = {"grant_type": "client_credentials", "client_id": told["client_id"], "client_secret": told["client_secret"]}
    answer = Client().post("/oauth/token", urlencode(form), FORM)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    token = answer.json()
    assert (token["token_type"], token["expires_in"], token["scope"]) == ("Bearer", 3600, f"{READ} {WRITE}")
    got = Client().get(TICKET, headers={"Authorization": f"Bearer {token['access_token']}"})
    assert (got.status_code, got.json(), got["Content-Type"]) == (200, [], "application/json; charset=utf-8")
    # Nothing of a secret or a token lies in the database.
    client = ApiClient.objects.get()
    user = User.objects.get(pk=client.user_id)
    assert (user.kind, user.has_usable_password(), user.unit.code) == ("SERVICE", False, "HZ")
    assert list(RoleAssignment.objects.filter(user=user).values_list("role", "unit__code")) == [("PROGRAM", "HZ")]
    kept = [
        bytes(ClientSecret.objects.get().digest),
        bytes(AccessToken.objects.get().digest),
        bytes(client.signing_key),
    ]
    secrets = [told["client_secret"], token["access_token"], told["signing_key"]]
    assert not any(secret.encode() in one for secret in secrets for one in kept)
    entry = AuditEntry.objects.get(verb="rest.called")
    assert (entry.actor_id, entry.target_id, entry.request_id != "") == (user.pk, str(client.pk), True)
    assert entry.detail == {"resource": "troubleTicket", "method": "GET", "status": 200}
    for wrong, words in (
        (["x", "--scope", "bills:eat"], "no scope bills:eat"),
        (["x"], "at least one scope"),
        (["x", "--scope", READ, "--unit", "NO"], "no such unit"),
        (["crm-of-billing", "--scope", READ], "exists already"),
    ):
        with translation.override("en"), pytest.raises(CommandError, match=words):
            call_command("create_api_client", *wrong)
    assert ApiClient.objects.count() == 1


def test_who_proves_nothing_gets_no_token() -> None:
    keys = program(READ).keys
    url, form = "/oauth/token", {"grant_type": "client_credentials"}
    made = AccessToken.objects.count()

    def ask(body: Any, header: str | None = None, content_type: str = FORM) -> Any:
        headers = {"Authorization": header} if header else {}
        return Client().post(url, urlencode(body) if isinstance(body, dict) else body, content_type, headers=headers)

    right = basic(keys.client.client_id, keys.secret)
    refused = [
        (ask(form), 401, "invalid_client"),
        (ask(form, basic(keys.client.client_id, "guess")), 401, "invalid_client"),
        (ask(form, basic("careline-nobody", keys.secret)), 401, "invalid_client"),
        (ask(form, "Basic ===="), 401, "invalid_client"),
        (ask({**form, "client_id": "\0", "client_secret": "x"}), 401, "invalid_client"),
        (ask({"grant_type": "password", "username": "a", "password": "b"}, right), 400, "unsupported_grant_type"),
        (ask({}, right), 400, "invalid_request"),
        (ask({**form, "scope": WRITE}, right), 400, "invalid_scope"),
        (ask('{"grant_type": "client_credentials"}', right, content_type="application/json"), 400, "invalid_request"),
        (ask({**form, "x": "y" * 9_000}, right), 400, "invalid_request"),
        (ask("grant_type=%zz\x00", right), 400, "invalid_request"),
    ]
    for number, (answer, status, code) in enumerate(refused):
        assert (number, answer.status_code, answer.json()["error"]) == (number, status, code)
        assert ("WWW-Authenticate" in answer) == (status == 401)
    assert Client().get(url).status_code == 405
    assert AccessToken.objects.count() == made


def test_tokens_unknown_expired_taken_back_or_of_somebody_else_open_nothing(travel: Any) -> None:
    one = program(READ)
    for header in (None, "Bearer", "Bearer nothing", "Bearer a b", "Basic eDp5", f"Token {one.token}", "Bearer é"):
        answer = Client().get(TICKET, headers={"Authorization": header} if header else {})
        assert (header, answer.status_code) == (header, 401)
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert set(answer.json()) == {"code", "reason", "message", "status", "referenceError", "@type"}
    assert Client().get(f"{TICKET}?access_token={one.token}").status_code == 401
    person = UserFactory(role="GM")
    session = Client()
    session.force_login(person, backend="staff.backends.StaffBackend")
    assert session.get(TICKET).status_code == 401  # people use pages
    assert one.get(TICKET).status_code == 200
    with travel(clock.now() + timedelta(minutes=61)):
        answer = one.get(TICKET)
        assert (answer.status_code, 'error="invalid_token"' in answer["WWW-Authenticate"]) == (401, True)
    User.objects.filter(pk=one.keys.client.user_id).update(is_active=False)
    assert one.get(TICKET).status_code == 401
    User.objects.filter(pk=one.keys.client.user_id).update(is_active=True)
    shut_out(one.keys.client.pk, actor=None)
    end_client(one.keys.client.pk, actor=None)
    assert one.get(TICKET).status_code == 401
    assert ask_token(one.keys).status_code == 401
    assert AuditEntry.objects.filter(verb="rest.client_ended").count() == 1


def test_a_secret_is_renewed_with_an_overlap(travel: Any) -> None:
    one = program(READ)
    new = rotate_secret(one.keys.client.pk, actor=None, overlap=timedelta(hours=24))
    assert (ask_token(one.keys).status_code, ask_token(one.keys, secret=new).status_code) == (200, 200)
    with travel(clock.now() + timedelta(hours=24, seconds=1)):
        assert (ask_token(one.keys).status_code, ask_token(one.keys, secret=new).status_code) == (401, 200)
    newest = rotate_secret(one.keys.client.pk, actor=None, overlap=timedelta(0))
    assert one.get(TICKET).status_code == 401  # its token came from a secret that is lost
    assert [ask_token(one.keys, secret=secret).status_code for secret in (new, newest)] == [401, 200]


def test_a_scope_opens_its_own_api_and_reading_is_not_writing() -> None:
    reader = program(READ)
    answer = reader.post(TICKET, {"description": "x", "severity": "ordinary", "ticketType": "complaint"})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer["WWW-Authenticate"] == f'Bearer error="insufficient_scope", scope="{WRITE}"'
    other = program("personal:read", name="other")
    assert other.get(TICKET).status_code == 403
    narrowed = ask_token(program(READ, WRITE, name="both").keys, scope=READ).json()["access_token"]
    assert (
        Client().post(TICKET, "{}", "application/json", headers={"Authorization": f"Bearer {narrowed}"}).status_code
        == 403
    )


def test_a_program_opens_no_page_and_a_person_is_no_program(client_for: Any) -> None:
    one = program(READ)
    inside = client_for(User.objects.get(pk=one.keys.client.user_id))
    assert [inside.get(path).status_code for path in ("/", "/complaints/", "/customers/")] == [403, 403, 403]


def test_calls_are_counted_by_the_minute() -> None:
    one = program(READ)
    ApiClient.objects.update(calls_per_minute=3)
    statuses = [one.get(TICKET).status_code for _n in range(5)]
    late = one.get(TICKET)
    assert (statuses, late.status_code) == ([200, 200, 200, 429, 429], 429)
    assert 1 <= int(late["Retry-After"]) <= 60
    assert program(READ, name="another").get(TICKET).status_code == 200


def test_a_call_costs_the_same_few_statements() -> None:
    one = program(READ)
    one.get(TICKET)
    with CaptureQueriesContext(
        connection,
    ) as spent:
        assert one.get(TICKET).status_code == 200
    # Token, user, what the role opens, the rows, the audit.
    assert len(spent) == 5, [query["sql"][:90] for query in spent]
