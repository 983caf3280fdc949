"""Which mark of which clock goes to whom (D§10.7, 23): the one table of escalation, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from complaints.lifecycle import ClockKind, Grade
from complaints.watching.taking import DEPT_HEAD, DIRECTOR, GM, HANDLER, LEAD, QA

GRAVE = (Grade.MAJOR, Grade.SKIP_LEVEL)
PERCENT, DAY = "P", "D"
RANKS: dict[str, int] = {HANDLER: 0, LEAD: 1, DEPT_HEAD: 2, QA: 2, DIRECTOR: 3, GM: 4}
# Not a mark of a clock: a grave case is brought to the director as soon as it is one.
GRADE_MARK = 0


@dataclass(frozen=True)
class Rung:
    """Whom a mark goes to. `at_once`: their bells ring at any hour, and they get a message; else in working hours.
    `customer`: the customer hears of the lateness with a new date."""

    roles: tuple[str, ...]
    at_once: bool = False
    customer: bool = False

    @property
    def level(self) -> int:
        """How high it goes: 0 who works on it, 1 their lead, 2 the department, 3 director, 4 general manager."""
        return max(RANKS[role] for role in self.roles)

    @property
    def reminds(self) -> bool:
        """Whether it only reminds who works on it."""
        return self.roles == (HANDLER,)


_TO_LEAD = Rung((LEAD,))
LADDER: dict[tuple[str, str, int], Rung] = {
    (ClockKind.SERVICE, PERCENT, 50): Rung((HANDLER,)),
    (ClockKind.SERVICE, PERCENT, 75): Rung((LEAD,)),
    (ClockKind.SERVICE, PERCENT, 100): Rung((DEPT_HEAD, QA), at_once=True, customer=True),
    (ClockKind.SERVICE, PERCENT, 150): Rung((DIRECTOR,), at_once=True),
    (ClockKind.STATUTORY, DAY, 10): Rung((DIRECTOR,)),
    (ClockKind.STATUTORY, DAY, 13): Rung((GM,)),
    (ClockKind.STATUTORY, PERCENT, 100): Rung((DEPT_HEAD, QA, DIRECTOR, GM), at_once=True, customer=True),
    (ClockKind.ACKNOWLEDGE, PERCENT, 100): _TO_LEAD,
    (ClockKind.ASSESS, PERCENT, 100): _TO_LEAD,
    (ClockKind.ACCEPT, PERCENT, 100): _TO_LEAD,
    (ClockKind.FIRST_CONTACT, PERCENT, 100): Rung((HANDLER,)),
    (ClockKind.FIRST_CONTACT, PERCENT, 150): _TO_LEAD,
    (ClockKind.PROGRESS, PERCENT, 100): Rung((HANDLER,)),
    (ClockKind.PROGRESS, PERCENT, 150): _TO_LEAD,
    (ClockKind.CALLBACK, PERCENT, 100): _TO_LEAD,
    (ClockKind.LEAD_CONTACT, PERCENT, 100): Rung((DEPT_HEAD,)),
    (ClockKind.MANAGER, PERCENT, 100): Rung((DEPT_HEAD,)),
}
BROUGHT_UP = Rung((DIRECTOR,), at_once=True)


def rung_of(kind: str, unit: str, amount: int, grade: str) -> Rung | None:
    """Whom the mark goes to for a case of this grade; None where it goes to nobody.

    A grave case brings its half to the general manager too, and all its marks at once (D§10.7).
    """
    if kind == ClockKind.SERVICE and amount == GRADE_MARK:
        return BROUGHT_UP if grade in GRAVE else None
    rung = LADDER.get((kind, unit, amount))
    if rung is None or grade not in GRAVE:
        return rung
    if (kind, unit, amount) == (ClockKind.SERVICE, PERCENT, 50):
        return Rung((HANDLER, GM), at_once=True)
    return replace(rung, at_once=True)
