"""First-ask matters: taken up, worked on, answered, told (D§9.2, 9.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from foundation.calendars.definition import Calendar
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.explain import Explanation
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from interactions.lifecycle import Result
from interactions.models import Interaction, Matter
from interactions.services.matter_ground import (
    CLOCK_FIELDS,
    HANDLE_RIGHT,
    TAKE_RIGHT,
    answers_for,
    check_taker,
    close_offer,
    may_lead,
    move_to,
    open_matter_for,
    owned_matter,
    remember,
    ring,
    start_clock,
    tell_customer_who,
)
from interactions.stages import MatterAct, MatterState, OfferState, ToldHow, WhyOwner
from outreach.lifecycle import AttemptOutcome, FollowUpState, MessageClass
from outreach.services import complete_followup, queue_message
from outreach.services.followups import may_work_on
from staff.absence import team_lead_of
from staff.models import User
from staff.rights import roles_of

CLOSING = ["state", "done_by", "closed_at", "next_notice_at"]
# Who stands higher of two who were asked together (D§9.3); without such a role the one who joined first.
_RANKS = {"GM": 4, "DIRECTOR": 3, "DEPT_HEAD": 2, "TEAM_LEAD": 1}


def senior_of(one: User, other: User) -> User:
    """The senior of two: the higher role, else who joined earlier, else the lower staff number."""

    def place(person: User) -> tuple[int, int, str]:
        rank = max((_RANKS.get(role, 0) for role in roles_of(person)), default=0)
        return -rank, person.joined_on.toordinal(), person.staff_no

    return min(one, other, key=place)


def first_owner(contact: Interaction, at: datetime) -> tuple[User, WhyOwner]:
    """Who answers for what `contact` left open, and why: the one asked first, with the exceptions of D§9.3; never the
    one complained of (D§3.2).

    Raises RuleBroken "matter.no_lead" when the one asked is complained of and nobody stands above them.
    """
    asked, about = contact.staff, contact.about_staff_id
    if contact.result == Result.SECURITY or about == asked.pk:
        lead = team_lead_of(asked, at, but={about} if about else None)
        if lead is None and about == asked.pk:
            raise RuleBroken("matter.no_lead", _("Nobody above you is there to answer for a complaint about you."))
        return lead or asked, WhyOwner.SECURITY if contact.result == Result.SECURITY else WhyOwner.ABOUT_STAFF
    together = contact.asked_with
    if together is not None and together.pk != about and senior_of(asked, together).pk == together.pk:
        return together, WhyOwner.SENIOR
    return asked, WhyOwner.FIRST_ASKED


@dataclass(frozen=True)
class Promise:
    """Who answers for what a contact leaves open and why they do, by when, and why then."""

    owner: User
    why_owner: WhyOwner
    due_at: datetime
    why: Explanation


def promise_of(contact: Interaction, named: datetime | None, at: datetime) -> Promise:
    """What `contact`, logged at `at`, promises its customer. `named`: the moment named to them; else the policy's
    working days, in the working time of the owner's unit (D§1.2). Raises as `first_owner`."""
    owner, why_owner = first_owner(contact, at)
    return Promise(owner, why_owner, *due_of(contact, owner, named, at))


