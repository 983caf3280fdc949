"""What is left of messages to people who are no customers when they are forgotten."""

from __future__ import annotations

from django.db import transaction

from outreach.letters import blank_letters
from outreach.lifecycle import MessageState
from outreach.models import MessageMove, MessageText, OutMessage


@transaction.atomic
def forget_outsiders(references: list[str]) -> int:
    """Delete addresses and words of their messages, also in letters, and hold back what waits; how many messages. Their
    states and times stay. Looks through every month: called when a file's time is over, not on a page."""
    rows = OutMessage.objects.filter(outsider__in=references)
    waiting = rows.filter(state=MessageState.QUEUED).select_for_update(no_key=True)
    held = list(waiting.values_list("pk", flat=True))
    MessageMove.objects.bulk_create(
        MessageMove(message_id=pk, old=MessageState.QUEUED, new=MessageState.SUPPRESSED, reason=OutMessage.Reason.GONE)
        for pk in held
    )
    rows.filter(pk__in=held).update(state=MessageState.SUPPRESSED, reason=OutMessage.Reason.GONE)
    blank_letters(rows)
    keys = list(rows.values_list("pk", flat=True))
    MessageText.objects.filter(pk__in=keys).delete()
    rows.filter(pk__in=keys).update(params={}, explanation=[])
    return len(keys)
