"""Every contact taken, what it was about, what it left behind, and the calls telephony reports. One file per thing."""

from interactions.models.calls import Call, CallEvent
from interactions.models.contacts import Interaction, InteractionMove
from interactions.models.matters import Matter, MatterMove, MatterNotice, MatterOffer, ShiftTurn
from interactions.models.places import ContactPlace
from interactions.models.quality import QualityMark
from interactions.models.rights import RightsMove, RightsRequest
from interactions.models.suggestions import Suggestion, SuggestionMove, SuggestionNotice
from interactions.models.topics import Topic
from interactions.models.verdicts import ContactFigure, ContactVerdict

__all__ = [
    "Call",
    "CallEvent",
    "ContactFigure",
    "ContactPlace",
    "ContactVerdict",
    "Interaction",
    "InteractionMove",
    "Matter",
    "MatterMove",
    "MatterNotice",
    "MatterOffer",
    "QualityMark",
    "RightsMove",
    "RightsRequest",
    "ShiftTurn",
    "Suggestion",
    "SuggestionMove",
    "SuggestionNotice",
    "Topic",
]
