"""The type of a request behind a door of `foundation.common.doors`."""

from __future__ import annotations

from django.http import HttpRequest

from staff.models import User


class StaffRequest(HttpRequest):
    """A request whose door let a member of staff in: `user` is one of ours."""

    user: User
