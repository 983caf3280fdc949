"""What other systems are told of complaints: that there is one, and each change of its status (TMF621 events)."""

from __future__ import annotations

from collections.abc import Sequence

from complaints.lifecycle import Act, PauseReason
from complaints.models import ComplaintMove
from complaints.rest.ticket_values import status_of
from foundation.rest.hub import Happened, tell

CREATED, CHANGED = "TroubleTicketCreateEvent", "TroubleTicketStatusChangeEvent"


def tell_of(moves: Sequence[ComplaintMove]) -> None:
    """Write the events of these moves, in their transaction. Steps of ours within one status are none, and nobody is
    told of a record of the past."""
    events = []
    for move in moves:
        case = move.complaint
        if case.is_imported or not move.new:
            continue
        status = status_of(move.new, case.pause_reason)
        if move.act == Act.REGISTER:
            events.append(Happened(CREATED, case.pk, {"status": status}))
        elif not move.old or status_of(move.old, PauseReason.CUSTOMER_INFO) != status:
            events.append(Happened(CHANGED, case.pk, {"status": status}))
    tell("troubleTicket", events)
