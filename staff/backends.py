"""Who a session belongs to."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.db import connection

from foundation.common.prepared import prepared
from staff.models import OrgUnit, User

_USER = [field.attname for field in User._meta.concrete_fields]
_UNIT = [field.attname for field in OrgUnit._meta.concrete_fields]
# By hand: every request asks it.
_USER_WITH_UNIT = (
    "SELECT "
    + ",".join([*(f"u.{name}" for name in _USER), *(f"o.{name}" for name in _UNIT)])
    + " FROM staff_user u JOIN staff_orgunit o ON o.id = u.unit_id WHERE u.id = %s"
)


class StaffBackend(AuthenticationBackend):
    """Signs in by username and password; the user of a request comes with the unit, which every page names."""

    def get_user(self, user_id: Any) -> User | None:
        with connection.cursor() as cursor:
            cursor.execute(*prepared(_USER_WITH_UNIT, [user_id]))
            row = cursor.fetchone()
        if row is None:
            return None
        user = User.from_db(connection.alias, _USER, row[: len(_USER)])
        user.unit = OrgUnit.from_db(connection.alias, _UNIT, row[len(_USER) :])
        return user if self.user_can_authenticate(user) else None
