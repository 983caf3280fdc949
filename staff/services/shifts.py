"""Planned working time of people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_moment
from staff.models import Shift, User

LONGEST = timedelta(hours=16)
MOST_DAYS = 62


@transaction.atomic
def plan_shift(*, actor: User, user: User, starts_at: datetime, ends_at: datetime, is_lead: bool = False) -> Shift:
    """Plan one shift (aware moments).

    Refuses (RuleBroken) an end not after the beginning or more than 16 hours later (`shifts.length`), a closed
    account (`shifts.closed`), a shift that overlaps another of the person (`shifts.overlap`).
    """
    if not timedelta(0) < ends_at - starts_at <= LONGEST:
        raise RuleBroken("shifts.length", _("A shift ends after it begins, at most 16 hours later."))
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.is_active:
        raise RuleBroken("shifts.closed", _("This account is closed."))
    there = Shift.objects.filter(user=user, starts_at__lt=ends_at, ends_at__gt=starts_at).first()
    if there is not None:
        raise RuleBroken(
            "shifts.overlap",
            _("%(name)s has a shift from %(start)s already.")
            % {"name": user.name, "start": say_moment(there.starts_at)},
        )
    shift = Shift.objects.create(user=user, starts_at=starts_at, ends_at=ends_at, is_lead=is_lead)
    detail = {"user": user.pk, "from": starts_at.isoformat(), "to": ends_at.isoformat(), "lead": is_lead}
    record("shift.planned", target=shift, actor=actor, unit_id=user.unit_id, detail=detail)
    return shift


@transaction.atomic
def plan_shifts(
    *,
    actor: User,
    user: User,
    first_day: date,
    last_day: date,
    weekdays: Iterable[int],
    begins: time,
    ends: time,
    is_lead: bool = False,
) -> list[Shift]:
    """Plan the same hours (business zone) on the chosen weekdays (Monday 0) of a span of days; an end at or before
    the beginning lies on the next day. All or none. Refuses as `plan_shift`, a span of more than 62 days or with no
    such day (`shifts.days`)."""
    chosen = set(weekdays)
    span = (last_day - first_day).days + 1
    days = [first_day + timedelta(days=n) for n in range(max(0, min(span, MOST_DAYS)))]
    days = [day for day in days if day.weekday() in chosen]
    if not days or span > MOST_DAYS:
        raise RuleBroken("shifts.days", _("Choose weekdays within a span of at most 62 days."))
    planned = []
    for day in days:
        last = day if ends > begins else day + timedelta(days=1)
        planned.append(
            plan_shift(
                actor=actor,
                user=user,
                starts_at=datetime.combine(day, begins, clock.BUSINESS_ZONE),
                ends_at=datetime.combine(last, ends, clock.BUSINESS_ZONE),
                is_lead=is_lead,
            )
        )
    return planned


@transaction.atomic
def remove_shift(shift_id: int, *, actor: User) -> None:
    """Take a shift off the plan. Refuses one that has begun (`shifts.begun`): it was worked."""
    shift = Shift.objects.select_for_update(of=("self",)).select_related("user").get(pk=shift_id)
    if shift.starts_at <= clock.now():
        raise RuleBroken("shifts.begun", _("This shift has begun already."))
    detail = {"user": shift.user_id, "from": shift.starts_at.isoformat(), "to": shift.ends_at.isoformat()}
    record("shift.removed", target=shift, actor=actor, unit_id=shift.user.unit_id, detail=detail)
    shift.delete()
