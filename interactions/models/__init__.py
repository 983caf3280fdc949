"""Every contact taken, what it was about, and the calls telephony reports. One file per thing."""

from interactions.models.calls import Call, CallEvent
from interactions.models.contacts import Interaction, InteractionMove
from interactions.models.topics import Topic

__all__ = ["Call", "CallEvent", "Interaction", "InteractionMove", "Topic"]
