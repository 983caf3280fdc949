"""The mark of a REST view: the right its callers must hold (foundation/common/doors.py)."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission, IsAuthenticated

from foundation.common.doors import DOOR


class HoldsRight(BasePermission):
    """Lets in who is signed in and holds the right the view's class is marked with (`careline_door`)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return IsAuthenticated().has_permission(request, view) and request.user.has_perm(getattr(view, DOOR))
