"""What every act on a first-ask matter stands on: the lock, who may act, history, audit, timeline, bells, the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from interactions.models import Matter, MatterMove, MatterOffer
from interactions.stages import MATTER_MOVES, TELLING, MatterAct, MatterState, OfferState
from outreach.lifecycle import MessageClass
from outreach.services import notify, queue_message
from staff.absence import acting_for, team_lead_of
from staff.models import User
from staff.rights import sight_of

TAKE_RIGHT = "interactions.take"
# Working on what another department was handed (D§9.4): answering it or handing it back, not speaking to customers.
HANDLE_RIGHT = "interactions.handle"
ASSIGN_RIGHT = "interactions.assign"
LONGEST_TEXT = 200


def locked_matter(matter_id: int) -> Matter:
    """The matter under its lock, with what acts need."""
    # Two steps: a join in the locking query would lose the row when its owner changed while we waited for the lock.
    Matter.objects.select_for_update(no_key=True).only("pk").get(pk=matter_id)
    return Matter.objects.select_related("owner__unit", "handler__unit", "customer", "contact", "follow_up").get(
        pk=matter_id
    )


def open_matter_for(matter_id: int, actor: User) -> Matter:
    """An open matter the actor may work on, locked. Raises NotAllowed "matter.not_yours", "matter.about_you",
    RuleBroken "matter.closed"."""
    matter = locked_matter(matter_id)
    check_not_about(matter, actor)
    if not may_work(matter, actor):
        raise NotAllowed("matter.not_yours", _("Somebody else answers for this matter."))
    check_open(matter)
    return matter


def owned_matter(matter_id: int, actor: User) -> Matter:
    """The same for acts of the owner, the one acting for them, or a lead. Raises as `open_matter_for`."""
    matter = locked_matter(matter_id)
    check_not_about(matter, actor)
    if not (may_lead(matter, actor) or answers_for(matter, actor)):
        raise NotAllowed("matter.not_yours", _("Somebody else answers for this matter."))
    check_open(matter)
    return matter


def answers_for(matter: Matter, user: User, *, at: datetime | None = None) -> bool:
    """Whether `user` is the owner, or acts for an owner who is absent (D§3.3)."""
    if not user.has_perm(TAKE_RIGHT):
        return False
    return user.pk == matter.owner_id or acting_for(matter.owner, at or clock.now(), right=TAKE_RIGHT).pk == user.pk


def may_lead(matter: Matter, user: User) -> bool:
    """Whether `user` gives orders over the matter: a lead in whose scope it lies or to whom it was brought."""
    if not user.has_perm(ASSIGN_RIGHT):
        return False
    sight = sight_of(user, ASSIGN_RIGHT)
    return matter.escalated_to_id == user.pk or sight.covers(unit_no=matter.unit_no, owner_id=matter.owner_id)


def may_work(matter: Matter, user: User) -> bool:
    """Whether `user` works on it: owner or handler, who acts for one of them, or a lead."""
    if not user.has_perm(HANDLE_RIGHT):
        return False
    now = clock.now()
    return (
        user.pk == matter.handler_id
        or answers_for(matter, user, at=now)
        or acting_for(matter.handler, now, right=HANDLE_RIGHT).pk == user.pk
        or may_lead(matter, user)
    )


def stand_in(matter: Matter, person: User, at: datetime) -> User:
    """Who does the part of `person` in the matter at `at`: they, or who acts for them, but never the one complained of
    (D§3.2): then the lead."""
    found = acting_for(person, at, right=TAKE_RIGHT if person.pk == matter.owner_id else HANDLE_RIGHT)
    if found.pk != matter.contact.about_staff_id:
        return found
    return lead_over(matter, person, at) or person


def lead_over(matter: Matter, person: User, at: datetime) -> User | None:
    """The present lead of `person`, or the one above, who neither owns the matter nor is complained of in it."""
    about = matter.contact.about_staff_id
    return team_lead_of(person, at, but={matter.owner_id, *([about] if about else [])})


def check_open(matter: Matter) -> None:
    if not matter.is_open:
        raise RuleBroken("matter.closed", _("The customer was told already; this matter is closed."))


def check_not_about(matter: Matter, person: User) -> None:
    """Nobody handles a complaint about themselves (D§3.2)."""
    if matter.contact.about_staff_id == person.pk:
        raise NotAllowed("matter.about_you", _("The person complained of does not handle the matter."))


def check_taker(matter: Matter, to: User, *, right: str = TAKE_RIGHT) -> None:
    """That `to` may answer for the matter, or work on it (`right`: HANDLE_RIGHT). Raises RuleBroken
    "matter.cannot_take", "matter.about_them"."""
    if not to.is_active or not to.has_perm(right):
        raise RuleBroken("matter.cannot_take", _("This person does not take contacts: choose another one."))
    if matter.contact.about_staff_id == to.pk:
        raise RuleBroken("matter.about_them", _("The complaint is about this person: choose another one."))


def move_to(matter: Matter, state: MatterState) -> None:
    """Set the state if it may follow. Raises RuleBroken "matter.closed"; the caller saves."""
    if state not in MATTER_MOVES[matter.state]:
        raise RuleBroken("matter.closed", _("This step does not follow from where the matter stands."))
    matter.state = state


def remember(matter: Matter, act: MatterAct, actor: User | None, **what: Any) -> MatterMove:
    """History row, audit entry, and a line on the customer's timeline for what the customer would ask about."""
    behalf = None
    if actor is not None and actor.pk not in (matter.owner_id, matter.handler_id) and "new_owner" not in what:
        behalf = matter.owner
    move = MatterMove.objects.create(
        matter=matter,
        act=act,
        at=clock.now(),
        actor=actor,
        on_behalf_of=behalf,
        reason=(what.pop("reason", "") or "").strip()[:LONGEST_TEXT],
        **what,
    )
    record(
        f"matter.{act.lower()}",
        target=matter,
        actor=actor,
        customer_id=matter.customer_id,
        unit_id=matter.owner.unit_id,
        on_behalf_of=behalf,
        detail={
            "owner": matter.owner_id,
            "handler": matter.handler_id,
            **({"level": move.level} if move.level is not None else {}),
            **({"due_at": move.new_due.isoformat()} if move.new_due else {}),
        },
    )
    if act in TELLING and matter.customer_id is not None:
        add_line(
            matter.customer_id,
            f"matter.{act.lower()}",
            actor=actor,
            ref_id=matter.pk,
            params={"number": matter.number, "due_at": matter.due_at.isoformat()},
            unit_id=matter.owner.unit_id,
        )
    return move


