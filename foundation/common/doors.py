"""Marks of access on views: every URL carries exactly one, and a test walks them all.

`requires("app.right")`: signed in and `user.has_perm(right)`; otherwise sign-in page or 403.
`signed_in`: any signed-in member of staff. `public(reason)`: anybody, with the reason written down.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

View = TypeVar("View", bound=Callable[..., Any])
DOOR = "careline_door"


def _guard(view: View, right: str | None) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if right is not None and not request.user.has_perm(right):
            raise PermissionDenied(right)
        return view(request, *args, **kwargs)

    setattr(guarded, DOOR, right or "signed-in")
    return guarded  # type: ignore[return-value]


def requires(right: str) -> Callable[[View], View]:
    """Let in only users with `right` ("app.verb_thing"); a stranger goes to sign-in, others get 403."""
    return lambda view: _guard(view, right)


def signed_in(view: View) -> View:
    """Let in any signed-in user."""
    return _guard(view, None)


def public(reason: str) -> Callable[[View], View]:
    """Let in anybody. `reason` says why this door needs no key."""
    if not reason:
        raise ValueError("a public door needs its reason")

    def mark(view: View) -> View:
        @wraps(view)
        def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            return view(request, *args, **kwargs)

        setattr(opened, DOOR, f"public: {reason}")
        return opened  # type: ignore[return-value]

    return mark


def door_of(view: Callable[..., Any]) -> str | None:
    """The mark of a resolved view callback, or None when it carries none."""
    return getattr(view, DOOR, None) or getattr(getattr(view, "cls", None), DOOR, None)
