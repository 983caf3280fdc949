"""Showing a masked field in clear for a minute: allowed, counted, recorded (D§3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from foundation.ui.wording import say_time
from staff.models import Reveal, User

SENSITIVE = frozenset({"id_number", "income", "stratum", "family", "note"})
PLAIN = frozenset({"name", "phone", "email", "address", "birthday", "account"})
RIGHT = "customers.reveal"
LONGEST_REASON = 200
HOUR = timedelta(hours=1)


@transaction.atomic
def reveal(user: User, customer_id: int, field: str, reason: str) -> Reveal:
    """Open one field of one customer to `user` for `reveal.seconds`; a field still open is returned as it is.

    The caller has checked that the customer is visible to the user. Refuses NotAllowed("reveal.not_allowed") without
    "customers.reveal"; RuleBroken("reveal.field") a field there is no mask for; ("reveal.reason") a sensitive field
    (ID number, income, stratum, family, private note) without a reason, unless a role has `view_sensitive`;
    ("reveal.too_many") more than `staff.reveals_per_hour`. The reason is kept apart from the sealed audit entry.
    """
    if not user.has_perm(RIGHT):
        raise NotAllowed("reveal.not_allowed", _("Your role may not reveal data of customers."))
    if field not in SENSITIVE | PLAIN:
        raise RuleBroken("reveal.field", _("There is nothing hidden under that name."))
    reason = " ".join(reason.split())
    if field in SENSITIVE and not reason and not user.sees_sensitive:
        raise RuleBroken("reveal.reason", _("Say why you need to see this; it is recorded."))
    if len(reason) > LONGEST_REASON:
        raise RuleBroken("reveal.reason", _("The reason is longer than 200 characters."))
    now = clock.now()
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two clicks at once count as two
    mine = Reveal.objects.filter(user=user)
    there = mine.filter(customer_id=customer_id, field=field, until__gt=now).first()
    if there is not None:
        return there
    recent = list(
        mine.filter(at__gt=now - HOUR).order_by("-at").values_list("at", flat=True)[: policy("staff.reveals_per_hour")]
    )
    if len(recent) >= policy("staff.reveals_per_hour"):
        raise RuleBroken(
            "reveal.too_many",
            _("You have revealed as much as one person may in an hour; next at %(time)s.")
            % {"time": say_time(recent[-1] + HOUR)},
        )
    until = now + timedelta(seconds=policy("staff.reveal_seconds"))
    opened = Reveal.objects.create(user=user, customer_id=customer_id, field=field, reason=reason, at=now, until=until)
    record(
        "customer.revealed",
        target=("customers.customer", customer_id),
        actor=user,
        customer_id=customer_id,
        detail={"field": field, "reveal": opened.pk},
        personal={"reason": reason} if reason else None,
    )
    return opened


def seconds_left(rows: Iterable[tuple[str, datetime]]) -> dict[str, int]:
    """Fields open to somebody, of (field, until): each with the whole seconds left (at least 1)."""
    now = clock.now()
    return {field: max(1, round((until - now).total_seconds())) for field, until in rows}
