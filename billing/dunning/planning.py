"""What comes next for an account, from what is known and from what was done before (D§13.4-13.9)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from billing.dunning.days import ActingDays, next_notice
from billing.dunning.facts import DAY, AccountFacts, AccountKind, Step, at_hour
from billing.dunning.rules import Ladder
from billing.dunning.situation import Situation, Track
from foundation.common import clock

HIGH_TIERS = frozenset({"PLATINUM", "DIAMOND"})
ORDER = {step: n for n, step in enumerate(Step)}
WARNINGS = frozenset({Step.WARNING_2, Step.WRITTEN_NOTICE, Step.FINAL_WARNING})


class Needs(StrEnum):
    """Without which a step is not taken, whatever the date."""

    NOTHING = ""
    FINANCE = "FINANCE"
    DEPT_HEAD = "DEPT_HEAD"
    DELIVERY = "DELIVERY"


@dataclass(frozen=True, slots=True)
class Planned:
    """A step and when it is to be taken. `instead`: earlier messages that have lost their meaning with it; `nominal`:
    when it would be by its number of days alone."""

    step: Step
    at: datetime
    needs: Needs = Needs.NOTHING
    instead: tuple[Step, ...] = ()
    nominal: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What was done so far. `done`: steps of the present round and when; `since`: from when the present track is
    followed, so that its earlier messages are not made up for; `final_at`: when the final warning of this round reached
    the customer; `level`: 0 in service, 1 one way, 2 both ways; `target`: the level a lead lifted with a promise;
    `reversals`: payments taken back that were taken in. A new `round` begins where steps may be taken again."""

    track: str = ""
    since: datetime | None = None
    round: int = 1
    done: dict[Step, datetime] = field(default_factory=dict)
    opened: datetime | None = None
    final_at: datetime | None = None
    level: int = 0
    level_at: datetime | None = None
    target: int = 0
    reversal: datetime | None = None
    resumed: bool = False
    restored_at: datetime | None = None
    terminated: bool = False
    reversals: frozenset[str] = frozenset()

    def did(self, planned: Planned) -> Memory:
        """The memory once a step was taken; of a final warning when it was sent, delivery comes apart."""
        done = {**self.done, **dict.fromkeys(planned.instead, planned.at), planned.step: planned.at}
        return replace(self, done=done)


def next_step(
    memory: Memory, seen: Situation, facts: AccountFacts, ladder: Ladder, days: ActingDays, now: datetime
) -> Planned | None:
    """The next step and its moment, not before `now`; None when nothing follows from what is known.

    A step that needs somebody's word carries the moment at which it could be taken with it.
    """
    if memory.terminated or seen.stopped:
        return None
    start = max(now, seen.resumes) if seen.resumes is not None else now
    if seen.track is None:
        return None
    if memory.reversal is not None and Step.REVERSAL_NOTICE not in memory.done:
        return Planned(Step.REVERSAL_NOTICE, next_notice(start, ladder))
    if memory.level == 2:
        return _ending(memory, seen.track, facts, ladder, days, start)
    found = _suspension(memory, seen, facts, ladder, days, start)
    if not memory.level:
        found = _with_messages(memory, seen.track, start, ladder, found)
    # What waits for somebody's word holds up nothing else.
    return min(found, key=lambda one: (one.needs != Needs.NOTHING, one.at, ORDER[one.step]), default=None)


def _with_messages(
    memory: Memory, track: Track, start: datetime, ladder: Ladder, found: list[Planned]
) -> list[Planned]:
    """What was found with the next message of the track. Messages that were held up are said by the last of them alone,
    and by none when a warning goes out at the same moment (D§1.10)."""
    since = memory.since or start
    rows = [(step, at) for step, at in track.rows if step not in memory.done and at >= since]
    late = [(step, at) for step, at in rows if at < start]
    at = next_notice(start, ladder)
    if late and late[-1][0] == Step.GRACE and track.grace and clock.today(at) > track.grace[1]:
        late = late[:-1]
    if not late:
        return found + [Planned(step, when) for step, when in rows if when >= start][:1]
    dropped = tuple(step for step, _at in late)
    for n, one in enumerate(found):
        if one.step in WARNINGS and one.at == at:
            return [*found[:n], replace(one, instead=dropped), *found[n + 1 :]]
    return [*found, Planned(dropped[-1], at, instead=dropped[:-1])]


