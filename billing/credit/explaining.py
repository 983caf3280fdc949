"""Why a credit score came out so, and what would raise it, in words: from the facts and the rules alone (D§5.11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from billing.credit.grading import Standing
from billing.credit.rules import CreditRules
from billing.credit.scorecard import CreditFacts, Score, has_long_contract, months_since, score
from foundation.calendars.working_time import add_months
from foundation.common.explain import Explanation

SCORE, GRADE = "credit.score", "credit.grade"
MOST_MONTHS_AHEAD = 24


def why(facts: CreditFacts, found: Score, held: Standing, rules: CreditRules) -> Explanation:
    """The steps from what is known to score, grade, limit and grace days."""
    told = Explanation()
    _basis(facts, found, rules, told)
    _held(facts, found, rules, told)
    _cap(found, rules, told)
    told.add("score", found.total, SCORE, _("%(value)s of 100 points together."), "D§6.5")
    _grade(facts, found, held, rules, told)
    return told


def what_would_raise(facts: CreditFacts, rules: CreditRules) -> Explanation:
    """Single changes that would give more points, each with the score and grade it would lead to."""
    told, now = Explanation(), score(facts, rules)
    for name, effect, changed in _changes(facts, rules):
        then = score(changed, rules)
        if then.total > now.total:
            told.add(name, then.total - now.total, SCORE, effect, "D§6.5-6.7", score=then.total, grade=then.grade)
    return told


def _basis(facts: CreditFacts, found: Score, rules: CreditRules, told: Explanation) -> None:
    points = {term: _short(value) for term, value in found.points.items()}
    if found.basis == "BILLS":
        most = rules.points["punctuality"]
        told.add(
            "punctuality",
            points["punctuality"],
            SCORE,
            _("%(value)s of %(most)s points: %(on_time)s of %(due)s bills of the last 12 months were paid in time."),
            "D§6.5",
            most=most,
            on_time=facts.on_time,
            due=facts.due,
        )
        told.add(
            "arrears",
            points["arrears"],
            SCORE,
            _(
                "%(value)s of %(most)s points: %(suspensions)s suspensions for arrears, %(late)s bills over %(days)s "
                "days late."
            ),
            "D§6.5",
            most=rules.points["arrears"],
            suspensions=facts.suspensions,
            late=facts.late,
            days=rules.arrears["late_days"],
        )
        months = months_since(facts.since, facts.day)
        told.add(
            "tenure",
            points["tenure"],
            SCORE,
            _("%(value)s points for %(months)s months as a customer."),
            "D§6.5",
            months=months if months is not None else 0,
        )
    else:
        words = (
            _("%(value)s points to begin with: in the first %(months)s months there are no habits to judge by.")
            if found.basis == "FIRST_MONTHS"
            else _("%(value)s points to begin with: no bill fell due in the last 12 months.")
        )
        told.add("base", points["base"], SCORE, words, "D§6.6", months=rules.first["months"])
    monthly = facts.monthly if found.basis == "BILLS" else facts.fee or Decimal(0)
    told.add(
        "spend",
        points["spend"],
        SCORE,
        _("%(value)s points for %(monthly)s CNY a month."),
        "D§6.5, 6.6",
        monthly=f"{monthly:.2f}",
    )


def _held(facts: CreditFacts, found: Score, rules: CreditRules, told: Explanation) -> None:
    there = {
        "auto_debit": (
            facts.auto_debit,
            _("%(value)s points: bills are paid by standing order or bank collection."),
            _("%(value)s points: bills are not paid by standing order or bank collection."),
        ),
        "identity": (
            facts.identity,
            _("%(value)s points: the identity is verified."),
            _("%(value)s points: the identity is not verified."),
        ),
        "contract": (
            has_long_contract(facts, rules),
            _("%(value)s points: a contract has more than %(months)s months left."),
            _("%(value)s points: no contract has more than %(months)s months left."),
        ),
    }
    for term, (held, yes, no) in there.items():
        points = _short(found.points[term])
        told.add(term, points, SCORE, yes if held else no, "D§6.5", months=rules.contract_months)


def _cap(found: Score, rules: CreditRules, told: Explanation) -> None:
    words = {
        "written_off": _("A debt was written off and is not paid: the score is 0."),
        "black_listed": _("The customer is on the list of refused customers: the score is 0."),
        "two_way": _("Barred both ways for arrears: the score is at most %(value)s."),
    }
    if found.cap:
        told.add(found.cap, rules.two_way_most if found.cap == "two_way" else 0, SCORE, words[found.cap], "D§6.7")


def _grade(facts: CreditFacts, found: Score, held: Standing, rules: CreditRules, told: Explanation) -> None:
    own = found.grade
    begins = rules.grades[own]["from"]
    told.add(
        "grade", own, GRADE, _("The score gives grade %(value)s (from %(begins)s points)."), "D§6.8", begins=begins
    )
    if found.basis != "BILLS" and rules.grade_of(found.total) != own:
        told.add("first_best", own, GRADE, _("Grade %(value)s is the best without bills to judge by."), "D§6.6")
    if held.falls_on is not None:
        told.add(
            "falls_on",
            held.falls_on.isoformat(),
            GRADE,
            _("A lower grade by score begins with the next bill month: %(falls_to)s from %(value)s on."),
            "D§6.9",
            falls_to=held.falls_to,
        )
    if held.grade != held.by_score:
        told.add("by_hand", held.grade, GRADE, _("Grade %(value)s was set by hand for a time."), "D§6.9")
    if facts.fraud:
        told.add("limit", 0, GRADE, _("A hold for fraud stands: the limit is %(value)s CNY."), "D§6.7")
    else:
        told.add(
            "limit",
            held.limit,
            GRADE,
            _("Limit %(value)s CNY: %(factor)s times %(monthly)s CNY a month in whole tens, at most %(cap)s."),
            "D§6.8",
            factor=str(rules.grades[held.grade]["factor"]),
            monthly=f"{facts.monthly:.2f}",
            cap=rules.grades[held.grade]["cap"],
        )
    told.add(
        "grace_days",
        held.grace_days,
        GRADE,
        _("%(value)s days of grace are added before a suspension."),
        "D§6.8",
    )


def _changes(facts: CreditFacts, rules: CreditRules) -> Iterator[tuple[str, str, CreditFacts]]:
    if facts.written_off:
        yield (
            "written_off",
            _("Paying the debt that was written off would give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, written_off=False),
        )
    if facts.two_way:
        yield (
            "two_way",
            _("Paying what is overdue would end the bar and give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, two_way=False),
        )
    if facts.on_time < facts.due:
        yield (
            "punctuality",
            _("Twelve months of bills paid in time would give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, on_time=facts.due, late=0, suspensions=0),
        )
    if not facts.auto_debit:
        yield (
            "auto_debit",
            _("Paying by standing order or bank collection would give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, auto_debit=True),
        )
    if not facts.identity:
        yield (
            "identity",
            _("Having the identity verified would give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, identity=True),
        )
    if not has_long_contract(facts, rules):
        end = add_months(facts.day, rules.contract_months + MOST_MONTHS_AHEAD)
        yield (
            "contract",
            _("A contract with more than half a year left would give %(value)s more: %(score)s, grade %(grade)s."),
            replace(facts, contract_end=end),
        )
    if facts.since is not None:
        months = months_since(facts.since, facts.day) or 0
        ahead = [int(bound) for bound in rules.tenure if months < int(bound) <= months + MOST_MONTHS_AHEAD]
        if ahead and facts.due:
            yield (
                "tenure",
                _("Staying a customer brings %(value)s more within two years: %(score)s, grade %(grade)s."),
                replace(facts, since=add_months(facts.since, months - min(ahead))),
            )


def _short(points: Decimal) -> str:
    return f"{points:.1f}".removesuffix(".0")
