"""What the clock does for follow-ups: remind the owner when due, bring it to the lead when nobody acts (D§23)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from outreach.lifecycle import FollowUpAct
from outreach.models import FollowUp, FollowUpNotice
from outreach.services.bell import notify
from outreach.services.followups import GONE, WORK_RIGHT
from outreach.services.messages import queue_staff_message
from outreach.services.remembering import remember, set_next_notice, tell
from staff.absence import acting_for, team_lead_of
from staff.models import User


@transaction.atomic
def remind_if_due(followup_id: int, *, now: datetime) -> bool:
    """Remind the owner, or who acts for them, that it is due. Once per due moment; False when there is nothing to do
    (another worker was first, it was done or moved meanwhile)."""
    follow_up = _claim(followup_id, now, first=True)
    if follow_up is None:
        return False
    told = acting_for(follow_up.owner, now, right=WORK_RIGHT)
    given = _give_notice(follow_up, 0, told, now)
    if given:
        remember(follow_up, FollowUpAct.REMINDED, None, level=0, new_due=follow_up.due_at)
        tell(follow_up, "followup.reminded", None, {"told": told.pk})
    set_next_notice(follow_up, 1)
    return given


@transaction.atomic
def hand_over_if_overdue(followup_id: int, *, now: datetime) -> bool:
    """Bring an overdue follow-up to the lead: once per level and due moment. The owner stays the owner; the lead stands
    beside them as `handed_to`. False as for `remind_if_due`."""
    follow_up = _claim(followup_id, now, first=False)
    if follow_up is None:
        return False
    level = follow_up.next_level
    told = _lead_for(follow_up, level, now)
    given = _give_notice(follow_up, level, told, now)
    if given:
        if told.pk != follow_up.owner_id:
            follow_up.handed_to = told
        remember(follow_up, FollowUpAct.HANDED_OVER, None, level=level, new_due=follow_up.due_at)
        tell(follow_up, "followup.handed_over", None, {"told": told.pk, "level": level})
    set_next_notice(follow_up, level + 1)
    return given


def _claim(followup_id: int, now: datetime, *, first: bool) -> FollowUp | None:
    rows = FollowUp.objects.notice_due(now).filter(pk=followup_id)
    rows = rows.filter(next_level=0) if first else rows.filter(next_level__gte=1)
    follow_up = (
        rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("owner__unit", "team__lead", "handed_to__unit", "customer")
        .first()
    )
    if follow_up is not None and follow_up.customer is not None and follow_up.customer.status in GONE:
        follow_up.next_notice_at = None  # the status stops every timer (D§5.13); a person closes what is left
        follow_up.save(update_fields=["next_notice_at"])
        return None
    return follow_up


def _lead_for(follow_up: FollowUp, level: int, now: datetime) -> User:
    """The lead of the owner's team at level 1, at each further level the one above; with nobody left, the owner's
    stand-in stays responsible."""
    below = follow_up.handed_to if level > 1 and follow_up.handed_to is not None else follow_up.owner
    return team_lead_of(below, now, but={follow_up.owner_id}) or acting_for(follow_up.owner, now, right=WORK_RIGHT)


def _give_notice(follow_up: FollowUp, level: int, told: User, now: datetime) -> bool:
    """Bell and e-mail for one (follow-up, level, due moment); False when that notice was given before."""
    notice = FollowUpNotice(follow_up=follow_up, level=level, due_at=follow_up.due_at, at=now, told=told)
    same = FollowUpNotice.objects.filter(follow_up=follow_up, level=level, due_at=follow_up.due_at)
    if same.exists():  # safe: the caller holds the row's lock
        return False
    notice.save(force_insert=True)
    key = f"{follow_up.ref}-{level}-{int(follow_up.due_at.timestamp() * 1_000_000)}"
    params = {"number": follow_up.number, "due_at": follow_up.due_at.isoformat(), "owner": follow_up.owner_id}
    notify(
        told,
        "followup.due" if level == 0 else "followup.overdue",
        subject_ref=follow_up,
        params=params,
        dedupe_key=f"notice-{key}",
    )
    queue_staff_message(
        user=told,
        template="followup_due" if level == 0 else "followup_overdue",
        params={"number": follow_up.number, "followup_id": str(follow_up.pk), "due_at": follow_up.due_at.isoformat()},
        dedupe_key=f"followup-notice-{key}",
    )
    return True
