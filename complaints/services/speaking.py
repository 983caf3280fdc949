"""Who complains for a customer hears of the complaint too: with authority what the customer hears, without it number,
state and next step alone (D§26)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from complaints.lifecycle import Deed
from complaints.models import Complaint
from interactions.lifecycle import Channel as ContactChannel
from outreach.lifecycle import Channel
from outreach.models import OutMessage
from outreach.outsiders import reference
from outreach.services import queue_outside_message
from staff.models import User

OUTSIDERS = "complaint"  # how outreach refers to complainants who are no customers
NEWS = "complaint_behalf"
# Wordings that name nothing but the complaint, its state, our dates and colleagues.
_PLAIN = frozenset(
    f"complaint_{name}"
    for name in (
        "acknowledged", "assessed", "assigned", "pooled", "in_work", "resumed", "proposed", "rework", "accepted",
        "disputed", "not_solved", "closed", "reopened", "withdrawn", "taken_up", "graded", "paused", "urged", "manager",
        "new_owner", "new_handler", "late",
    )
)  # fmt: skip
# What an answer is given with, beside which nothing of a customer stands; the code opens the status page with it.
_HIDDEN = ("code", "words")


def speaks_for(case: Complaint) -> bool:
    """Whether somebody else complained for the customer and can be written to. Who was named as the customer later
    spoke for themself."""
    reachable = bool(case.contact_phone or case.contact_email)
    if case.customer_id is None or not case.contact_name or not reachable or case.is_imported:
        return False
    return not case.moves.filter(act=Deed.IDENTIFIED).exists()


def tell_speaker(
    case: Complaint,
    template: str,
    params: dict[str, Any],
    *,
    dedupe_key: str,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    actor: User | None,
) -> OutMessage | None:
    """Write to who `speaks_for` the customer what the customer is told; without authority nothing of what only the
    customer may know: that there is news, where its words are more than number, state and next step."""
    if not case.authority:
        if template not in _PLAIN or params.get("words"):
            template, expires_at = NEWS, None
        params = {name: value for name, value in params.items() if name not in _HIDDEN}
    by_mail = bool(case.contact_email) and (case.channel == ContactChannel.EMAIL or not case.contact_phone)
    return queue_outside_message(
        outsider=reference(OUTSIDERS, case.pk),
        unit_no=case.unit_no,
        channel=Channel.EMAIL if by_mail else Channel.SMS,
        template=template,
        params=params,
        dedupe_key=f"{dedupe_key}-speaker",
        not_before=not_before,
        expires_at=expires_at,
        actor=actor,
    )


def tell_speakers(template: str, told: Sequence[tuple[int, str, str, datetime]]) -> None:
    """The same where the customers of many cases were told by one statement: case, key, parameters as JSON, and until
    when it may leave, of each."""
    cases = Complaint.objects.filter(pk__in=[row[0] for row in told], customer__isnull=False).exclude(contact_name="")
    spoken = {case.pk: case for case in cases.order_by("pk") if speaks_for(case)}
    for case_id, key, params, until in told:
        if (case := spoken.get(case_id)) is not None:
            tell_speaker(
                case, template, json.loads(params), dedupe_key=f"{template}-{key}", expires_at=until, actor=None
            )
