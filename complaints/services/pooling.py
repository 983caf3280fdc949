"""Back to the pool: what nobody accepted in time (D§10.3)."""

from __future__ import annotations

from datetime import datetime

from complaints.lifecycle import State
from complaints.services.ground import locked_case
from complaints.services.working import assign_complaint


def back_to_pool(case_id: int, now: datetime) -> bool:
    """Whoever it was given to did not accept it: it waits for anybody of the unit, with a new time to accept. False if
    somebody accepted it meanwhile, or it waits there already."""
    case = locked_case(case_id)
    if case.state != State.ASSIGNED or case.handler is None:
        return False
    assign_complaint(case_id, actor=None, unit=case.work_unit)
    return True
