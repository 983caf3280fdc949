"""What an HTTP gateway tells of a message it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from foundation.common.errors import RuleBroken
from outreach.bounces import report_delivered, report_undelivered
from outreach.delivery import message_of
from outreach.lifecycle import MESSAGE_OPEN, MessageState
from outreach.models import OutMessage
from outreach.models.messages import message_floor


@dataclass(frozen=True)
class Receipt:
    """`reference`: as the message left with it. `nobody`: nothing else will arrive there either."""

    reference: str
    state: str
    detail: str = ""
    nobody: bool = False


def take_receipt(receipt: Receipt) -> Literal["taken", "unknown", "again"]:
    """Record a receipt; a repeat changes nothing. "again": the message is still under way, it must be told later."""
    try:
        message_id = message_of(receipt.reference)
    except ValueError:
        return "unknown"
    if receipt.state not in {MessageState.DELIVERED, MessageState.UNDELIVERED}:
        return "unknown"
    stored = OutMessage.objects.filter(pk=message_id, pk__gte=message_floor()).values_list("state", flat=True).first()
    if stored is None:
        return "unknown"
    try:
        with transaction.atomic():
            if receipt.state == MessageState.DELIVERED:
                report_delivered(message_id)
            else:
                report_undelivered(message_id, detail=_code(receipt.detail), for_good=receipt.nobody)
    except RuleBroken:  # it is still under way, or what became of it is known already
        return "again" if stored in MESSAGE_OPEN else "taken"
    return "taken"


def _code(detail: str) -> str:
    """A code, not words that may name somebody."""
    return detail if len(detail) <= 40 and detail.replace(".", "").replace("_", "").isalnum() else ""
