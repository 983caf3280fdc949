"""Every write of outreach, by business stage; other apps import from here."""

from outreach.services.bell import mark_all_read, mark_read, notify, notify_many
from outreach.services.followups import (
    attempt_and_complete,
    cancel_followup,
    claim_next,
    close_followup,
    complete_followup,
    owe_followup,
    reassign_followup,
    record_attempt,
    reschedule_followup,
)
from outreach.services.messages import (
    queue_message,
    queue_messages,
    queue_outside_message,
    queue_staff_message,
    queue_staff_messages,
    retry_message,
)
from outreach.services.reminding import hand_over_if_overdue, remind_if_due
from outreach.services.transfers import (
    accept_transfer,
    claim_customer,
    offer_customer,
    refuse_transfer,
    withdraw_transfer,
)

__all__ = [
    "accept_transfer",
    "attempt_and_complete",
    "cancel_followup",
    "claim_customer",
    "claim_next",
    "close_followup",
    "complete_followup",
    "hand_over_if_overdue",
    "mark_all_read",
    "mark_read",
    "notify",
    "notify_many",
    "offer_customer",
    "owe_followup",
    "queue_message",
    "queue_messages",
    "queue_outside_message",
    "queue_staff_message",
    "queue_staff_messages",
    "reassign_followup",
    "record_attempt",
    "refuse_transfer",
    "remind_if_due",
    "reschedule_followup",
    "retry_message",
    "withdraw_transfer",
]
