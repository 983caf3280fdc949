"""A case as it stands now, for whoever looks: nothing is taken or written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from billing.dunning.explaining import explain, what_would_change, why_step
from billing.dunning.ladder import Course, Position, ahead_of, state_of
from billing.dunning.policies import ladder_in_force
from billing.dunning.reading import memory_of, read_facts
from billing.dunning.running import acting_days
from billing.models import DunningCase
from foundation.common import clock


def case_now(case: DunningCase, now: datetime | None = None) -> dict[str, Any]:
    """What is to be paid, what follows, and why, in the reader's language: amounts, moments and sentences."""
    now = now or clock.now()
    ladder, days = ladder_in_force(now), acting_days()
    facts = read_facts(case.account, case, now)
    course = Course(facts, ladder, days, memory_of(case))
    seen = course.settle(now)
    ahead = tuple(ahead_of(course, now)) if case.closed_at is None else ()
    found = Position(state_of(course.memory, seen, ladder), (), ahead, seen, course.memory, None)
    due = seen.track.due_date.isoformat() if seen.track is not None else ""
    return {
        "to_pay": seen.overdue,
        "late_fee": seen.late_fee,
        "open": found.open_principal,
        "ahead": [
            {
                "step": one.step.value,
                "at": one.at,
                "needs": one.needs.value,
                "why": " ".join(why_step(one.step, one.at, due, facts, ladder, one.nominal).in_words()),
            }
            for one in ahead
        ],
        "why": explain(found, facts, ladder, days).in_words(),
        "change": what_would_change(found, facts, ladder).in_words(),
    }
