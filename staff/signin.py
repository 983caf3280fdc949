"""What surrounds signing in: whom a failure counts against, how long a lock lasts, what is recorded.

allauth checks the password through Django's `authenticate`, so django-axes sees every attempt of the sign-in and the
re-authentication page. It would look for the account under the name of the form's field, which the signal of a failure
does not carry: `account_of` reads it from wherever it is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from allauth.account.adapter import get_adapter
from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from foundation.audit.services import record
from foundation.common import clock
from staff.models import User

LOGIN_FIELD = "login"


def actor_of(request: HttpRequest) -> User:
    """The signed-in person, for services; the mark on the view has let nobody else in."""
    return cast(User, request.user)


def account_of(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The account an attempt is for, in small letters: the door does not tell case apart, neither must the counter."""
    given = credentials or {}
    name = given.get("username") or given.get(LOGIN_FIELD) or request.POST.get(LOGIN_FIELD, "")
    return str(name).strip().lower()[:255]


def client_ip(request: HttpRequest) -> str | None:
    """The address of the browser, past as many proxies as the settings trust; None when the request came by none."""
    try:
        return str(get_adapter(request).get_client_ip(request))
    except PermissionDenied:
        return None


def locked_out(
    request: HttpRequest, _response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """The page of a locked account: 429, says until when."""
    failures = AccessAttempt.objects.filter(username=account_of(request, credentials), ip_address=client_ip(request))
    last = failures.aggregate(last=Max("attempt_time"))["last"]
    now = request.axes_attempt_time  # type: ignore[attr-defined]  # set by axes on every attempt
    pause = get_cool_off(request) or timedelta(0)
    left = max(timedelta(0), (last or now) + pause - now)
    context = {"until": clock.now() + left, "minutes": -(-int(left.total_seconds()) // 60)}
    response = render(request, "account/locked.html", context, status=429)
    response.headers["Retry-After"] = str(int(left.total_seconds()) + 1)
    return response


def signed_in(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    """Signal receiver: record a sign-in."""
    record("user.signed_in", target=user, actor=user, unit_id=user.unit_id)


def signed_out(sender: Any, request: HttpRequest, user: User | None, **_more: Any) -> None:
    """Signal receiver: record a sign-out."""
    if user is not None:
        record("user.signed_out", target=user, actor=user, unit_id=user.unit_id)


def failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_more: Any) -> None:
    """Signal receiver: record a failed sign-in. An unknown account is not kept: people type passwords there."""
    user = User.objects.filter(username=account_of(request, credentials)).first() if request is not None else None
    record("user.sign_in_failed", target=user or ("staff.user", 0), actor=None, detail={"known": user is not None})


def locked(sender: Any, request: HttpRequest, username: str, **_more: Any) -> None:
    """Signal receiver: record that an account was locked."""
    user = User.objects.filter(username=username).first()
    record("user.locked_out", target=user or ("staff.user", 0), actor=None, detail={"known": user is not None})


def password_changed(sender: Any, request: HttpRequest, user: User, **_more: Any) -> None:
    """Signal receiver: the person has chosen the password now."""
    if user.must_change_password:
        user.must_change_password = False
        user.save(update_fields=["must_change_password"])
    record("user.password_changed", target=user, actor=user, unit_id=user.unit_id)


def factor_added(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_more: Any) -> None:
    """Signal receiver: record a new second factor."""
    record("user.second_factor_added", target=user, actor=user, detail={"type": authenticator.type})


def factor_removed(sender: Any, request: HttpRequest, user: User, authenticator: Any, **_more: Any) -> None:
    """Signal receiver: record a second factor taken away."""
    record("user.second_factor_removed", target=user, actor=user, detail={"type": authenticator.type})


def listen() -> None:
    """Connect the receivers to the signals of Django, allauth and axes."""
    from allauth.account.signals import password_changed as on_password_changed
    from allauth.mfa.signals import authenticator_added, authenticator_removed
    from axes.signals import user_locked_out
    from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

    for signal, receiver in (
        (user_logged_in, signed_in),
        (user_logged_out, signed_out),
        (user_login_failed, failed),
        (user_locked_out, locked),
        (on_password_changed, password_changed),
        (authenticator_added, factor_added),
        (authenticator_removed, factor_removed),
    ):
        signal.connect(receiver, dispatch_uid=f"staff.signin.{receiver.__name__}")
