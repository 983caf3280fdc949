"""Why the ladder says what it says, step by step, and what would change it: in words (design §1, D§5.11)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop as _

from billing.dunning.days import ActingDays
from billing.dunning.facts import AccountFacts, AccountKind, HoldKind, Step
from billing.dunning.ladder import Position
from billing.dunning.planning import Needs
from billing.dunning.rules import Ladder
from billing.dunning.words import BLOCKS, GRADE_NOTE, HOLDS, RULES, STEPS
from foundation.common import clock
from foundation.common.explain import Explanation, register_codes

RULE = "billing.dunning"
SHAPE = "%Y-%m-%d %H:%M"

register_codes(RULE, "step", STEPS)
register_codes(RULE, "hold", HOLDS)


def explain(found: Position, facts: AccountFacts, ladder: Ladder, days: ActingDays) -> Explanation:
    """How the position came about, with what follows next."""
    why = Explanation()
    seen, prepaid = found.seen, facts.kind == AccountKind.PREPAID
    if seen.track is None:
        _nothing(why, found)
    elif prepaid:
        words = _("The balance has been used up since %(value)s.")
        why.add("balance", _moment(seen.track.overdue_from), RULE, words, "D§13.5")
    else:
        words = _("The case follows the oldest bill still open, due on %(value)s.")
        why.add("due_date", seen.track.due_date.isoformat(), RULE, words, "D§13.8")
    if seen.overdue:
        words = _("%(value)s CNY is overdue, %(fee)s CNY of it late fee.")
        why.add("overdue", _cny(seen.overdue), RULE, words, "D§13.1", fee=_cny(seen.overdue - seen.due))
    if held := sum((one.held for one in seen.books.standings), Decimal(0)):
        words = _("%(value)s CNY is disputed: neither asked for nor charged with late fee until the answer.")
        why.add("disputed", _cny(held), RULE, words, "D§10.11")
    if credit := seen.books.credit:
        why.add("credit", _cny(credit), RULE, _("%(value)s CNY was paid beyond what is open: a credit."), "D§13.8")
    _fees(why, found, ladder)
    _grace(why, found, facts)
    for hold in seen.holds:
        if hold.end is None:
            words = _("Hold (%(value)s) since %(since)s: no step is taken until it ends.")
            why.add("hold", hold.kind.value, RULE, words, "D§13.7", since=_moment(hold.start))
        else:
            words = _("Hold (%(value)s) until %(until)s: no step is taken; the ladder then goes on where it stood.")
            why.add("hold", hold.kind.value, RULE, words, "D§13.7", until=_moment(hold.end))
    _broken(why, found, facts)
    if found.memory.reversal is not None:
        words = _("A payment was taken back on %(value)s: the debt is back with its due dates, as if never paid.")
        why.add("reversal", _moment(found.memory.reversal), RULE, words, "D§13.9")
    if found.restore_by is not None:
        words = _("Everything overdue is paid: services are promised to work again by %(value)s.")
        why.add("restore", _moment(found.restore_by), RULE, words, "D§13.2")
    if found.ahead:
        _next(why, found, facts, ladder, days)
    if found.debt:
        words = _("The contract has ended; the debt stays. Finance may write it off after %(value)s months.")
        why.add("debt", ladder.write_off_months, RULE, words, "D§13.12")
    return why


def _nothing(why: Explanation, found: Position) -> None:
    if found.seen.overdue:
        words = _("Only late fee is open (%(value)s CNY): for late fee alone nothing is suspended.")
        why.add("late_fee", _cny(found.seen.overdue), RULE, words, "D§13.1")
    elif not found.seen.nothing_late:
        why.add("open", "", RULE, _("All that is overdue is disputed: the ladder rests."), "D§13.7")
    else:
        why.add("open", "", RULE, _("Nothing is open that could fall due."), "D§13.4")


def _fees(why: Explanation, found: Position, ladder: Ladder) -> None:
    for one in found.seen.books.standings:
        if one.fee:
            words = _(
                "Late fee of the bill due on %(due)s: %(value)s CNY, that is %(rate)s ‰ of the open fees for each day "
                "after the due date, at most the fees."
            )
            due = one.bill.due_date.isoformat()
            why.add("late_fee", _cny(one.fee), RULE, words, "D§13.1", due=due, rate=f"{ladder.fees.per_mille:f}")
            last = one.bill.due_date.toordinal() + ladder.fees.free_days
            if clock.today(found.seen.at).toordinal() <= last:
                words = _("It is waived if the bill is paid within %(value)s days of the due date.")
                why.add("free_days", ladder.fees.free_days, RULE, words, "D§13.1")


def _grace(why: Explanation, found: Position, facts: AccountFacts) -> None:
    if found.seen.track is None or found.memory.level:
        return
    words = _("Credit grade %(value)s at the opening of the case: %(days)s days of grace before suspension.")
    why.add("grade", facts.grade, RULE, words, "D§6.8", days=found.seen.grace_days)
    for change in facts.grades:
        if change.at <= found.seen.at:
            why.add("grade", change.grade, RULE, GRADE_NOTE, "D§13.10", at=_moment(change.at))


def _broken(why: Explanation, found: Position, facts: AccountFacts) -> None:
    if found.seen.nothing_late:
        return
    ended = [
        hold
        for hold in facts.holds
        if hold.kind == HoldKind.PROMISE and hold.end is not None and hold.end <= found.seen.at
    ]
    if ended and found.seen.overdue:
        words = _("The promise to pay until %(value)s was not kept in full: the ladder went on where it stood.")
        last = max(hold.end for hold in ended if hold.end is not None)
        why.add("promise", _moment(last), RULE, words, "D§13.7")


def _next(why: Explanation, found: Position, facts: AccountFacts, ladder: Ladder, days: ActingDays) -> None:
    following = found.ahead[0]
    words = _("Next: %(step)s, %(value)s.")
    why.add("next", _moment(following.at), RULE, words, "D§13.4", step=following.step.value)
    if following.needs != Needs.NOTHING:
        why.add("needs", following.needs.value, RULE, BLOCKS[following.needs], "D§13.4")


def why_step(step: Step, at: datetime, due: str, facts: AccountFacts, ladder: Ladder, nominal: datetime | None) -> Any:
    """Why a step is taken when it is, as an explanation of one or two steps. `nominal`: the day it would be by the
    numbers alone."""
    why = Explanation()
    effect, params = RULES[step]
    given = {name: _number(ladder, where) for name, where in params.items()}
    why.add("step", step.value, RULE, effect, "D§13.4", due=due, grade=facts.grade, **given)
    if nominal is not None and clock.today(nominal) != clock.today(at):
        words = _(
            "By its numbers it would be on %(value)s; it was moved: services are suspended and ended only on working "
            "days, not on the last before a public holiday, not before warnings and holds have had their time."
        )
        why.add("nominal", clock.today(nominal).isoformat(), RULE, words, "D§13.5")
    return why


def _number(ladder: Ladder, where: str) -> Any:
    name, _dot, index = where.partition(".")
    value = getattr(ladder, name)
    value = value[int(index)] if index else value
    return f"{value:f}" if isinstance(value, Decimal) else value


def what_would_change(found: Position, facts: AccountFacts, ladder: Ladder) -> Explanation:
    """What somebody could do about it."""
    change = Explanation()
    seen = found.seen
    if seen.overdue:
        if found.memory.terminated:
            words = _("Paying %(value)s CNY ends the debt; the contract stays ended.")
        elif found.memory.level:
            words = _("Paying %(value)s CNY today restores the services.")
        else:
            words = _("Paying %(value)s CNY today ends the case.")
        change.add("pay", _cny(seen.overdue), RULE, words, "D§13.4")
    if seen.track is None or found.memory.terminated:
        return change
    if facts.kind == AccountKind.PREPAID:
        change.add("top_up", "", RULE, _("Topping up above zero ends the case."), "D§13.5")
    if facts.grade in "ABC" and not seen.holds:
        words = _("A promise to pay within %(value)s days stops the steps, not the late fee.")
        change.add("promise", 15, RULE, words, "D§13.7")
    if not found.memory.level and facts.grade != "A" and facts.kind != AccountKind.PREPAID:
        words = _("A better credit grade would lengthen the grace at once; a worse one does not shorten it.")
        change.add("grade", facts.grade, RULE, words, "D§13.10")
    words = _("A fee the customer disputes is held out until the answer.")
    change.add("dispute", "", RULE, words, "D§10.11")
    return change


def _cny(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _moment(moment: datetime) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).strftime(SHAPE)
