"""First-ask matters and suggestions: their stages, what may follow what, and the codes of their history (D§9)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class MatterState(models.TextChoices):
    """How far a matter is that was not answered in its contact. There is no "not my department" (D§9.2)."""

    OPEN = "OPEN", _("Being worked on")
    ANSWERED = "ANSWERED", _("Answered, customer not told yet")
    TOLD = "TOLD", _("Customer told")
    REFERRED = "REFERRED", _("Another company's, contact given")
    SECURED = "SECURED", _("With security")


MATTER_MOVES: dict[str, frozenset[str]] = {
    MatterState.OPEN: frozenset({MatterState.ANSWERED, MatterState.TOLD, MatterState.REFERRED, MatterState.SECURED}),
    MatterState.ANSWERED: frozenset({MatterState.TOLD}),
    MatterState.TOLD: frozenset(),
    MatterState.REFERRED: frozenset(),
    MatterState.SECURED: frozenset(),
}
MATTER_OPEN = (MatterState.OPEN, MatterState.ANSWERED)


class WhyOwner(models.TextChoices):
    """Why this person answers for the matter (D§9.2-9.4)."""

    FIRST_ASKED = "FIRST_ASKED", _("Was asked first")
    SENIOR = "SENIOR", _("Two were asked, the senior one answers for it")
    ABOUT_STAFF = "ABOUT_STAFF", _("The one asked is complained of, the lead answers for it")
    SECURITY = "SECURITY", _("Threat or crime, the lead answers for it")
    ACCEPTED = "ACCEPTED", _("Accepted it from a colleague")
    ORDERED = "ORDERED", _("By order of a lead")
    SHIFT = "SHIFT", _("Shift lead until the owner is back")
    RETURNED = "RETURNED", _("Came back with the next shift")


class MatterAct(models.TextChoices):
    """What a history row of a matter tells."""

    OPENED = "OPENED", _("Taken up")
    PASSED_ON = "PASSED_ON", _("Given to a colleague to work on")
    OFFERED = "OFFERED", _("Offered to another owner")
    ACCEPTED = "ACCEPTED", _("Accepted by the new owner")
    REFUSED = "REFUSED", _("Offer refused")
    LAPSED = "LAPSED", _("Offer not answered")
    WITHDRAWN = "WITHDRAWN", _("Offer withdrawn")
    ORDERED = "ORDERED", _("Given to another owner by order")
    KEPT = "KEPT", _("Shift ended, the shift lead answers for it")
    RETURNED = "RETURNED", _("Back with its owner")
    REMINDED = "REMINDED", _("Owner reminded")
    ESCALATED = "ESCALATED", _("Brought to the lead")
    ANSWERED = "ANSWERED", _("Answered")
    TOLD = "TOLD", _("Customer told")
    REFERRED = "REFERRED", _("Right contact given")
    SECURED = "SECURED", _("Taken over by security")


# What stands on the customer's timeline.
TELLING = (MatterAct.PASSED_ON, MatterAct.ACCEPTED, MatterAct.ORDERED, MatterAct.ANSWERED, MatterAct.TOLD)


class OfferState(models.TextChoices):
    OPEN = "OPEN", _("Waits for an answer")
    ACCEPTED = "ACCEPTED", _("Accepted")
    REFUSED = "REFUSED", _("Refused")
    LAPSED = "LAPSED", _("Not answered in time")
    WITHDRAWN = "WITHDRAWN", _("Withdrawn")


class ToldHow(models.TextChoices):
    """How the customer got the answer."""

    CALL = "CALL", _("By telephone")
    IN_PERSON = "IN_PERSON", _("Face to face")
    MESSAGE = "MESSAGE", _("By message")
    LETTER = "LETTER", _("By letter")


class ShiftEdge(models.TextChoices):
    BEGIN = "BEGIN", _("Shift began")
    END = "END", _("Shift ended")


class SuggestionState(models.TextChoices):
    RECEIVED = "RECEIVED", _("Received")
    REVIEWED = "REVIEWED", _("Reviewed")
    ADOPTED = "ADOPTED", _("Adopted")
    NOT_ADOPTED = "NOT_ADOPTED", _("Not adopted")
    KNOWN = "KNOWN", _("Known already")
    ANSWERED = "ANSWERED", _("Answered")


SUGGESTION_MOVES: dict[str, frozenset[str]] = {
    SuggestionState.RECEIVED: frozenset({SuggestionState.REVIEWED}),
    SuggestionState.REVIEWED: frozenset({SuggestionState.ADOPTED, SuggestionState.NOT_ADOPTED, SuggestionState.KNOWN}),
    SuggestionState.ADOPTED: frozenset({SuggestionState.ANSWERED}),
    SuggestionState.NOT_ADOPTED: frozenset({SuggestionState.ANSWERED}),
    SuggestionState.KNOWN: frozenset({SuggestionState.ANSWERED}),
    SuggestionState.ANSWERED: frozenset(),
}
VERDICTS = (SuggestionState.ADOPTED, SuggestionState.NOT_ADOPTED, SuggestionState.KNOWN)


class WhyNot(models.TextChoices):
    """Why a suggestion is not adopted; the answer says it in words."""

    COST = "COST", _("It costs more than it brings")
    TECHNICAL = "TECHNICAL", _("It cannot be built today")
    RULES = "RULES", _("Law or regulation stands against it")
    FEW = "FEW", _("Too few customers would gain by it")
    OTHER = "OTHER", _("Other reason")


class SuggestionAct(models.TextChoices):
    RECEIVED = "RECEIVED", _("Received")
    REVIEWED = "REVIEWED", _("Reviewed")
    DECIDED = "DECIDED", _("Decided")
    ANSWERED = "ANSWERED", _("Author answered")
    DONE = "DONE", _("Put into effect, author told")
    REMINDED = "REMINDED", _("Owner reminded")
    ESCALATED = "ESCALATED", _("Brought to the lead")
