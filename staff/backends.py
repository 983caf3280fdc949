"""Who a session belongs to."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from staff.models import User


class StaffBackend(AuthenticationBackend):
    """Signs in by username and password; the user of a request comes with the unit, which every page names."""

    def get_user(self, user_id: Any) -> User | None:
        try:
            user = User.objects.select_related("unit").get(pk=user_id)
        except User.DoesNotExist:
            return None
        return user if self.user_can_authenticate(user) else None
