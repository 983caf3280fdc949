"""The numbers of the ladder as one value: what the policies say on a day (D§13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import time
from decimal import Decimal
from typing import Any

from billing.dunning.owing import FeeRules

GRACE: Mapping[str, int] = {"A": 15, "B": 10, "C": 5, "D": 2, "E": 0}


@dataclass(frozen=True)
class Ladder:
    """Days are counted from the due date unless the name says otherwise. `notice_at`: when a day's message leaves;
    `acts_from`, `acts_until`: hours in which services are suspended and ended (D§13.5)."""

    reminders: tuple[int, int] = (5, 1)
    overdue: tuple[int, int] = (1, 7)
    call_day: int = 15
    call_from: Decimal = Decimal(50)
    warning_day: int = 20
    warning_before: int = 5
    final_hours: int = 48
    suspension_day: int = 31
    grace: Mapping[str, int] = field(default_factory=lambda: dict(GRACE))
    two_way_after: int = 15
    ending_notice_after: int = 46
    ending_after: int = 61
    ending_notice_days: int = 14
    manager_wait: int = 3
    enterprise_contact_day: int = 5
    enterprise_notice_before: int = 7
    reversal_hours: int = 48
    restore_hours: int = 24
    notice_at: time = time(9)
    acts_from: time = time(9)
    acts_until: time = time(17)
    fees: FeeRules = field(default_factory=FeeRules)
    write_off_months: int = 24

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a case or a rehearsal: amounts and times are texts."""
        return _plain(asdict(self))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Decimal | time) else value
