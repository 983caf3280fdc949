"""Codes of a contact, and what may follow what in a telephone call."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Channel(models.TextChoices):
    """Where a contact comes in (D§4)."""

    HOTLINE = "HOTLINE", _("Hotline")
    HALL_OWN = "HALL_OWN", _("Own hall")
    HALL_PARTNER = "HALL_PARTNER", _("Partner hall")
    AGENT_SHOP = "AGENT_SHOP", _("Agent shop")
    WEB = "WEB", _("Website")
    APP = "APP", _("App")
    SMS = "SMS", _("SMS")
    EMAIL = "EMAIL", _("E-mail")
    LETTER = "LETTER", _("Letter")
    SOCIAL = "SOCIAL", _("Social media")
    IM = "IM", _("Messenger")
    VISIT = "VISIT", _("Visit")
    PARTNER = "PARTNER", _("Partner")


class Kind(models.TextChoices):
    CONSULT = "CONSULT", _("Question")
    COMPLAINT = "COMPLAINT", _("Complaint")
    SUGGESTION = "SUGGESTION", _("Suggestion")
    FAULT = "FAULT", _("Fault")
    SUPPORT = "SUPPORT", _("Support")
    SALES = "SALES", _("Sales")
    CARE = "CARE", _("Care")
    CALLBACK = "CALLBACK", _("Callback")
    PRAISE = "PRAISE", _("Praise")


class Phase(models.TextChoices):
    PRE = "PRE", _("Before the service")
    IN = "IN", _("During the service")
    AFTER = "AFTER", _("After the service")


class Direction(models.TextChoices):
    INBOUND = "INBOUND", _("Incoming")
    OUTBOUND = "OUTBOUND", _("Outgoing")


class Caller(models.TextChoices):
    CUSTOMER = "CUSTOMER", _("The customer")
    ON_BEHALF = "ON_BEHALF", _("On behalf of the customer")
    WRONG_NUMBER = "WRONG_NUMBER", _("Wrong number")
    UNKNOWN = "UNKNOWN", _("Unknown caller")


class Verified(models.TextChoices):
    NONE = "NONE", _("Not verified")
    ID_DOCUMENT = "ID_DOCUMENT", _("Document seen")
    PASSWORD = "PASSWORD", _("Service password")
    CODE = "CODE", _("Code to the phone")
    QUESTIONS = "QUESTIONS", _("Questions answered")


class Result(models.TextChoices):
    """How the contact ended. "Not my department" is deliberately none of them (D§9.2)."""

    RESOLVED = "RESOLVED", _("Solved on the spot")
    ANSWERED = "ANSWERED", _("Answered")
    FOLLOW_UP = "FOLLOW_UP", _("We act and report back")
    PASSED_ON = "PASSED_ON", _("Passed to a colleague")
    REFERRED = "REFERRED", _("Another company's matter, contact given")
    SECURITY = "SECURITY", _("Threat or crime, lead informed")
    CASE = "CASE", _("Complaint case taken up")
    NO_RESULT = "NO_RESULT", _("Broken off")
    WRONG_NUMBER = "WRONG_NUMBER", _("Wrong number")


# Said by the taking of a case, never chosen by hand.
NOT_CHOSEN = frozenset({Result.CASE})
# With these the matter is not over: somebody must owe the next step (D§9.1, 9.2).
NEEDS_NEXT_ACTION = frozenset({Result.FOLLOW_UP, Result.PASSED_ON})
# These leave a first-ask matter behind: an owner who answers for it until the customer knows (D§9.2, 9.3b).
LEAVES_MATTER = NEEDS_NEXT_ACTION | {Result.SECURITY}
# Channels whose contacts are noted by hand, with the account or address on the other side (INT-11, INT-12).
BY_HAND = frozenset({Channel.IM, Channel.SOCIAL})
# Kinds that count for solving in the first contact (D§25).
JUDGED_KINDS = (Kind.CONSULT, Kind.COMPLAINT, Kind.FAULT)
_PHASES = {
    Kind.SALES: Phase.PRE,
    Kind.COMPLAINT: Phase.AFTER,
    Kind.CARE: Phase.AFTER,
    Kind.CALLBACK: Phase.AFTER,
    Kind.PRAISE: Phase.AFTER,
}


def usual_phase(kind: str) -> str:
    """The phase of a contact of this kind when nobody says another."""
    return _PHASES.get(Kind(kind), Phase.IN)


class ContactAct(models.TextChoices):
    STARTED = "STARTED", _("Started")
    VERIFIED = "VERIFIED", _("Caller verified")
    LINKED = "LINKED", _("Customer found")
    ATTACHED = "ATTACHED", _("Attached to a customer")
    LOGGED = "LOGGED", _("Logged")
    ENDED = "ENDED", _("Ended")


class CallState(models.TextChoices):
    RINGING = "RINGING", _("Ringing")
    ANSWERED = "ANSWERED", _("Answered")
    ENDED = "ENDED", _("Ended")


CALL_LIVE = (CallState.RINGING, CallState.ANSWERED)
