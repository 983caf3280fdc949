"""From a score to the grade that counts: up at once, down with the next bill month, by hand for a while (D§6.8-6.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from billing.credit.rules import BEST_FIRST, CreditRules, better
from billing.credit.scorecard import CreditFacts, Score
from foundation.calendars.working_time import add_months
from foundation.common.errors import RuleBroken


@dataclass(frozen=True)
class Manual:
    """A grade set by hand; it counts up to and including `until`."""

    grade: str
    until: date


@dataclass(frozen=True)
class Standing:
    """The grade that counts on a day, and what follows from it. `falls_to` on `falls_on`: a worse grade of the score
    that begins with the next bill month. `by_score`: the grade there would be without a hand."""

    grade: str
    by_score: str
    falls_to: str
    falls_on: date | None
    limit: int
    grace_days: int

    def on(self, day: date) -> str:
        """The grade of the score on a later day, before there is a new score."""
        return self.falls_to if self.falls_on is not None and day >= self.falls_on else self.by_score


def standing(
    facts: CreditFacts, found: Score, before: Standing | None, manual: Manual | None, rules: CreditRules
) -> Standing:
    """What counts from the day of the score on. `before`: what the last score left behind, None for the first."""
    held = found.grade if before is None else before.on(facts.day)
    at_once = facts.written_off or facts.black_listed
    falls = better(held, found.grade) and not at_once
    by_score = held if falls else found.grade
    by_hand = manual is not None and facts.day <= manual.until and not at_once
    grade = manual.grade if manual is not None and by_hand else by_score
    return Standing(
        grade=grade,
        by_score=by_score,
        falls_to=found.grade if falls else "",
        falls_on=add_months(facts.day.replace(day=1), 1) if falls else None,
        limit=0 if facts.fraud else rules.limit_of(grade, facts.monthly),
        grace_days=rules.grace_days(grade),
    )


def by_hand(grade: str, to: str, day: date, rules: CreditRules) -> Manual:
    """A change by hand from `grade`: one grade at most, for as long as the policy says (D§6.9).

    Raises RuleBroken "credit.no_change" for the same grade, "credit.too_far" for more than one grade.
    """
    apart = abs(BEST_FIRST.index(grade) - BEST_FIRST.index(to))
    if apart == 0:
        raise RuleBroken("credit.no_change", _("This is the grade that counts already."))
    if apart > 1:
        raise RuleBroken("credit.too_far", _("By hand the grade changes by one step at most."))
    return Manual(to, add_months(day, rules.manual_months))
