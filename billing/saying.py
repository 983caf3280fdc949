"""What an account owes in words: since when, what is barred, what comes next and why, what pays it off (D§13.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from billing.dunning.planning import Needs
from billing.dunning.words import BLOCKS, HOLDS, STATES, STEPS
from billing.glance import Arrears
from foundation.ui.wording import say_moment, say_money


@dataclass(frozen=True)
class SaidArrears:
    """`owed`: the first sentence; `barred`, `next`, `why`, `pays`: the others, "" where there is nothing to say."""

    arrears: Arrears
    owed: str
    barred: str
    next: str
    why: str
    pays: str
    state: Any
    notes: list[str]

    @property
    def is_red(self) -> bool:
        return bool(self.arrears.overdue) or bool(self.arrears.level) or self.arrears.ended


def said_arrears(one: Arrears) -> SaidArrears:
    """The words, in the active language."""
    return SaidArrears(
        arrears=one,
        owed=_owed(one),
        barred=_barred(one),
        next=_next(one),
        why=" ".join(one.next.why) if one.next else "",
        pays=_pays(one),
        state=STATES.get(one.state, ""),
        notes=_notes(one),
    )


def _owed(one: Arrears) -> str:
    if not one.overdue:
        return ""
    given = {"amount": say_money(one.overdue), "day": one.since.isoformat() if one.since else "–"}
    if one.prepaid:
        return _("The prepaid balance is used up since %(day)s: %(amount)s is missing.") % given
    given["fee"] = say_money(one.late_fee)
    if one.late_fee:
        return _("%(amount)s is overdue, due on %(day)s; %(fee)s of it is late fee.") % given
    return _("%(amount)s is overdue, due on %(day)s.") % given


def _barred(one: Arrears) -> str:
    if one.ended:
        return _("The contract has ended; the debt stays.")
    if not one.level or one.level_at is None:
        return ""
    words = _("Barred both ways since %(at)s.") if one.level == 2 else _("Outgoing calls are barred since %(at)s.")
    return words % {"at": say_moment(one.level_at)}


def _next(one: Arrears) -> str:
    if one.next is None:
        return ""
    step = STEPS.get(one.next.step, one.next.step)
    if one.next.at is None:
        return _("Next: %(step)s. %(why)s") % {"step": step, "why": _(BLOCKS[Needs(one.next.needs)])}
    return _("Next: %(step)s, %(value)s.") % {"step": step, "value": say_moment(one.next.at)}


def _pays(one: Arrears) -> str:
    if not one.overdue:
        return ""
    if one.ended:
        words = _("Paying %(value)s CNY ends the debt; the contract stays ended.")
    elif one.level:
        words = _("Paying %(value)s CNY today restores the services.")
    else:
        words = _("Paying %(value)s CNY today ends the case.")
    return words % {"value": f"{one.overdue:.2f}"}


def _notes(one: Arrears) -> list[str]:
    """Holds, and what is disputed."""
    notes = []
    for kind, end in one.held:
        given = {"value": HOLDS.get(kind, kind)}
        if end is None:
            notes.append(_("Hold (%(value)s): no step is taken until it ends.") % given)
        else:
            given["until"] = say_moment(end)
            words = _("Hold (%(value)s) until %(until)s: no step is taken; the ladder then goes on where it stood.")
            notes.append(words % given)
    if one.disputed:
        words = _("%(value)s CNY is disputed: neither asked for nor charged with late fee until the answer.")
        notes.append(words % {"value": f"{one.disputed:.2f}"})
    return notes