def _suspension(
    memory: Memory, seen: Situation, facts: AccountFacts, ladder: Ladder, days: ActingDays, start: datetime
) -> list[Planned]:
    """Warnings still to be given, and the suspension they are for."""
    track = seen.track
    assert track is not None
    step = Step.SUSPEND_TWO_WAY if _goes_two_way(memory, facts) else Step.SUSPEND_ONE_WAY
    base = track.base
    if memory.level == 1:
        assert memory.level_at is not None
        after = timedelta(days=ladder.two_way_after)
        held = clock.business_midnight(clock.today(memory.level_at) + after)
        # A case that went over to a younger bill reaches the second step no earlier than that bill would.
        base = held if memory.done.get(Step.SUSPEND_ONE_WAY) else max(held, base + after)
    at = days.next_act(max(base, start), ladder)
    found: list[Planned] = []
    say = next_notice(max(start, memory.since or start), ladder)
    if memory.level == 0 and step not in memory.done:
        at, found = _early_warnings(memory, seen, facts, ladder, days, say, at)
    if memory.reversal is not None and Step.REVERSAL_NOTICE in memory.done:
        told = memory.done[Step.REVERSAL_NOTICE]
        at = days.next_act(max(at, told + timedelta(hours=ladder.reversal_hours)), ladder)
    ahead = timedelta(hours=ladder.final_hours)
    needs = Needs.NOTHING
    if Step.FINAL_WARNING not in memory.done:
        wanted = at_hour(clock.today(at - ahead), ladder.notice_at)
        if wanted > at - ahead:
            wanted -= DAY
        final = max(wanted, say)
        at = days.next_act(max(at, final + ahead), ladder)
        found.append(Planned(Step.FINAL_WARNING, final))
    elif memory.final_at is not None:
        at = days.next_act(max(at, memory.final_at + ahead), ladder)
    elif not _approved(facts, step, memory.done[Step.FINAL_WARNING], start):
        needs = Needs.DELIVERY
    if memory.level == 0 and facts.tier in HIGH_TIERS and facts.kind != AccountKind.ENTERPRISE:
        asked = base if memory.final_at is None else max(base, memory.final_at + ahead)
        at = _after_manager(memory, facts, ladder, days, at if start < base else days.next_act(asked, ladder), start)
    if facts.kind == AccountKind.ENTERPRISE and not _approved(facts, step, memory.since, start):
        needs = Needs.DEPT_HEAD
    found.append(Planned(step, at, needs, nominal=base))
    return found


def _early_warnings(
    memory: Memory,
    seen: Situation,
    facts: AccountFacts,
    ladder: Ladder,
    days: ActingDays,
    say: datetime,
    at: datetime,
) -> tuple[datetime, list[Planned]]:
    """The suspension moved so far that there is time for the warnings days before it, and these (D§13.4, 13.5)."""
    wanted: list[tuple[Step, int]] = []
    if facts.kind == AccountKind.ENTERPRISE:
        wanted.append((Step.WRITTEN_NOTICE, ladder.enterprise_notice_before))
    if facts.tier in HIGH_TIERS and facts.kind != AccountKind.ENTERPRISE:
        wanted.append((Step.MANAGER_CONTACT, ladder.warning_before))
    wanted.append((Step.WARNING_2, ladder.warning_before))
    # After a payment that was taken back, after a promise that lifted a suspension and after fraud only the final
    # warning is waited for; a prepaid balance may end too suddenly for more.
    hurried = memory.reversal is not None or memory.resumed or seen.shortened or facts.kind == AccountKind.PREPAID
    asked, wanted = wanted, [(step, before) for step, before in wanted if step not in memory.done]
    if not hurried:
        for step, before in asked:
            if (said := memory.done.get(step)) is not None and step != Step.MANAGER_CONTACT:
                day = clock.today(said) + timedelta(days=before)
                at = days.next_act(max(at, at_hour(day, ladder.acts_from)), ladder)
        for step, before in wanted:
            if step != Step.MANAGER_CONTACT:
                day = max(clock.today(at), clock.today(say) + timedelta(days=before))
                at = days.next_act(max(at, at_hour(day, ladder.acts_from)), ladder)
    found = []
    for step, before in wanted:
        when = at_hour(clock.today(at) - timedelta(days=before), ladder.notice_at)
        if when >= say:
            found.append(Planned(step, when))
        elif not hurried or step == Step.MANAGER_CONTACT:
            found.append(Planned(step, say))
    return at, found


def _after_manager(
    memory: Memory, facts: AccountFacts, ladder: Ladder, days: ActingDays, at: datetime, start: datetime
) -> datetime:
    """Of the highest tiers the manager must have reached the customer; else it waits, once (D§13.5)."""
    since = memory.opened or memory.since
    if any((since is None or since <= contact) and contact <= start for contact in facts.contacts):
        return at
    later = at_hour(clock.today(at) + timedelta(days=ladder.manager_wait), ladder.acts_from)
    return days.next_act(max(later, start), ladder)


def _ending(
    memory: Memory, track: Track, facts: AccountFacts, ladder: Ladder, days: ActingDays, start: datetime
) -> Planned:
    """From suspension both ways to the end of the contract; never without the word of FINANCE (D§13.4)."""
    assert memory.level_at is not None
    since = clock.today(memory.level_at)
    if not memory.done.get(Step.SUSPEND_TWO_WAY):
        after = 0 if facts.kind == AccountKind.FIXED else ladder.two_way_after
        since = max(since, clock.today(track.base) + timedelta(days=after))
    noticed = memory.done.get(Step.PRE_TERMINATION)
    if noticed is None:
        due = at_hour(since + timedelta(days=ladder.ending_notice_after), ladder.notice_at)
        return Planned(Step.PRE_TERMINATION, due if due >= start else next_notice(start, ladder))
    least = at_hour(clock.today(noticed) + timedelta(days=ladder.ending_notice_days), ladder.acts_from)
    nominal = clock.business_midnight(since + timedelta(days=ladder.ending_after))
    at = max(nominal, least, start)
    needs = Needs.NOTHING if _approved(facts, Step.TERMINATION, noticed, start) else Needs.FINANCE
    return Planned(Step.TERMINATION, days.next_act(at, ladder), needs, nominal=nominal)


def _goes_two_way(memory: Memory, facts: AccountFacts) -> bool:
    return facts.kind == AccountKind.FIXED or memory.level == 1 or memory.target == 2


def _approved(facts: AccountFacts, step: Step, since: datetime | None, now: datetime) -> bool:
    return any(one.step == step and one.at <= now and (since is None or one.at >= since) for one in facts.approvals)
