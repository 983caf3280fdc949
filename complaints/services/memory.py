"""What is kept of an act on a case: history row, audit entry, line on the customer's timeline; of one or of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from complaints.lines import TELLING
from complaints.models import Complaint, ComplaintMove
from complaints.rest.telling import tell_of
from complaints.services.fee_holds import follow_moves
from customers.models import TimelineLine
from customers.timeline import add_lines
from foundation.audit.models import AuditEntry
from foundation.audit.services import entry_of, record_many
from foundation.common import clock
from staff.models import User

LONGEST_REASON = 400


@dataclass(frozen=True)
class Memory:
    """What is kept of one act, not written yet."""

    row: ComplaintMove
    entry: AuditEntry
    line: TimelineLine | None


def memory_of(
    case: Complaint,
    act: str,
    *,
    actor: User | None,
    stands_for: User | None,
    readings: dict[str, dict[str, int]],
    old: str = "",
    new: str = "",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> Memory:
    """What to keep of an act on a locked case as it stands after it; the rest as `ground.remember`."""
    row = ComplaintMove(
        complaint=case,
        at=clock.now(),
        act=act,
        old=old,
        new=new,
        actor=actor,
        on_behalf_of=stands_for,
        handler=case.handler,
        unit=case.work_unit,
        reason=reason.strip()[:LONGEST_REASON],
        readings=readings,
    )
    entry = entry_of(
        f"complaint.{act.lower()}",
        target=case,
        actor=actor,
        customer_id=case.customer_id,
        unit_id=case.owner.unit_id,
        on_behalf_of=stands_for,
        detail={"owner": case.owner_id, "handler": case.handler_id, "state": case.state, **(detail or {})},
    )
    line = None
    if act in TELLING and case.customer_id is not None:
        line = TimelineLine(
            customer_id=case.customer_id,
            kind=f"complaint.{act.lower()}",
            ref_id=case.pk,
            params={"number": case.number, "state": case.state},
            actor_id=actor.pk if actor is not None else None,
            unit_id=case.owner.unit_id,
        )
    return Memory(row, entry, line)


def remember_many(memories: Sequence[Memory]) -> None:
    """Write what is kept, in the caller's transaction: three statements for up to a thousand acts, and one that asks
    which programs are told of it. Fees the cases dispute are held or released with it."""
    ComplaintMove.objects.bulk_create([one.row for one in memories], batch_size=1_000)
    record_many([one.entry for one in memories])
    add_lines([one.line for one in memories if one.line is not None])
    follow_moves([one.row for one in memories])
    tell_of([one.row for one in memories])