def ring(person: User, kind: str, matter: Matter, key: str, **more: Any) -> None:
    """Ring a colleague's bell about the matter, once per key."""
    notify(
        person,
        f"matter.{kind}",
        subject_ref=matter,
        params={"number": matter.number, "due_at": matter.due_at.isoformat(), **more},
        dedupe_key=f"{kind}-{matter.ref}-{key}"[:80],
    )


def tell_customer_who(matter: Matter, person: User, template: str, key: str, actor: User | None) -> None:
    """Write to the customer who looks after their matter now and by when (D§9.2, 9.4, 24); nothing without one."""
    if matter.customer is None:
        return
    queue_message(
        customer=matter.customer,
        message_class=MessageClass.SERVICE,
        template=template,
        params={"number": matter.number, "colleague": person.staff_no, "due_at": matter.due_at.isoformat()},
        dedupe_key=f"{template}-{matter.ref}-{key}",
        expires_at=matter.due_at if matter.due_at > clock.now() else None,
        actor=actor,
    )


def start_clock(matter: Matter) -> None:
    """Reminders begin anew from the due moment. The caller saves `next_notice_at`, `next_level`, `escalated_to`."""
    matter.next_level, matter.escalated_to = 0, None
    matter.next_notice_at = matter.due_at - policy("interactions.first_ask.remind_before")


CLOCK_FIELDS = ["next_notice_at", "next_level", "escalated_to"]


def close_offer(matter: Matter, state: OfferState, reason: str = "") -> MatterOffer | None:
    """Decide the open offer of a locked matter, if there is one."""
    offer = MatterOffer.objects.open().filter(matter=matter).select_related("to", "by").first()
    if offer is not None:
        offer.state, offer.reason, offer.decided_at = state, reason.strip()[:LONGEST_TEXT], clock.now()
        offer.save(update_fields=["state", "reason", "decided_at"])
    return offer
