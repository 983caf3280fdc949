"""Headers of every answer, and what htmx gets when the session has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url

from foundation.ui.htmx import redirect_page

Next = Callable[[HttpRequest], HttpResponseBase]

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    # Any page may hold personal data; a view that may be kept says so itself.
    "Cache-Control": "no-store",
}


class SecurityHeaders:
    """Put the security headers on every answer that has not set them itself. Static files are served before."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        return response


class _Stopwatch:
    """Counts the queries of one request and the time spent in them."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - started
            self.count += 1


class ServerTiming:
    """`Server-Timing: app;dur=, db;dur=, q;desc=` (ms, ms, number of queries) on HTML answers."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        watch = _Stopwatch()
        started = time.perf_counter()
        with ExitStack() as wrapped:
            for connection in connections.all():
                wrapped.enter_context(connection.execute_wrapper(watch))
            response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            whole = (time.perf_counter() - started) * 1000
            response.headers["Server-Timing"] = (
                f'app;dur={whole:.1f}, db;dur={watch.seconds * 1000:.1f}, q;desc="{watch.count}"'
            )
        return response


class ExpiredSession:
    """Lead htmx to the sign-in page when the session has ended, instead of putting that page into a fragment.

    The way back after sign-in is the page the user was on, not the address of the fragment.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") != "true" or request.user.is_authenticated:
            return response
        if response.status_code == 401 or self._leads_to_sign_in(response):
            page = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = page.path + (f"?{page.query}" if page.query else "")
            return redirect_page(redirect_to_login(back or "/").headers["Location"])
        return response

    @staticmethod
    def _leads_to_sign_in(response: HttpResponseBase) -> bool:
        if not 300 <= response.status_code < 400:
            return False
        login = resolve_url(settings.LOGIN_URL)
        return urlsplit(response.headers.get("Location", "")).path == urlsplit(login).path
