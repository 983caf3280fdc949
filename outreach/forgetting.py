"""What we still owe a customer whose data go: nothing leaves any more, and nobody has to do anything (D§5.12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from customers.models import ContactPoint
from foundation.common.personal import Step, register_step
from outreach.letters import blank_letters
from outreach.lifecycle import FollowUpAct, FollowUpState, MessageState
from outreach.models import FollowUp, FollowUpMove, MessageMove, OutMessage, SmsReply


def stop_messages(ids: list[int]) -> int:
    """Hold back what waits in the outbox, with its history."""
    waiting = OutMessage.objects.recent().filter(customer__in=ids, state=MessageState.QUEUED)
    held = list(waiting.select_for_update(no_key=True).values_list("pk", flat=True))
    MessageMove.objects.bulk_create(
        MessageMove(message_id=pk, old=MessageState.QUEUED, new=MessageState.SUPPRESSED, reason=OutMessage.Reason.GONE)
        for pk in held
    )
    OutMessage.objects.recent().filter(pk__in=held).update(state=MessageState.SUPPRESSED, reason=OutMessage.Reason.GONE)
    return len(held)


def busy(ids: list[int]) -> set[int]:
    """Customers to whom a message is under way now: its words are written down when it has left.

    What waits is held back first, so that no worker can begin with it between this look and the commit.
    """
    stop_messages(ids)
    leaving = OutMessage.objects.recent().filter(customer__in=ids, state=MessageState.SENDING)
    return {pk for pk in leaving.values_list("customer_id", flat=True) if pk is not None}


def replies_of(ids: list[int]) -> QuerySet[SmsReply]:
    """Text messages these customers sent us, and those from a number of theirs nobody was known at."""
    points = ContactPoint.objects.filter(customer__in=ids).values("value")
    return SmsReply.objects.filter(Q(customer__in=ids) | Q(customer__isnull=True, number__in=points))


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """The promises that would end and the replies that would go; messages are counted by their table."""
    promised = FollowUp.objects.open().filter(customer__in=ids)
    return {"outreach_followup": promised, "outreach_sms_reply": replies_of(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """End the open promises, with their history, and blank the letters that lie in files for another carrier."""
    letters = blank_letters(OutMessage.objects.filter(customer__in=ids))
    promised = FollowUp.objects.open().filter(customer__in=ids)
    ended = list(promised.select_for_update(no_key=True).values_list("pk", flat=True))
    FollowUpMove.objects.bulk_create(FollowUpMove(follow_up_id=pk, act=FollowUpAct.CANCELLED, at=at) for pk in ended)
    FollowUp.objects.filter(pk__in=ended).update(state=FollowUpState.CANCELLED, closed_at=at, next_notice_at=None)
    replies, _by_model = replies_of(ids).delete()
    return {"outreach_followup": len(ended), "outbox": letters, "outreach_sms_reply": replies}


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """The replies for an access request."""
    rows = replies_of(ids).order_by("pk").values_list("number", "text", "at")
    return {"outreach.SmsReply": [{"number": no, "text": text, "at": at.isoformat()} for no, text, at in rows]}


def register() -> None:
    """Make the step known."""
    register_step(Step("outreach.owed", find, erase, busy, read))
