"""What may follow what: messages and follow-ups."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class MessageState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    UNDELIVERED = "undelivered", _("Not delivered")
    UNKNOWN = "unknown", _("Outcome unknown")
    FAILED = "failed", _("Failed")
    SUPPRESSED = "suppressed", _("Held back")


MESSAGE_MOVES: dict[str, frozenset[str]] = {
    # Told of one that is open or failed: an attempt whose end nobody had written down yet, or knew about.
    MessageState.QUEUED: frozenset(
        {MessageState.SENDING, MessageState.SUPPRESSED, MessageState.DELIVERED, MessageState.UNDELIVERED}
    ),
    MessageState.SENDING: frozenset(
        {
            MessageState.QUEUED,
            MessageState.SENT,
            MessageState.FAILED,
            MessageState.UNKNOWN,
            MessageState.SUPPRESSED,
            MessageState.DELIVERED,
            MessageState.UNDELIVERED,
        }
    ),
    MessageState.SENT: frozenset({MessageState.DELIVERED, MessageState.UNDELIVERED}),
    MessageState.UNKNOWN: frozenset({MessageState.DELIVERED, MessageState.UNDELIVERED}),
    MessageState.FAILED: frozenset({MessageState.QUEUED, MessageState.DELIVERED}),
    MessageState.DELIVERED: frozenset(),
    MessageState.UNDELIVERED: frozenset(),
    MessageState.SUPPRESSED: frozenset(),
}
MESSAGE_OPEN = (MessageState.QUEUED, MessageState.SENDING)


class MessageClass(models.TextChoices):
    """Classes of D§5.7: they decide on consent, quiet hours, and what happens to an attempt cut in flight."""

    SERVICE = "SERVICE", _("Service")
    REMINDER = "REMINDER", _("Reminder")
    CARE = "CARE", _("Care")
    MARKETING = "MARKETING", _("Marketing")
    SURVEY = "SURVEY", _("Survey")


# A customer is better told twice than never of these; of the rest, better not at all than twice (design §4).
REPEATED_WHEN_CUT = frozenset({MessageClass.SERVICE, MessageClass.REMINDER})


class Channel(models.TextChoices):
    SMS = "SMS", _("SMS")
    EMAIL = "EMAIL", _("E-mail")
    FILE = "FILE", _("File")


class FollowUpState(models.TextChoices):
    OPEN = "OPEN", _("Open")
    DONE = "DONE", _("Done")
    CANCELLED = "CANCELLED", _("Cancelled")


FOLLOWUP_MOVES: dict[str, frozenset[str]] = {
    FollowUpState.OPEN: frozenset({FollowUpState.DONE, FollowUpState.CANCELLED}),
    FollowUpState.DONE: frozenset(),
    FollowUpState.CANCELLED: frozenset(),
}


class FollowUpKind(models.TextChoices):
    CALLBACK = "CALLBACK", _("Callback")
    CARE_CALL = "CARE_CALL", _("Care call")
    VISIT = "VISIT", _("Visit")
    REMINDER = "REMINDER", _("Reminder")
    TASK = "TASK", _("Task")


# Kinds of which the customer hears at the moment they are planned for.
MEETS_CUSTOMER = frozenset({FollowUpKind.CALLBACK, FollowUpKind.CARE_CALL, FollowUpKind.VISIT})


class AttemptOutcome(models.TextChoices):
    REACHED = "REACHED", _("Reached")
    NO_ANSWER = "NO_ANSWER", _("No answer")
    BUSY = "BUSY", _("Busy")
    WRONG_NUMBER = "WRONG_NUMBER", _("Wrong number")


class FollowUpAct(models.TextChoices):
    """What a history row of a follow-up tells."""

    OWED = "OWED", _("Promised")
    TAKEN = "TAKEN", _("Taken from the pool")
    REASSIGNED = "REASSIGNED", _("Given to another person")
    RESCHEDULED = "RESCHEDULED", _("Moved")
    REMINDED = "REMINDED", _("Owner reminded")
    HANDED_OVER = "HANDED_OVER", _("Handed to the lead")
    DONE = "DONE", _("Done")
    CANCELLED = "CANCELLED", _("Cancelled")
