"""What other systems are told of contacts: that there is one, and that it was written up (TMF683 events)."""

from __future__ import annotations

from foundation.rest.hub import Happened, tell
from interactions.models import Interaction

NAME = "partyInteraction"
CREATED, CHANGED = "PartyInteractionCreateEvent", "PartyInteractionStatusChangeEvent"
OPEN, COMPLETED = "open", "completed"


def tell_started(contact: Interaction) -> None:
    """Write the event of a contact that begins, in its transaction."""
    tell(NAME, [Happened(CREATED, contact.pk, {"status": OPEN})])


def tell_completed(contact: Interaction) -> None:
    """The same of one that was written up."""
    tell(NAME, [Happened(CHANGED, contact.pk, {"status": COMPLETED})])
