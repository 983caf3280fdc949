"""Taking the ladder's steps for an account, under its lock, once each (D§13.4, D§1.10).

Everything is looked at anew right before a step, whatever the reason why somebody looks: a payment that is known wins.
A step found late is taken once, with its real time. What was sent or asked is a row that names what was known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from billing.dunning.acts import act
from billing.dunning.days import ActingDays
from billing.dunning.facts import State
from billing.dunning.ladder import Course, Taken, state_of
from billing.dunning.planning import Needs, Planned, next_step
from billing.dunning.policies import ladder_in_force
from billing.dunning.reading import grade_of, known_then, memory_of, note_grade, read_facts, remember
from billing.dunning.rules import Ladder
from billing.dunning.situation import Situation
from billing.models import BillingAccount, DunningCase, DunningStep
from foundation.calendars.definition import Calendar
from foundation.calendars.queries import STANDARD, calendar_for
from foundation.common import clock

LOOK_AGAIN = timedelta(minutes=15)
MOST_AT_ONCE = 30
_days: dict[Calendar, ActingDays] = {}


def acting_days() -> ActingDays:
    """The days of the standard calendar in force."""
    calendar = calendar_for(STANDARD)
    for known, days in _days.items():
        if known is calendar:
            return days
    _days.clear()
    _days[calendar] = ActingDays(calendar)
    return _days[calendar]


@transaction.atomic
def advance(
    account_id: int, *, now: datetime | None = None, skip_locked: bool = False, lead_restores: bool = False
) -> int:
    """Bring the case of an account to the present, opening one where something is open; how many steps were taken.

    Waits for whoever holds the account, or leaves it with `skip_locked`. `lead_restores`: a lead has just decided to
    restore on a promise.
    """
    rows = BillingAccount.objects.select_for_update(no_key=True, of=("self",), skip_locked=skip_locked)
    account = rows.select_related("customer__facts").filter(pk=account_id).first()
    if account is None or account.customer is None:
        return 0
    now = now or clock.now()
    case = DunningCase.objects.filter(account=account, closed_at=None).first()
    if case is None:
        case = _begin(account, now)
        if case is None:
            return 0
    return _advance(account, case, now, lead_restores)


def _begin(account: BillingAccount, now: datetime) -> DunningCase | None:
    """A new case, when a bill is open or a prepaid balance is used up."""
    postpaid = account.pay_type == BillingAccount.PayType.POSTPAID
    if postpaid and not account.bills.filter(open_amount__gt=0, written_off_on=None).exists():
        return None
    if not postpaid and not account.buckets.filter(remaining__lte=0).exists():
        return None
    return DunningCase.objects.create(account=account, grade=grade_of(account.pk), begun_at=now)


def _advance(account: BillingAccount, case: DunningCase, now: datetime, lead_restores: bool) -> int:
    ladder, days = ladder_in_force(now), acting_days()
    if case.overdue_since is not None:
        note_grade(account, case, now)
    facts = read_facts(account, case, now)
    if lead_restores:
        facts = replace(facts, lead_restores=(now,))
    course = Course(facts, ladder, days, memory_of(case))
    written = 0
    seen = course.settle(now)
    for _round in range(MOST_AT_ONCE):
        # Restorations come of what became known, steps of the time that went by.
        for taken in course.taken[written:]:
            _write(account, case, course, taken, ladder)
        written = len(course.taken)
        planned = _planned(course, seen, ladder, days, case.next_planned_at, now)
        if planned is None or planned.at > now or planned.needs != Needs.NOTHING:
            break
        course.take(planned, now)
        seen = course.settle(now)
    else:
        planned = next_step(course.memory, seen, facts, ladder, days, now)
    if course.memory.opened is not None and case.overdue_since is None and case.begun_at < course.memory.opened:
        case.grade = grade_of(account.pk)  # the grade at the opening of the arrears (D§13.4)
    remember(case, course.memory, now)
    case.state = state_of(course.memory, seen, ladder)
    case.grace_days, case.due, case.late_fee = seen.grace_days, seen.due, seen.late_fee
    case.oldest_due = seen.track.due_date if seen.track is not None else None
    case.next_step = planned.step if planned is not None else ""
    case.next_needs = planned.needs if planned is not None else ""
    case.next_planned_at = planned.at if planned is not None else None
    moments = [planned.at if planned is not None and planned.needs == Needs.NOTHING else None, seen.resumes]
    if planned is not None and planned.needs == Needs.DELIVERY:
        moments.append(now + LOOK_AGAIN)
    if case.restored_at is not None and case.state == State.RESTORING:
        moments.append(case.restored_at + timedelta(hours=ladder.restore_hours))
    if seen.track is not None and now < seen.track.overdue_from:
        moments.append(seen.track.overdue_from)
    case.next_at = min((one for one in moments if one is not None), default=None)
    if seen.nothing_late and seen.track is None and case.level == 0 and case.state != State.RESTORING:
        case.state, case.closed_at, case.next_at = State.CLOSED, now, None
    case.save()
    return written


def _planned(
    course: Course, seen: Situation, ladder: Ladder, days: ActingDays, was: datetime | None, now: datetime
) -> Planned | None:
    """The next step. What was planned for an earlier moment of this day, and is reached only now because somebody was
    busy with others, is for now: seen from now the hour of the day's messages is over."""
    planned = next_step(course.memory, seen, course.facts, ladder, days, now)
    if was is None or was > now or clock.today(was) != clock.today(now) or (planned is not None and planned.at <= now):
        return planned
    then = next_step(course.memory, seen, course.facts, ladder, days, was)
    due = then is not None and then.at <= now and then.needs == Needs.NOTHING
    return replace(then, at=now) if then is not None and due else planned


def _write(account: BillingAccount, case: DunningCase, course: Course, taken: Taken, ladder: Ladder) -> None:
    """One step as a row, with what it sent or asked."""
    row = DunningStep(
        case=case,
        step=taken.step,
        round=course.memory.round,
        at=taken.at,
        due=taken.due,
        late_fee=taken.late_fee,
        state=taken.state,
    )
    if DunningStep.objects.filter(case=case, step=taken.step, round=row.round).exists():
        return
    seen = course.settle(taken.at)
    row.known = known_then(course.facts, seen)
    row.save(force_insert=True)
    if act(account, case, row, course, seen, ladder):
        row.save(update_fields=["message_id", "follow_up_id", "batch"])


def due_accounts(now: datetime, most: int) -> Iterable[int]:
    """Accounts whose case has something to be looked at, the longest waiting first."""
    rows = DunningCase.objects.filter(closed_at=None, next_at__lte=now).order_by("next_at", "pk")
    return list(rows.values_list("account_id", flat=True)[:most])
