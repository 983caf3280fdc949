"""A kept score as it counts today, with what led to it: for panel, page, letter and the rights desk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from billing.credit.explaining import what_would_raise, why
from billing.credit.grading import Manual, Standing
from billing.credit.rules import CreditRules
from billing.credit.scorecard import CreditFacts, Score, score
from billing.credit.service import counting_grade, facts_in, standing_in
from billing.models import CreditScore
from foundation.common.explain import Explanation

TONES = {"A": "ok", "B": "ok", "C": "info", "D": "warn", "E": "danger"}


@dataclass(frozen=True)
class Counting:
    """A score on a day. `held`: what counts then, `by_hand` whether a hand set it."""

    row: CreditScore
    rules: CreditRules
    facts: CreditFacts
    found: Score
    held: Standing
    by_hand: bool

    def why(self) -> Explanation:
        return why(self.facts, self.found, self.held, self.rules)

    def what_would_raise(self) -> Explanation:
        return what_would_raise(self.facts, self.rules)


def counting_of(row: CreditScore, manual: Manual | None, day: date, rules: Mapping[str, Any]) -> Counting:
    """A kept score as it counts on a day. `rules`: as they are kept with the run of its month."""
    known, facts = CreditRules.from_json(dict(rules)), facts_in(row)
    held, grade = standing_in(row), counting_grade(row, manual, day)
    by_score = row.grade_on(day)
    if by_score != held.by_score:  # the fall has come
        held = replace(held, by_score=by_score, falls_to="", falls_on=None)
    limit = 0 if facts.fraud else known.limit_of(grade, facts.monthly)
    held = replace(held, grade=grade, limit=limit, grace_days=known.grace_days(grade))
    return Counting(row, known, facts, score(facts, known), held, grade != by_score)


def begins_of(known: Iterable[tuple[date, str]]) -> date | None:
    """From which month on the newest grade has held without a break, of (month, grade) in any order."""
    since, grade = None, ""
    for month, one in sorted(known, reverse=True):
        if grade and one != grade:
            break
        since, grade = month, one
    return since
