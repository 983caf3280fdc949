"""`POST /oauth/token`: OAuth 2 client credentials (RFC 6749, 4.4); the protocol is oauthlib's, what is kept is ours
(docs/adr/0009)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oauthlib.common import Request, urlencoded
from oauthlib.oauth2 import BackendApplicationServer, RequestValidator

from foundation.common import clock
from foundation.common.doors import public
from foundation.policies.reading import policy
from foundation.rest.clients import basic_pair, client_with, give_token
from foundation.rest.errors import error_body
from foundation.rest.limits import seconds_to_wait

FORM = "application/x-www-form-urlencoded"
TRIES_PER_MINUTE = 60  # by one sender: a program asks once an hour; 256 bits are not guessed, but work costs
LARGEST = 8_192


class _Rules(RequestValidator):
    """Who may have a token for what."""

    def client_authentication_required(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        return True

    def authenticate_client(self, request: Request, *args: Any, **kwargs: Any) -> bool:
        pair = basic_pair(request.headers.get("Authorization", ""))
        if pair is not None:
            pair = (unquote_plus(pair[0]), unquote_plus(pair[1]))
        else:
            pair = (request.client_id or "", request.client_secret or "")
        client = client_with(*pair) if all(pair) else None
        if client is None:
            return False
        request.client = client
        client.client_confidential = True  # type: ignore[attr-defined]
        return True

    def validate_grant_type(self, *args: Any, **kwargs: Any) -> bool:
        return True  # the only grant there is

    def get_default_scopes(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> list[str]:
        return list(request.client.scopes)

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        return set(scopes) <= set(client.scopes)

    def save_bearer_token(self, token: dict[str, Any], request: Request, *args: Any, **kwargs: Any) -> None:
        ends = clock.now() + timedelta(seconds=token["expires_in"])
        give_token(request.client, token["access_token"], list(request.scopes), ends)


_SERVER = BackendApplicationServer(
    _Rules(), token_expires_in=lambda _request: int(policy("rest.token_life").total_seconds())
)


@csrf_exempt
@require_POST
@public("it is where a program proves who it is")
def token(request: HttpRequest) -> HttpResponse:
    """200 with a token of the scopes asked for (none asked: all the client has); 400 and 401 as RFC 6749, 5.2."""
    if (wait := seconds_to_wait(f"oauth-{request.META.get('REMOTE_ADDR', '')}", TRIES_PER_MINUTE)) is not None:
        refused = JsonResponse(error_body(429, "throttled", "Too many requests for tokens."), status=429)
        refused["Retry-After"] = str(wait)
        return refused
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > LARGEST:
        return _answer({"Cache-Control": "no-store"}, '{"error": "invalid_request"}', 400)
    said = dict(request.headers)
    body = request.body.decode("latin-1") if request.content_type == FORM else ""
    if not set(body) <= urlencoded | {"%"}:
        return _answer({"Cache-Control": "no-store"}, '{"error": "invalid_request"}', 400)
    headers, answer, status = _SERVER.create_token_response(
        request.build_absolute_uri(request.path), "POST", body, said
    )
    if status == 401:
        headers = {**headers, "WWW-Authenticate": 'Basic realm="Careline"'}
    return _answer(headers, answer, status)


def _answer(headers: dict[str, str], body: str, status: int) -> HttpResponse:
    return HttpResponse(body, status=status, headers={**headers, "Content-Type": "application/json"})
