"""The mark of a REST view: the right its callers must hold (foundation/common/doors.py)."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission, IsAuthenticated

from foundation.common.doors import DOOR
from foundation.rest.clients import Caller
from foundation.rest.signin import TokenSignIn

# Programs by their token, people by their session.
BOTH = (TokenSignIn, SessionAuthentication)


class HoldsRight(BasePermission):
    """Lets in who is signed in and holds the right the view's class is marked with (`careline_door`); a program needs
    the view's `scope` besides."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not IsAuthenticated().has_permission(request, view):
            return False
        if isinstance(request.auth, Caller) and view.scope not in request.auth.scopes:
            view.missing_scope = view.scope
            raise PermissionDenied(f"The access token lacks the scope {view.scope}.")
        return bool(request.user.has_perm(getattr(view, DOOR)))
