"""Who keeps the lists of complaints."""

from __future__ import annotations

from django.utils.translation import gettext as _

from foundation.common.errors import NotAllowed
from staff.models import User

CHANGE_RIGHT = "complaint_lists.change"


def check_keeps(actor: User) -> None:
    """Raises NotAllowed "lists.may_not_change"."""
    if not actor.has_perm(CHANGE_RIGHT):
        raise NotAllowed("lists.may_not_change", _("Your role does not change the lists of complaints."))
