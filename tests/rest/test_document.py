"""The OpenAPI document says everything that is answered: asked by schemathesis with and without a token."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from foundation.rest.models import ApiClient
from foundation.rest.resources import resources
from tests.conftest import DEEP
from tests.rest.calling import TICKET, program
from tests.rest.test_layer import WORLDS

pytestmark = pytest.mark.django_db
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 400 if DEEP else 12
WHO = ("nobody", "a stranger", "a reader", "a writer")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@contextmanager
def kept_open() -> Iterator[None]:
    """The connection of the test stays open between requests of a real WSGI client, as it does with Django's."""
    for moment in (request_started, request_finished):
        moment.disconnect(close_old_connections)
    try:
        yield
    finally:
        for moment in (request_started, request_finished):
            moment.connect(close_old_connections)


def test_the_document_and_its_page_come_from_this_server() -> None:
    told = Client().get("/api/openapi.json").json()
    assert told["openapi"].startswith("3.")
    assert {"/oauth/token", "/tmf-api/troubleTicket/v4/hub", TICKET} <= set(told["paths"])
    for one in resources().values():
        spoken = set(told["paths"][f"/tmf-api/{one.base}/v4/{one.name}"])
        assert spoken == {verb.lower() for verb in one.verbs if verb in ("GET", "POST")}
    assert (
        "troubleTicket:read" in told["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]["scopes"]
    )
    for path, operations in told["paths"].items():
        for verb, said in operations.items():
            wanted = {"400", "401", "429"} | (set() if path == "/oauth/token" else {"403"})
            assert (path, verb, wanted - set(said["responses"])) == (path, verb, set())
    page = Client().get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200 and "<script>" not in text and "style=" not in text and "http" not in text
    assert "script-src 'self'" in page["Content-Security-Policy"]


def sweep(operation: Any, headers: dict[str, str], rows: list[Any], who: str) -> set[int]:
    """Many requests of one operation, each answer checked; the statuses seen."""
    seen: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        ref = str((case.path_parameters or {}).get("ref", ""))
        if len(ref) % 2 and "hub" not in case.path:
            case.path_parameters["ref"] = rows[len(str(case.query)) % len(rows)].ref  # one that is there
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=CHECKS, headers=headers)
        seen.add(answer.status_code)
        if who in ("nobody", "a stranger"):
            assert not any(f'"{one.kind}"'.encode() in answer.content for one in resources().values())

    with kept_open():
        ask()
    return seen


@pytest.mark.parametrize("who", WHO)
def test_whatever_is_asked_is_answered_as_the_document_says(who: str) -> None:
    """No 500, no status and no body the document does not know; nothing of others for who has no scope."""
    rows = {name: make() for name, make in WORLDS.items()}
    headers: dict[str, str] = {}
    if who != "nobody":
        reads = sorted({one.read_scope for one in resources().values()})
        writes = sorted({one.write_scope for one in resources().values() if set(one.verbs) - {"GET"}})
        one = program(*{"a stranger": ["personal:read"], "a reader": reads}.get(who, [*reads, *writes]))
        ApiClient.objects.update(calls_per_minute=1_000_000)
        headers = {"Authorization": f"Bearer {one.token}"}
    document = json.loads(Client().get("/api/openapi.json").content)
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    statuses: dict[str, set[int]] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        name = next((part for part in operation.path.split("/") if part in rows), "troubleTicket")
        statuses[f"{operation.method.upper()} {operation.path}"] = sweep(operation, headers, rows[name], who)
    answered = {status for some in statuses.values() for status in some}
    if who == "nobody":
        assert answered <= {400, 401, 413}
    if who == "a stranger":
        assert answered <= {400, 401, 403, 413, 415}
    if who == "a writer":
        assert {200, 400, 404} <= answered and statuses[f"GET {TICKET}"] >= {200, 400}
