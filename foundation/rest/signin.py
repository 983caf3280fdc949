"""Sign-in of programs: `Authorization: Bearer <token>`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import load_backend
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from foundation.policies.reading import policy
from foundation.rest.clients import Caller, caller_of
from foundation.rest.limits import seconds_to_wait


class TokenSignIn(BaseAuthentication):
    """The user of a call is the program's own user of kind SERVICE, `request.auth` the `Caller`."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        """None without a bearer token. Raises AuthenticationFailed for one that holds nothing, Throttled."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        try:
            caller = caller_of(words[1].decode("ascii")) if len(words) == 2 else None
        except UnicodeDecodeError:
            caller = None
        user = load_backend(settings.API_USERS_BACKEND).get_user(caller.user_id) if caller is not None else None
        if caller is None or user is None:
            raise AuthenticationFailed("The access token is unknown, expired or taken back.", "invalid_token")
        most = caller.calls_per_minute or policy("rest.calls_per_minute")
        if (wait := seconds_to_wait(f"client-{caller.client_id}", most)) is not None:
            raise Throttled(wait)
        return user, caller

    def authenticate_header(self, request: Request) -> str:
        return (
            'Bearer realm="Careline", error="invalid_token"'
            if request.META.get("HTTP_AUTHORIZATION")
            else ('Bearer realm="Careline"')
        )
