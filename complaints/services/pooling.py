"""Given to somebody else by the clock: what nobody accepted or assessed in time (D§10.3, 23)."""

from __future__ import annotations

from datetime import datetime

from complaints.lifecycle import ClockKind, Deed, HandoverRole, SeatWhy, State
from complaints.services.ground import clocks_for, locked_case, remember, ring, save_case, seat
from complaints.services.working import assign_complaint
from complaints.watching.taking import COORDINATOR, Superiors


def back_to_pool(case_id: int, now: datetime) -> bool:
    """Whoever it was given to did not accept it: it waits for anybody of the unit, with a new time to accept. False if
    somebody accepted it meanwhile, or it waits there already."""
    case = locked_case(case_id)
    if case.state != State.ASSIGNED or case.handler is None:
        return False
    assign_complaint(case_id, actor=None, unit=case.work_unit)
    return True


def to_coordinator(case_id: int, now: datetime) -> bool:
    """Nobody of its unit assessed it: the coordinator does, with a new time for it; who answers for it stays. Once:
    False if it was assessed meanwhile, somebody has it already, or there is no coordinator (the lead hears of it all
    the same)."""
    case = locked_case(case_id)
    if case.state != State.ACKNOWLEDGED or case.handler is not None:
        return False
    coordinator = Superiors(now).holder(COORDINATOR, case.work_unit, case.about_staff_id)
    if coordinator is None or coordinator.pk == case.not_handler_id:
        return False
    case.handler = coordinator
    clocks = clocks_for(case, None)
    clocks.start(clocks.duty(ClockKind.ASSESS))
    save_case(case, "handler")
    seat(case, coordinator, SeatWhy.RAISED)
    detail = {"to": coordinator.pk, "role": HandoverRole.HANDLER.value}
    row = remember(case, Deed.ORDERED, actor=None, detail=detail)
    until = clocks.open[ClockKind.ASSESS.value].due_at
    ring(case, coordinator, "to_assess", row.ref, until_at=until.isoformat() if until is not None else "")
    return True
