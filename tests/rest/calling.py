"""A program of another system, as a test speaks for it: through the token door and with the token."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from foundation.rest.clients import Keys
from staff.models import OrgUnit
from staff.services.programs import admit_program
from tests.factories import UnitFactory

FORM = "application/x-www-form-urlencoded"
TICKET = "/tmf-api/troubleTicket/v4/troubleTicket"


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def ask_token(keys: Keys, scope: str = "", secret: str = "") -> Any:
    form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
    header = basic(keys.client.client_id, secret or keys.secret)
    return Client().post("/oauth/token", urlencode(form), FORM, headers={"Authorization": header})


@dataclass
class Program:
    """Calls with its token; `answer.json()` as ever."""

    keys: Keys
    token: str
    http: Client = field(default_factory=Client)

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, query, headers=self._headers({}))

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str) -> Any:
        raw = body if isinstance(body, bytes | str) else json.dumps(body)
        said = self._headers({name.replace("_", "-"): value for name, value in headers.items()})
        return self.http.generic(method, path, raw, content_type=kind, headers=said)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("PATCH", path, body, "application/merge-patch+json", **headers)

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", **more}


def program(*scopes: str, unit: OrgUnit | None = None, sandbox: bool = False, name: str = "billing") -> Program:
    """A program with a token of all its scopes, in the unit (none: a branch 10..19)."""
    unit = unit or OrgUnit.objects.filter(no=10).first() or UnitFactory(no=10, last_no=19)
    keys = admit_program(actor=None, name=name, scopes=list(scopes), unit_code=unit.code, sandbox=sandbox)
    answer = ask_token(keys)
    assert answer.status_code == 200, answer.content
    return Program(keys, answer.json()["access_token"])
