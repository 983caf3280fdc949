"""What every request of a signed-in person passes: the own language, the idle limit, the gate before the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils import translation
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.ui.htmx import redirect_page
from staff.models import User

Next = Callable[[HttpRequest], HttpResponseBase]
SEEN, FACTOR = "seen", "second_factor"
REFRESH_SECONDS = 60
LIVE = "Careline-Live"  # header of a page that polls by itself: no sign of a person

ALWAYS = frozenset({"account_logout", "staff:set-language", "staff:set-theme", "staff:stay", "healthz", "readyz"})
TO_PASSWORD = ALWAYS | {"account_change_password"}
TO_FACTOR = ALWAYS | {
    "account_reauthenticate",
    "account_change_password",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_view_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
}


class IdleSignOut:
    """End a session nobody used for `SESSION_COOKIE_AGE` seconds; else keep it, writing at most once a minute (where
    sessions are short, four times in their life)."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated:
            now, seen = int(clock.now().timestamp()), request.session.get(SEEN)
            if seen is not None and now - seen > settings.SESSION_COOKIE_AGE:
                logout(request)
            elif seen is None or (LIVE not in request.headers and abs(now - seen) >= _refresh_seconds()):
                request.session[SEEN] = now
        return self.get_response(request)


def _refresh_seconds() -> int:
    return min(REFRESH_SECONDS, settings.SESSION_COOKIE_AGE // 4)


class OwnLanguage:
    """Speak the language of the signed-in person, whatever the browser prefers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated and request.user.language in dict(settings.LANGUAGES):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = translation.get_language()
        return self.get_response(request)


class Gate:
    """Lead to the place where a password somebody else knows is changed, or a required second factor is set up;
    until then nothing else answers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponseBase | None:
        user = request.user
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not user.is_authenticated or name in ALWAYS:
            return None
        if user.kind == User.Kind.SERVICE:
            raise PermissionDenied("programs call the REST interface with a token; pages are for people")
        if user.must_change_password:
            why = _("Your password was set by somebody else: choose your own first.")
            return None if name in TO_PASSWORD else _lead(request, "account_change_password", "password_to_change", why)
        if settings.SECOND_FACTOR_ENFORCED and not request.session.get(FACTOR) and user.needs_second_factor:
            if is_mfa_enabled(user):
                request.session[FACTOR] = True
                return None
            why = _("Your role needs a second factor: set one up first.")
            return None if name in TO_FACTOR else _lead(request, "mfa_index", "second_factor_missing", why)
        return None


def _lead(request: HttpRequest, url_name: str, code: str, why: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "reason": why}, status=403)
    if request.headers.get("HX-Request") == "true":
        return redirect_page(resolve_url(url_name))
    return redirect(url_name)