def due_of(contact: Interaction, owner: User, named: datetime | None, at: datetime) -> tuple[datetime, Explanation]:
    """By when the customer is answered, and why."""
    why = Explanation()
    if contact.result == Result.SECURITY:
        within = policy("interactions.security_within", unit=owner.unit)
        why.add(
            "security",
            int(within.total_seconds() // 60),
            "first_ask",
            gettext_noop("Threat or crime: %(value)s minutes."),
            "D",
        )
        return at + within, why
    if named is not None:
        why.add("named", named.isoformat(), "first_ask", gettext_noop("The moment named to the customer."), "D")
        return named, why
    days, calendar = answer_days(owner)
    why.add(
        "working_days",
        days,
        "first_ask",
        gettext_noop("Working days: %(value)s, by the calendar %(calendar)s, version %(version)s."),
        "D",
        calendar=calendar.code,
        version=calendar.version,
    )
    return add_working(at, days * calendar.day_minutes, calendar), why


def answer_days(owner: User) -> tuple[int, Calendar]:
    """The working days within which a matter of this owner is answered, and the calendar they are days of."""
    return policy("interactions.first_ask.working_days", unit=owner.unit), calendar_for(owner.unit.calendar_code)


def usual_due(owner: User, at: datetime) -> datetime:
    """By when a matter taken up at `at` is answered when nobody names another moment."""
    days, calendar = answer_days(owner)
    return add_working(at, days * calendar.day_minutes, calendar)


def open_matter(
    contact: Interaction, *, actor: User, promise: Promise, handler: User | None = None, subject: str = ""
) -> Matter | None:
    """Take up what a logged contact left open, in the caller's transaction; None when nobody could be answered
    (D§9.3d). The owner answers for it, `handler` works on it (by default the owner), with the follow-up of the
    contact where there is one."""
    if not contact.can_be_answered and contact.result != Result.SECURITY:
        return None
    owner, why_owner, due_at = promise.owner, promise.why_owner, promise.due_at
    if handler is None or contact.result == Result.SECURITY:
        handler = owner
    matter = Matter(
        number=next_number("FA"),
        contact=contact,
        customer=contact.customer,
        kind=contact.kind,
        topic=contact.topic,
        subject=(subject or contact.summary)[:200],
        owner=owner,
        handler=handler,
        why_owner=why_owner,
        unit_no=owner.unit.no,
        follow_up=contact.next_action,
        due_at=due_at,
        explanation=promise.why.as_json(),
        created_at=clock.now(),
    )
    start_clock(matter)
    matter.save(force_insert=True)
    remember(matter, MatterAct.OPENED, actor, new_owner=owner, handler=handler, new_due=due_at)
    if contact.first_ask_owner_id != owner.pk:
        contact.first_ask_owner = owner
        contact.save(update_fields=["first_ask_owner"])
    if owner.pk != actor.pk:
        ring(owner, "security" if why_owner == WhyOwner.SECURITY else "given", matter, "opened")
    if handler.pk not in (actor.pk, owner.pk):
        ring(handler, "to_handle", matter, "opened")
    if handler.pk != actor.pk and why_owner != WhyOwner.SECURITY:
        tell_customer_who(matter, handler, "matter_passed_on", f"{handler.pk}-opened", actor)
    return matter


@transaction.atomic
def pass_on_matter(
    matter_id: int, *, actor: User, handler: User, due_at: datetime | None = None, note: str = ""
) -> Matter:
    """Let a colleague work on it; the owner stays accountable, the customer is told who and by when (D§9.2). Who works
    on it may pass it on too, or back to the owner with the reason: nobody can say "not my department" and stop there.

    `due_at`: another moment named to the customer (aware, future), by who answers for it. Raises NotAllowed
    "matter.not_yours", "matter.about_you"; RuleBroken "matter.closed", "matter.answered", "matter.cannot_take",
    "matter.about_them", "matter.same_handler", "matter.bad_due", "matter.owners_due", "matter.no_reason".
    """
    matter = open_matter_for(matter_id, actor)
    owns = may_lead(matter, actor) or answers_for(matter, actor)
    if due_at is not None and not owns:
        raise RuleBroken("matter.owners_due", _("Who answers for it names the customer another time."))
    if handler.pk == matter.owner_id and not owns and not note.strip():
        raise RuleBroken("matter.no_reason", _("Say why: the owner must know whom to ask next."))
    if matter.state != MatterState.OPEN:
        raise RuleBroken("matter.answered", _("It is answered already: tell the customer."))
    check_taker(matter, handler, right=HANDLE_RIGHT)
    if handler.pk == matter.handler_id and due_at is None:
        raise RuleBroken("matter.same_handler", _("This person works on it already."))
    fields = ["handler"]
    matter.handler = handler
    if due_at is not None:
        if due_at.tzinfo is None or due_at <= clock.now():
            raise RuleBroken("matter.bad_due", _("Name the customer a moment to come."))
        matter.due_at = due_at
        start_clock(matter)
        fields += ["due_at", *CLOCK_FIELDS]
    matter.save(update_fields=fields)
    move = remember(matter, MatterAct.PASSED_ON, actor, handler=handler, new_due=due_at, reason=note)
    if handler.pk != actor.pk:
        ring(handler, "to_handle", matter, str(move.pk))
    tell_customer_who(matter, handler, "matter_passed_on", str(move.pk), actor)
    return matter


@transaction.atomic
def answer_matter(matter_id: int, *, actor: User, answer: str, told_how: str = "") -> Matter:
    """The answer is known; with `told_how` (a `ToldHow`) the customer has it too and the matter is closed.

    The follow-up that was owed for it is done with it. Raises NotAllowed as `pass_on_matter`, and "matter.owner_tells"
    (who does not take contacts tells the owner, not the customer); RuleBroken "matter.closed", "matter.no_answer",
    "matter.unknown_code", "matter.no_customer" (a message without customer).
    """
    matter = open_matter_for(matter_id, actor)
    if told_how:
        _check_tells(actor)
    answer = answer.strip()
    if not answer:
        raise RuleBroken("matter.no_answer", _("Write the answer in a sentence."))
    matter.answer, matter.answered_at = answer[:4_000], clock.now()
    if not told_how:
        move_to(matter, MatterState.ANSWERED)
        matter.done_by = actor
        matter.save(update_fields=["answer", "answered_at", "state", "done_by"])
        remember(matter, MatterAct.ANSWERED, actor)
        if matter.owner_id != actor.pk:
            ring(matter.owner, "answered", matter, "owner")
        return matter
    matter.save(update_fields=["answer", "answered_at"])
    _tell(matter, actor, told_how)
    return matter


@transaction.atomic
def tell_customer(matter_id: int, *, actor: User, told_how: str) -> Matter:
    """The customer has the answer: the matter is closed. Raises as `answer_matter`, and RuleBroken
    "matter.no_answer" while there is none."""
    matter = open_matter_for(matter_id, actor)
    _check_tells(actor)
    if matter.state != MatterState.ANSWERED:
        raise RuleBroken("matter.no_answer", _("Write the answer in a sentence."))
    _tell(matter, actor, told_how)
    return matter


def _check_tells(actor: User) -> None:
    if not actor.has_perm(TAKE_RIGHT):
        raise NotAllowed("matter.owner_tells", _("Who answers for the matter tells the customer."))


@transaction.atomic
def refer_matter(matter_id: int, *, actor: User, referral: str) -> Matter:
    """It turned out to be another company's or authority's: the right contact was given (D§9.3a). Raises as
    `answer_matter`, and RuleBroken "matter.no_referral"."""
    matter = owned_matter(matter_id, actor)
    if not referral.strip():
        raise RuleBroken("matter.no_referral", _("Name the right contact you gave the customer."))
    move_to(matter, MatterState.REFERRED)
    matter.referral = referral.strip()[:200]
    _close(matter, actor, clock.now(), ["referral"])
    remember(matter, MatterAct.REFERRED, actor)
    return matter


@transaction.atomic
def secure_matter(matter_id: int, *, actor: User, note: str) -> Matter:
    """Security or the police have it (D§9.3b). Only for what came as a threat or crime; raises RuleBroken
    "matter.not_security", "matter.no_answer" without a note."""
    matter = owned_matter(matter_id, actor)
    if matter.contact.result != Result.SECURITY:
        raise RuleBroken("matter.not_security", _("This matter is no threat or crime."))
    if not note.strip():
        raise RuleBroken("matter.no_answer", _("Write whom you informed and when."))
    move_to(matter, MatterState.SECURED)
    matter.answer = note.strip()[:4_000]
    _close(matter, actor, clock.now(), ["answer"])
    remember(matter, MatterAct.SECURED, actor)
    return matter


@transaction.atomic
def settle_by_follow_up(matter_id: int) -> bool:
    """What the promised call already did: a follow-up done with the customer reached tells them, one done otherwise
    answers. False when there is nothing (more) to do."""
    matter = (
        Matter.objects.open()
        .filter(pk=matter_id, state=MatterState.OPEN, follow_up__state=FollowUpState.DONE)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("owner__unit", "customer", "contact", "follow_up__done_by")
        .first()
    )
    if matter is None or matter.follow_up is None:
        return False
    follow_up, by = matter.follow_up, matter.follow_up.done_by
    matter.answer, matter.answered_at = follow_up.result, follow_up.closed_at
    reached = follow_up.last_outcome == AttemptOutcome.REACHED
    matter.state = MatterState.TOLD if reached else MatterState.ANSWERED
    if reached:
        matter.told_at = follow_up.closed_at
        matter.told_how = ToldHow.IN_PERSON if follow_up.kind == "VISIT" else ToldHow.CALL
        close_offer(matter, OfferState.WITHDRAWN)
        _close(matter, by, follow_up.closed_at or clock.now(), ["answer", "answered_at", "told_at", "told_how"])
    else:
        matter.done_by = by
        matter.save(update_fields=["answer", "answered_at", "state", "done_by"])
    remember(matter, MatterAct.TOLD if reached else MatterAct.ANSWERED, by)
    return True


def _tell(matter: Matter, actor: User, told_how: str) -> None:
    if told_how not in ToldHow.values:
        raise RuleBroken("matter.unknown_code", _("Say how the customer was told."))
    if told_how == ToldHow.MESSAGE:
        if matter.customer is None:
            raise RuleBroken("matter.no_customer", _("There is no customer to write to; tell them another way."))
        queue_message(
            customer=matter.customer,
            message_class=MessageClass.SERVICE,
            template="matter_answered",
            params={"number": matter.number},
            dedupe_key=f"matter-answered-{matter.ref}",
            actor=actor,
        )
    move_to(matter, MatterState.TOLD)
    matter.told_at, matter.told_how = clock.now(), told_how
    close_offer(matter, OfferState.WITHDRAWN)
    _close(matter, actor, matter.told_at, ["told_at", "told_how"])
    remember(matter, MatterAct.TOLD, actor)
    if matter.owner_id != actor.pk:
        ring(matter.owner, "told", matter, "owner")
    follow_up = matter.follow_up
    if follow_up is not None and follow_up.state == FollowUpState.OPEN and may_work_on(follow_up, actor):
        complete_followup(follow_up.pk, actor=actor, result=matter.answer)


def _close(matter: Matter, actor: User | None, at: datetime, fields: list[str]) -> None:
    matter.done_by, matter.closed_at, matter.next_notice_at = actor, at, None
    matter.save(update_fields=[*CLOSING, *fields])
