"""What the gate decided about messages to a customer, as an automatic decision that can be explained (D§1.7)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.decisions import Decided, DecisionKind, register_decision
from foundation.common.explain import Explanation
from outreach.lifecycle import MessageState
from outreach.models import OutMessage

SHOWN = 20


def held_back(customer_id: int) -> list[Decided]:
    """The last messages that were held back, and why."""
    rows = OutMessage.objects.recent().filter(customer=customer_id, state=MessageState.SUPPRESSED).order_by("-pk")
    return [Decided(row.at, row.reason, Explanation.from_json(row.explanation)) for row in rows[:SHOWN]]


def register() -> None:
    """Make the kind known."""
    register_decision(DecisionKind("messages", _("Messages held back"), held_back))
