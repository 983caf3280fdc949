"""What the operator tunes about its people: settlement limits, reveals, long absences."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.policies.registry import define
from staff.models import User
from staff.rights import roles_of
from staff.roles import ROLES


def _check_limits(table: Any) -> None:
    if not isinstance(table, dict):
        raise RuleBroken("limits.shape", _("The limits are a table: role and amount."))
    for role, amount in table.items():
        if role not in ROLES:
            raise RuleBroken("limits.role", _("There is no role “%(role)s”.") % {"role": role})
        if amount is None:
            continue
        try:
            value = Decimal(str(amount))
        except InvalidOperation:
            value = Decimal(-1)
        if isinstance(amount, bool | float) or not value.is_finite() or value < 0:
            raise RuleBroken(
                "limits.amount",
                _("The limit of %(role)s must be an amount in CNY (as text), or empty for none.") % {"role": role},
            )


define(
    "staff.settlement_limits",
    type="table",
    unit="CNY",
    default={
        "HALL_CLERK": "50",
        "AGENT": "50",
        "ROAMING_AGENT": "50",
        "TEAM_LEAD": "200",
        "DEPT_HEAD": "1000",
        "DIRECTOR": "5000",
        "GM": None,
    },
    source="D",
    check=_check_limits,
    title=gettext_lazy("Settlement limits"),
    help=gettext_lazy(
        "What each role may settle in one case on its own; empty: any amount. A role not named: nothing."
    ),
)
define(
    "staff.reveals_per_hour",
    type="int",
    unit="reveals",
    default=30,
    low=1,
    high=1000,
    source="D",
    title=gettext_lazy("Reveals per hour"),
    help=gettext_lazy("How many masked fields one person may reveal in an hour."),
)
define(
    "staff.reveal_seconds",
    type="int",
    unit="seconds",
    default=60,
    low=10,
    high=600,
    source="D",
    title=gettext_lazy("Time a reveal lasts"),
    help=gettext_lazy("How long a revealed field stays in clear."),
)
define(
    "staff.draft_days",
    type="duration",
    unit="days",
    default=timedelta(days=30),
    low=timedelta(days=1),
    high=timedelta(days=180),
    source="D",
    title=gettext_lazy("Life of a draft"),
    help=gettext_lazy("What somebody typed and never saved is deleted this long after the last keystroke."),
)
define(
    "staff.transfer_after",
    type="duration",
    unit="days",
    default=timedelta(days=30),
    low=timedelta(days=1),
    high=timedelta(days=365),
    source="D",
    title=gettext_lazy("Length of absence that moves the work"),
    help=gettext_lazy("An absence longer than this, or a resignation, leads to a permanent transfer of the work."),
)
define(
    "staff.transfer_within",
    type="int",
    unit="working days",
    default=5,
    low=1,
    high=60,
    source="D",
    title=gettext_lazy("Time to move the work"),
    help=gettext_lazy("How soon the work of someone who left or is long absent must have a new owner."),
)
define(
    "staff.signin_notice",
    type="text",
    default="",
    source="D",
    title=gettext_lazy("Words on the sign-in page"),
    help=gettext_lazy("The operator's own words under the sign-in card; empty: none."),
)


def settlement_limit(user: User) -> Decimal | None:
    """The amount in CNY `user` may settle in one case alone (D§3.4): the highest of the roles held; None: any amount.

    A user without such a role, or an inactive one, may settle nothing (0).
    """
    if not user.is_active:
        return Decimal(0)
    table = policy("staff.settlement_limits", unit=user.unit)
    limits = [table[role] for role in roles_of(user) if role in table]
    if any(limit is None for limit in limits):
        return None
    return max((Decimal(str(limit)) for limit in limits), default=Decimal(0))
