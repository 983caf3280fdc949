"""The service clock stands still for a reason of D§10.6, with a limit, told to the customer; the statutory one never
does."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import OWNER_KIND, Act, Deed, PauseReason, State
from complaints.models import Complaint, ComplaintMove
from complaints.rules import SERVICE, STATUTORY
from complaints.services.ground import (
    case_to,
    check_works,
    clocks_for,
    move,
    ring,
    tell_customer,
)
from foundation.calendars.limits import Target
from foundation.calendars.models import Clock, ClockEvent
from foundation.calendars.pausing import longest_pause, pause_would_break
from foundation.calendars.queries import calendar_for
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.ui.wording import say_moment
from staff.models import User

TRIES_WITHIN = timedelta(days=2)


@transaction.atomic
def pause_complaint(
    case_id: int, *, actor: User, reason: str, until: datetime | None = None, evidence: str
) -> Complaint:
    """Let the service clock stand, at most as long as the reason allows (`until`: earlier; for an appointment the time
    agreed); the clock ends it then. The customer is told what we wait for.

    Raises as `ground.case_to`, NotAllowed "complaint.not_handler"; RuleBroken "complaint.unknown_code",
    "complaint.no_evidence", "complaint.pause_no_time", "complaint.pause_too_long", "complaint.pause_used_up",
    "complaint.not_tried", "complaint.pause_statutory" (the longest pause would bring the service limit too near to the
    statutory one).
    """
    case = case_to(case_id, Act.PAUSE, actor)
    check_works(case, actor)
    if reason not in PauseReason.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the reasons offered."))
    if not evidence.strip():
        raise RuleBroken(
            "complaint.no_evidence", _("Say what shows it: whom you asked, what was agreed, who is waited for.")
        )
    now = clock.now()
    longest = _longest(case, reason, until, now)
    if until is not None and (until.tzinfo is None or until <= now):
        raise RuleBroken("complaint.pause_no_time", _("Name a moment to come at which the pause ends."))
    if until is not None and until > longest:
        raise RuleBroken(
            "complaint.pause_too_long", _("For this reason a pause lasts at most until %(at)s.") % _moment(longest)
        )
    clocks = clocks_for(case, actor)
    _check_statutory(case, clocks.open.get(SERVICE), clocks.open.get(STATUTORY), longest, now)
    ends = until or longest
    clocks.pause(reason=reason, until=ends)
    row = move(case, Act.PAUSE, actor=actor, reason=evidence, pause_reason=reason, pause_until=ends)
    tell_customer(
        case,
        "complaint_paused",
        key=row.ref,
        actor=actor,
        expires_at=ends,
        why=str(reason),
        until_at=ends.isoformat(),
    )
    return case


def _longest(case: Complaint, reason: str, until: datetime | None, now: datetime) -> datetime:
    """Until when a pause for this reason may last at most."""
    unit = case.work_unit
    if reason == PauseReason.APPOINTMENT:
        if until is None:
            raise RuleBroken("complaint.pause_no_time", _("Name the time agreed with the customer."))
        return until
    if reason == PauseReason.CUSTOMER_INFO:
        each = timedelta(days=policy("complaints.pause.customer_info", unit=unit))
        left = timedelta(days=policy("complaints.pause.customer_info_total", unit=unit)) - used(case, reason, now)
        if left <= timedelta(0):
            raise RuleBroken(
                "complaint.pause_used_up",
                _("All the time for waiting on the customer is used up: decide by what is known."),
            )
        return now + min(each, left)
    if reason == PauseReason.UNREACHABLE:
        needed = policy("complaints.pause.unreachable_tries", unit=unit)
        tried = case.moves.filter(act=Deed.TRIED, at__gt=now - TRIES_WITHIN).count()
        if tried < needed:
            words = _("Try %(needed)s times within two days first; noted so far: %(tried)s.")
            raise RuleBroken("complaint.not_tried", words % {"needed": needed, "tried": tried})
        return now + policy("complaints.pause.unreachable", unit=unit)
    if reason == PauseReason.THIRD_PARTY:
        days = Target.working_days(policy("complaints.pause.third_party", unit=unit))
        return longest_pause(now, days, calendar_for(unit.calendar_code))
    return now + timedelta(days=policy("complaints.pause.disaster", unit=unit))


def used(case: Complaint, reason: str, now: datetime) -> timedelta:
    """How long the service clocks of the case stood for this reason, all rounds together."""
    events = ClockEvent.objects.filter(clock__owner_kind=OWNER_KIND, clock__owner_id=case.pk, clock__kind=SERVICE)
    ends = {
        (event.clock_id, event.pause): event.at
        for event in events.filter(type=ClockEvent.Type.RESUME).order_by("sequence")
    }
    stopped = dict(
        Clock.objects.filter(owner_kind=OWNER_KIND, owner_id=case.pk, kind=SERVICE).values_list("pk", "stopped_at")
    )
    return sum(
        (
            (ends.get((pause.clock_id, pause.sequence)) or stopped[pause.clock_id] or now) - pause.at
            for pause in events.filter(type=ClockEvent.Type.PAUSE, reason=reason)
        ),
        timedelta(0),
    )


def _check_statutory(
    case: Complaint, service: Clock | None, statutory: Clock | None, longest: datetime, now: datetime
) -> None:
    if service is None or statutory is None or statutory.due_at is None:
        return
    margin = policy("complaints.pause.margin", unit=case.work_unit)
    broken = pause_would_break(service, at=now, until=longest, hard_due=statutory.due_at, margin=margin)
    if broken is not None:
        words = _("With this pause the answer would be due at %(at)s, too near to the statutory limit.")
        raise RuleBroken("complaint.pause_statutory", words % _moment(broken))


@transaction.atomic
def resume_complaint(case_id: int, *, actor: User | None, reason: str = "") -> Complaint:
    """Go on; by the clock when the pause's time is over or the customer wrote (`end_pause`). The customer is told.

    Raises as `ground.case_to`, NotAllowed "complaint.not_handler".
    """
    case = case_to(case_id, Act.RESUME, actor)
    if actor is not None:
        check_works(case, actor)
    go_on(case, actor=actor, reason=reason)
    return case


def go_on(case: Complaint, *, actor: User | None, reason: str = "") -> ComplaintMove:
    """The same for a locked paused case."""
    clocks_for(case, actor).resume(reason="TIME_OVER" if actor is None else "BY_HAND")
    row = move(case, Act.RESUME, actor=actor, reason=reason)
    if case.handler is not None and (actor is None or case.handler_id != actor.pk):
        ring(case, case.handler, "resumed", row.ref)
    tell_customer(case, "complaint_resumed", key=row.ref, actor=actor)
    return row


def end_pause(case: Complaint) -> bool:
    """The customer spoke to us in a locked case: a pause ends with it (D§26). False when it was not paused."""
    if case.state != State.PAUSED:
        return False
    go_on(case, actor=None)
    return True


@transaction.atomic
def resume_if_due(case_id: int, *, now: datetime) -> bool:
    """End a pause whose time is over; once, whatever runs twice. False when it is not, or another worker has it."""
    held = (
        Complaint.objects.filter(pk=case_id, state=State.PAUSED, pause_until__lte=now)
        .select_for_update(skip_locked=True, no_key=True)
        .only("pk")
    )
    if not held.exists():
        return False
    resume_complaint(case_id, actor=None)
    return True


def pauses_over(now: datetime, limit: int = 500) -> list[int]:
    """Cases whose pause should have ended, the longest over first."""
    found = Complaint.objects.filter(state=State.PAUSED, pause_until__lte=now).order_by("pause_until", "pk")
    return list(found.values_list("pk", flat=True)[:limit])


def _moment(at: datetime) -> dict[str, str]:
    return {"at": say_moment(at)}
