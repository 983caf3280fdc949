"""Who hears of commands that went wrong: the arrears officers, and of late restorations the unit that restores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from billing.models import BillingAccount
from foundation.common import clock
from foundation.policies.reading import policy
from outreach.services import notify
from staff.models import RoleAssignment, User, holds_on

FINANCE, RESTORERS = "FINANCE_DUNNING", ("UNIT_HANDLER", "TEAM_LEAD", "DEPT_HEAD")
MOST = 50


def ring_finance(
    kind: str, account: BillingAccount, params: dict[str, Any], key: str, now: datetime, *, restorers: bool = False
) -> int:
    """Ring those who answer, once per key; how many heard it. In the caller's transaction."""
    wanted = Q(role=FINANCE)
    unit = policy("billing.restoring_unit") if restorers else ""
    if unit:
        wanted |= Q(role__in=RESTORERS, unit__code=unit)
    held = RoleAssignment.objects.filter(wanted, holds_on(clock.today(now)))
    people = User.objects.people().filter(is_active=True, pk__in=held.values("user")).order_by("pk")[:MOST]
    told = {"account": account.external_id, **params}
    rung = [notify(one, kind, subject_ref=account, params=told, dedupe_key=key[:80]) for one in people]
    return sum(one is not None for one in rung)
