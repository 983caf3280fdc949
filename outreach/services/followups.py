"""Work owed by a person, from the promise to the outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from customers.merging.reading import standing
from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from outreach.lifecycle import FOLLOWUP_MOVES, AttemptOutcome, FollowUpAct, FollowUpKind, FollowUpState
from outreach.models import FollowUp, FollowUpAttempt
from outreach.services.bell import notify
from outreach.services.remembering import behalf, remember, tell
from staff.absence import acting_for
from staff.models import Team, User, holds_on
from staff.rights import sight_of

FURTHEST = timedelta(days=5 * 366)
WORK_RIGHT = "outreach.work"
ASSIGN_RIGHT = "outreach.assign"
GONE = frozenset({Customer.Status.DECEASED, Customer.Status.ANONYMISED})


@transaction.atomic
def owe_followup(
    *,
    customer: Customer | None,
    kind: str,
    owner: User,
    due_at: datetime,
    subject: str,
    actor: User | None,
    dedupe_key: str | None = None,
    source: str | None = None,
    team: Team | None = None,
    pooled: bool = False,
    skill: str = "",
    priority: int = FollowUp.Priority.NORMAL,
) -> FollowUp:
    """Write down that `owner` owes this by `due_at` (aware); the clock reminds them and then their lead.

    `pooled`: anyone of `team` with `skill` may take it (`claim_next`); until then `owner` answers for it.
    `source`: where it came from, e.g. "interaction:<id>". With a `dedupe_key` (at most 80 characters) a repeat returns
    the first one unchanged. Raises RuleBroken "followup.no_subject", "followup.bad_due" (in the past when a person
    asks, or over five years ahead), "followup.owner_cannot", "followup.customer_gone" (D§5.13), "followup.no_team".
    """
    if dedupe_key is not None:
        before = FollowUp.objects.filter(dedupe_key=dedupe_key).first()
        if before is not None:
            return before
    subject = subject.strip()
    if not subject:
        raise RuleBroken("followup.no_subject", _("Say in a few words what is owed."))
    if kind not in FollowUpKind.values:
        raise RuleBroken("followup.unknown_kind", _("There is no such kind of follow-up."))
    if pooled and team is None:
        raise RuleBroken("followup.no_team", _("Name the team whose people may take this."))
    _check_due(due_at, strict=actor is not None)
    _check_owner(owner)
    customer = standing(customer) if customer is not None else None
    if customer is not None and customer.status in GONE:
        raise RuleBroken("followup.customer_gone", _("Nothing may be planned for this customer any more."))
    follow_up = FollowUp(
        number=next_number("CB"),
        kind=kind,
        customer=customer,
        subject=subject[:200],
        owner=owner,
        team=team,
        unit_no=owner.unit.no,
        pooled=pooled,
        skill=skill,
        priority=priority,
        due_at=due_at,
        next_notice_at=due_at,
        next_level=0,
        source=source or "",
        dedupe_key=dedupe_key,
        created_by=actor,
    )
    try:
        with transaction.atomic():
            follow_up.save(force_insert=True)
    except IntegrityError:
        # Another transaction owed it first under the same key; anything else is a defect and shows itself here.
        return FollowUp.objects.get(dedupe_key=dedupe_key)
    remember(follow_up, FollowUpAct.OWED, actor, new_owner=owner, new_due=due_at)
    tell(follow_up, "followup.owed", actor, {"due_at": due_at.isoformat(), "owner": owner.pk})
    if actor is not None and owner.pk != actor.pk:
        _ring_new_owner(follow_up, owner)
    return follow_up


@transaction.atomic
def record_attempt(
    followup_id: int, *, actor: User, outcome: str, note: str = "", next_at: datetime | None = None
) -> FollowUpAttempt:
    """Log one try. `next_at` (aware, future) moves the follow-up to the next try and starts its reminders anew.

    Raises NotAllowed when the work is not the actor's, RuleBroken "followup.closed", "followup.unknown_outcome",
    "followup.bad_due".
    """
    if outcome not in AttemptOutcome.values:
        raise RuleBroken("followup.unknown_outcome", _("Say how the attempt ended."))
    follow_up = _locked_open(followup_id, actor)
    if next_at is not None:
        _check_due(next_at, strict=True)
    attempt = FollowUpAttempt.objects.create(
        follow_up=follow_up,
        at=clock.now(),
        actor=actor,
        on_behalf_of=behalf(follow_up, actor),
        outcome=outcome,
        note=note.strip()[:400],
        next_at=next_at,
    )
    follow_up.attempts += 1
    follow_up.last_outcome, follow_up.last_attempt_at = outcome, attempt.at
    follow_up.save(update_fields=["attempts", "last_outcome", "last_attempt_at"])
    tell(follow_up, "followup.attempt", actor, {"outcome": outcome})
    if next_at is not None:
        _move_due(follow_up, next_at, actor, reason="")
    return attempt


@transaction.atomic
def reschedule_followup(followup_id: int, *, actor: User, due_at: datetime, reason: str = "") -> FollowUp:
    """Move it to another moment (aware, future); reminders start anew. Raises as `record_attempt`."""
    follow_up = _locked_open(followup_id, actor)
    _check_due(due_at, strict=True)
    _move_due(follow_up, due_at, actor, reason=reason)
    return follow_up


@transaction.atomic
def complete_followup(followup_id: int, *, actor: User, result: str = "") -> FollowUp:
    """Done: `done_by` stands beside the owner, who stays (D§3.3). Raises as `record_attempt`."""
    follow_up = _locked_open(followup_id, actor)
    _close(follow_up, FollowUpState.DONE, actor, result)
    tell(follow_up, "followup.done", actor, {})
    return follow_up


@transaction.atomic
def attempt_and_complete(followup_id: int, *, actor: User, outcome: str, note: str = "") -> FollowUp:
    """Log the last try and close the follow-up with it, its note as the result: both or neither. Raises as both do."""
    record_attempt(followup_id, actor=actor, outcome=outcome, note=note)
    return complete_followup(followup_id, actor=actor, result=note)


@transaction.atomic
def cancel_followup(followup_id: int, *, actor: User, reason: str) -> FollowUp:
    """No longer owed. Raises RuleBroken("followup.no_reason") without a reason, else as `record_attempt`."""
    if not reason.strip():
        raise RuleBroken("followup.no_reason", _("Say why it is no longer owed."))
    follow_up = _locked_open(followup_id, actor)
    _close(follow_up, FollowUpState.CANCELLED, actor, reason)
    tell(follow_up, "followup.cancelled", actor, {})
    return follow_up


@transaction.atomic
def close_followup(followup_id: int, *, actor: User | None, state: FollowUpState, words: str) -> bool:
    """Close one because what it was owed for is settled, whosever work it is; False when it was closed already.

    The caller has checked that `actor` (None: the clock) may settle that.
    """
    follow_up = _locked(followup_id)
    if follow_up.state != FollowUpState.OPEN:
        return False
    _close(follow_up, state, actor, words)
    tell(follow_up, "followup.done" if state == FollowUpState.DONE else "followup.cancelled", actor, {})
    return True


@transaction.atomic
def reassign_followup(followup_id: int, *, actor: User, to: User, reason: str = "", quiet: bool = False) -> FollowUp:
    """Give it to another person by order of a lead (D§9.4). `quiet`: the caller tells the new owner.

    Raises NotAllowed unless `outreach.assign` covers the follow-up and the new owner, RuleBroken "followup.closed",
    "followup.owner_cannot", "followup.same_owner".
    """
    follow_up = _locked(followup_id)
    sight = sight_of(actor, ASSIGN_RIGHT)
    if not (
        sight.covers(unit_no=follow_up.unit_no, owner_id=follow_up.owner_id)
        or (follow_up.handed_to_id == actor.pk and actor.has_perm(ASSIGN_RIGHT))
    ):
        raise NotAllowed("followup.not_yours_to_assign", _("Only a lead of its owner may give this to somebody else."))
    if to.pk != actor.pk and not sight.covers(unit_no=to.unit.no, owner_id=to.pk):
        raise NotAllowed(
            "followup.owner_out_of_reach", _("This person does not work in your area: choose somebody who does.")
        )
    _check_open(follow_up)
    _check_owner(to)
    if to.pk == follow_up.owner_id and not follow_up.pooled:
        raise RuleBroken("followup.same_owner", _("This person has it already."))
    _give(follow_up, to, FollowUpAct.REASSIGNED, actor, reason)
    if to.pk != actor.pk and not quiet:
        _ring_new_owner(follow_up, to)
    return follow_up


def hand_on_followups(rows: models.QuerySet[FollowUp], *, actor: User, to: User) -> int:
    """Give open follow-ups to `to` with the customer they are about, in the caller's transaction; how many.

    Whoever hands a customer on hands on what is owed to it: no right over each is asked. Raises RuleBroken
    "followup.owner_cannot".
    """
    _check_owner(to)
    held = rows.select_for_update(no_key=True, of=("self",)).select_related("owner__unit", "customer").order_by("pk")
    moved = [follow_up for follow_up in held if follow_up.owner_id != to.pk]
    for follow_up in moved:
        _give(follow_up, to, FollowUpAct.REASSIGNED, actor, "")
    return len(moved)


@transaction.atomic
def claim_next(*, actor: User) -> FollowUp | None:
    """Take the next pooled follow-up of the actor's teams that the actor has the skill for: most urgent first, then
    the earliest due. Two people asking at once get two different ones. None when the pool holds nothing for them.
    """
    teams = actor.team_memberships.filter(holds_on(clock.today())).values("team")
    follow_up = (
        FollowUp.objects.open()
        .filter(pooled=True, team__in=teams)
        .filter(models.Q(skill="") | models.Q(skill__in=actor.skills))
        .order_by("priority", "due_at", "id")
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .first()
    )
    if follow_up is not None:
        _check_owner(actor)
        _give(follow_up, actor, FollowUpAct.TAKEN, actor, "")
    return follow_up


def may_work_on(follow_up: FollowUp, user: User, *, at: datetime | None = None) -> bool:
    """Whether the work is the user's: owner, the one acting for an absent owner, the lead it was handed to, or a
    lead whose scope covers it."""
    if not user.has_perm(WORK_RIGHT):
        return False
    return (
        user.pk in (follow_up.owner_id, follow_up.handed_to_id)
        or sight_of(user, ASSIGN_RIGHT).covers(unit_no=follow_up.unit_no, owner_id=follow_up.owner_id)
        or acting_for(follow_up.owner, at or clock.now(), right=WORK_RIGHT).pk == user.pk
    )


def _locked(followup_id: int) -> FollowUp:
    """The follow-up, locked first and read then: a lock that waits drops rows whose join changed meanwhile."""
    FollowUp.objects.select_for_update(no_key=True).only("pk").get(pk=followup_id)
    return FollowUp.objects.select_related("owner__unit", "customer").get(pk=followup_id)


def _locked_open(followup_id: int, actor: User) -> FollowUp:
    follow_up = _locked(followup_id)
    if not may_work_on(follow_up, actor):
        raise NotAllowed("followup.not_yours", _("This is somebody else's work."))
    _check_open(follow_up)
    return follow_up


def _check_open(follow_up: FollowUp) -> None:
    if follow_up.state != FollowUpState.OPEN:
        raise RuleBroken("followup.closed", _("It is closed already."))


def _check_due(due_at: datetime | None, *, strict: bool) -> None:
    now = clock.now()
    if due_at is None or due_at.tzinfo is None:
        raise RuleBroken("followup.bad_due", _("Say by when."))
    if strict and due_at <= now:
        raise RuleBroken("followup.bad_due", _("This moment has passed; choose one to come."))
    if due_at > now + FURTHEST:
        raise RuleBroken("followup.bad_due", _("This is more than five years ahead."))


def _check_owner(owner: User) -> None:
    if not owner.is_active or not owner.has_perm(WORK_RIGHT):
        raise RuleBroken("followup.owner_cannot", _("This person cannot take follow-ups: choose another one."))


def _close(follow_up: FollowUp, state: FollowUpState, actor: User | None, words: str) -> None:
    if state not in FOLLOWUP_MOVES[follow_up.state]:
        raise RuleBroken("followup.closed", _("It is closed already."))
    follow_up.state, follow_up.result = state, words.strip()[:400]
    follow_up.done_by, follow_up.closed_at = actor, clock.now()
    follow_up.pooled, follow_up.next_notice_at = False, None
    follow_up.save(update_fields=["state", "result", "done_by", "closed_at", "pooled", "next_notice_at"])
    remember(
        follow_up,
        FollowUpAct.DONE if state == FollowUpState.DONE else FollowUpAct.CANCELLED,
        actor,
    )


def _move_due(follow_up: FollowUp, due_at: datetime, actor: User, *, reason: str) -> None:
    old = follow_up.due_at
    if due_at == old:
        return
    follow_up.due_at = follow_up.next_notice_at = due_at
    follow_up.next_level, follow_up.handed_to = 0, None
    follow_up.save(update_fields=["due_at", "next_notice_at", "next_level", "handed_to"])
    remember(follow_up, FollowUpAct.RESCHEDULED, actor, old_due=old, new_due=due_at, reason=reason)
    tell(follow_up, "followup.rescheduled", actor, {"due_at": due_at.isoformat()})


def _give(follow_up: FollowUp, to: User, act: FollowUpAct, actor: User, reason: str) -> None:
    old = follow_up.owner
    follow_up.owner, follow_up.unit_no = to, to.unit.no
    follow_up.pooled, follow_up.handed_to = False, None
    follow_up.save(update_fields=["owner", "unit_no", "pooled", "handed_to"])
    remember(follow_up, act, actor, old_owner=old, new_owner=to, reason=reason)
    tell(follow_up, "followup.reassigned", actor, {"owner": to.pk})


def _ring_new_owner(follow_up: FollowUp, owner: User) -> None:
    notify(
        owner,
        "followup.given",
        subject_ref=follow_up,
        params={"number": follow_up.number, "due_at": follow_up.due_at.isoformat()},
        dedupe_key=f"given-{follow_up.ref}-{int(clock.now().timestamp() * 1000)}",
    )
