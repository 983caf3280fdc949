"""Billing over HTTP: reading its resources and asking it to change them (rest.md, "What we take from billing")."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings

BASES = {
    "customerBill": "/tmf-api/customerBillManagement/v4/customerBill",
    "billingAccount": "/tmf-api/accountManagement/v4/billingAccount",
    "payment": "/tmf-api/payment/v4/payment",
    "bucket": "/tmf-api/prepayBalanceManagement/v4/bucket",
    "product": "/tmf-api/productInventory/v4/product",
}
DISPUTES = "/api/careline/v1/disputeHold"
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0
PAGE = 500
MOST_BYTES = 20_000_000
EARLY_SECONDS = 30.0  # a token is renewed before it ends


class Unreachable(Exception):
    """Billing did not answer, or not with an answer that decides anything: the same may be tried again. What was asked
    may have taken effect all the same."""


class Refused(Exception):
    """Billing answered that it will not. `status`: of HTTP; `code`: what it called the reason."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


def is_connected() -> bool:
    """Whether a billing system is configured at all."""
    return bool(settings.BILLING_URL)


@dataclass
class _Token:
    text: str = ""
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_tokens: dict[tuple[str, str], _Token] = {}


class Billing:
    """One conversation with billing; close it, or use it as a context."""

    def __init__(self) -> None:
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        self.http = httpx.Client(base_url=settings.BILLING_URL, timeout=timeout, follow_redirects=False)
        self.token = _tokens.setdefault((settings.BILLING_URL, settings.BILLING_CLIENT_ID), _Token())

    def __enter__(self) -> Billing:
        return self

    def __exit__(self, *_error: object) -> None:
        self.http.close()

    def read(self, resource: str, key: str) -> dict[str, Any]:
        """One resource as it is now. Raises Unreachable, Refused (404: it does not know it)."""
        body = self._ask("GET", f"{BASES[resource]}/{quote(key, safe='')}")
        if not isinstance(body, dict):
            raise Unreachable("no object")
        return body

    def page(
        self,
        resource: str,
        *,
        since: datetime | None = None,
        offset: int = 0,
        filters: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """A page of the resources that changed at or after `since`, oldest change first; shorter than PAGE at the end.
        Raises Unreachable, Refused."""
        asked = {**(filters or {}), "offset": str(offset), "limit": str(PAGE)}
        if since is not None:
            asked["lastUpdate.gte"] = since.isoformat()
        page = self._ask("GET", BASES[resource], params=asked)
        if not isinstance(page, list) or not all(isinstance(one, dict) for one in page):
            raise Unreachable("no list")
        return page

    def pages(self, resource: str, filters: Mapping[str, str] | None = None) -> Iterator[list[dict[str, Any]]]:
        """All resources there are, a page at a time. One that changes meanwhile moves to the end, and another may be
        missed: whoever misses one asks for it by name. Raises Unreachable, Refused."""
        offset = 0
        while page := self.page(resource, offset=offset, filters=filters):
            yield page
            if len(page) < PAGE:
                return
            offset += len(page)

    def change(self, method: str, path: str, body: dict[str, Any], key: str) -> Any:
        """Ask for a change under an Idempotency-Key. Raises Unreachable, Refused."""
        return self._ask(method, path, body=body, headers={"Idempotency-Key": key})

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        again: bool = True,
    ) -> Any:
        told = dict(headers or {}) | self._authorization()
        content = None
        if body is not None:
            content, told["Content-Type"] = json.dumps(body).encode(), "application/json"
        try:
            answer = self.http.request(method, path, params=params, content=content, headers=told)
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status_code == 401 and again and settings.BILLING_CLIENT_ID:
            self.token.until = 0.0
            return self._ask(method, path, params=params, body=body, headers=headers, again=False)
        if answer.status_code in (401, 403, 408, 425, 429) or answer.status_code >= 500:
            raise Unreachable(str(answer.status_code))
        if answer.status_code >= 300:
            raise Refused(answer.status_code, _code_of(answer))
        return _json(answer)

    def _authorization(self) -> dict[str, str]:
        if not settings.BILLING_CLIENT_ID:
            return {}
        with self.token.lock:
            if self.token.until < time.monotonic():
                self._renew()
            return {"Authorization": f"Bearer {self.token.text}"}

    def _renew(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": settings.BILLING_CLIENT_ID,
            "client_secret": settings.BILLING_CLIENT_SECRET,
        }
        try:
            answer = self.http.post("/oauth/token", data=form)
        except httpx.HTTPError as error:
            raise Unreachable(type(error).__name__) from error
        told = _json(answer) if answer.status_code == 200 else None
        if not isinstance(told, dict) or not isinstance(told.get("access_token"), str):
            raise Unreachable(f"token {answer.status_code}")
        seconds = float(told.get("expires_in") or 60)
        self.token.text, self.token.until = told["access_token"], time.monotonic() + max(1.0, seconds - EARLY_SECONDS)


def _json(answer: httpx.Response) -> Any:
    if len(answer.content) > MOST_BYTES:
        raise Unreachable("too much")
    try:
        return json.loads(answer.content) if answer.content else {}
    except (ValueError, RecursionError) as error:
        raise Unreachable("no JSON") from error


def _code_of(answer: httpx.Response) -> str:
    try:
        told = answer.json()
    except (ValueError, RecursionError):
        return ""
    return str(told.get("code", ""))[:60] if isinstance(told, dict) else ""
