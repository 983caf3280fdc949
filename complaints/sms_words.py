"""Text messages customers answer us with: words to the complaint they answer (D§10.3)."""

from __future__ import annotations

from complaints.models import Complaint
from complaints.services.talking import receive_words
from interactions.lifecycle import Channel
from outreach.models import OutMessage
from outreach.sms.replies import Reply, register_taker

TAKEN = "complaint"


def take(reply: Reply) -> str:
    """Words to the open case whose message was answered, or, when nobody knows which message, to the customer's only
    open one. "" when it is about none: somebody who answers for the customer then sees to it."""
    mine = Complaint.objects.open().filter(customer=reply.customer, source="", is_parent=False)
    if reply.answers is None:
        found = list(mine.order_by("pk")[:2])
    else:
        sent = OutMessage.objects.recent().filter(pk=reply.answers, template__startswith="complaint_").first()
        number = str(sent.params.get("number", "")) if sent is not None else ""
        found = list(mine.filter(number=number)) if number else []
    if len(found) != 1 or not reply.text.strip():
        return ""
    receive_words(found[0].pk, channel=Channel.SMS, text=reply.text, key=f"sms-{reply.reply_id}")
    return TAKEN


def register() -> None:
    """Make the taker known."""
    register_taker(take)
