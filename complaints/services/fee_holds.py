"""A disputed fee is held out of dunning and late fee until the answer (D§10.11); billing keeps the holds."""

from __future__ import annotations

from collections.abc import Iterable

from billing.services import hold_dispute, release_dispute
from complaints.lifecycle import OPEN, State
from complaints.models import Complaint, ComplaintLine, ComplaintMove
from staff.models import User

ANSWERED = frozenset({State.DECIDED.value, State.ACCEPTED.value, State.CALLBACK.value})
HOLDING = frozenset(OPEN) - ANSWERED


def follow_moves(moves: Iterable[ComplaintMove]) -> None:
    """After moves of cases, in their transaction: what open cases dispute is held, what was answered released."""
    moved = {move.complaint_id: move for move in moves if move.new and move.complaint.disputed_fee}
    for move in moved.values():
        follow_dispute(move.complaint, actor=move.actor)


def follow_dispute(case: Complaint, *, actor: User | None) -> None:
    """Bring the hold of one case to what the case says now."""
    if case.customer is None or case.is_imported:
        return
    source = f"complaint:{case.pk}"
    if not case.disputed_fee or case.state not in HOLDING:
        release_dispute(source=source, actor=actor)
        return
    lines = ComplaintLine.objects.filter(complaint=case).values_list("subscription_id", flat=True)
    hold_dispute(
        customer=case.customer, amount=case.amount or None, source=source, actor=actor, subscriptions=list(lines)
    )
