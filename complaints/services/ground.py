"""What every act on a case stands on: the lock, who may act, the move by the table, history, audit, timeline, bells,
and what the customer is told (D§1.9, 10.3, 24)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import ENDED, Act, Move, SeatWhy, State, move_for
from complaints.models import Complaint, ComplaintMove, InMail, MediationCase, Seat
from complaints.models.cases import VIEW_RIGHT
from complaints.outside.mediation import HELD_BY_MEDIATION, MEDIATING
from complaints.services.clocks import CaseClocks
from complaints.services.memory import Memory, memory_of, remember_many
from complaints.services.speaking import OUTSIDERS, speaks_for, tell_speaker
from complaints.team.signing import signer_of, stood_for
from customers.models import ContactPoint
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.lifecycle import Channel as ContactChannel
from outreach.lifecycle import Channel, MessageClass
from outreach.models import Notification, OutMessage
from outreach.outsiders import reference
from outreach.services import notify_many, queue_message, queue_outside_message
from staff.absence import team_lead_of
from staff.models import User
from staff.rights import sight_of

WORK_RIGHT = "complaints.work"
ASSIGN_RIGHT = "complaints.assign"
APPROVE_RIGHT = "complaints.approve"
COORDINATE_RIGHT = "complaints.coordinate"
# What cannot wait until who left it at the change of shift is here again: who signed hears it too.
TO_SIGNER = frozenset(
    {
        "heard",
        "urged",
        "manager_asked",
        "disputed",
        "not_solved",
        "resumed",
        "part_done",
        "part_returned",
        "approved",
        "denied",
    }
)


def locked_case(case_id: int) -> Complaint:
    """The case under its lock, with what acts need. Raises Complaint.DoesNotExist."""
    # Two steps: a join in the locking query would lose the row when what it joins changed while we waited.
    Complaint.objects.select_for_update(no_key=True).only("pk").get(pk=case_id)
    return Complaint.objects.select_related("owner__unit", "handler__unit", "work_unit", "customer", "topic").get(
        pk=case_id
    )


def case_for(case_id: int, actor: User, right: str) -> Complaint:
    """The case, locked, if the actor holds `right` over it and it is not about them (D§3.2).

    Raises NotAllowed "complaint.about_you", "complaint.not_yours", "complaint.no_right".
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    check_right(case, actor, right)
    return case


def case_to(case_id: int, act: str, actor: User | None) -> Complaint:
    """The case, locked, if `act` may follow and the actor (None: the clock) may do it.

    Raises as `case_for`, and RuleBroken "complaint.illegal".
    """
    case = locked_case(case_id)
    if actor is not None:
        check_sees(case, actor)
    step = step_from(case, act, actor)
    if actor is not None:
        check_right(case, actor, step.right)
    return case


def step_from(case: Complaint, act: str, actor: User | None) -> Move:
    """The move `act` makes from where the case stands. Raises RuleBroken "complaint.illegal", and
    "complaint.in_mediation": while others mediate, a dispute rests (D§11.4), only the customer may end it."""
    step = move_for(case.state, act)
    if step is None or (actor is None and not step.by_clock):
        words = _("A case that is “%(state)s” does not allow: %(act)s.")
        raise RuleBroken("complaint.illegal", words % {"state": State(case.state).label, "act": Act(act).label})
    if case.state == State.DISPUTED and act in HELD_BY_MEDIATION:
        by = MediationCase.objects.filter(complaint=case, closed_at=None, state__in=MEDIATING).first()
        if by is not None:
            words = _("%(body)s mediates: until that ends the complaint rests.")
            raise RuleBroken("complaint.in_mediation", words % {"body": by.body})
    return step


def check_sees(case: Complaint, actor: User) -> None:
    """That the case is not about the actor and within their sight. Raises NotAllowed "complaint.about_you",
    "complaint.not_yours"."""
    if case.about_staff_id == actor.pk:
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    if not covers(case, actor, VIEW_RIGHT):
        raise NotAllowed("complaint.not_yours", _("This complaint is not within your scope."))


def check_right(case: Complaint, actor: User, right: str) -> None:
    """That the actor holds `right` over the case. Raises NotAllowed "complaint.no_right", "complaint.not_yours"."""
    if not actor.has_perm(right):
        raise NotAllowed("complaint.no_right", _("Your role does not do this to complaints."))
    if not covers(case, actor, right):
        raise NotAllowed("complaint.not_yours", _("This complaint is not within your scope."))


def covers(case: Complaint, actor: User, right: str) -> bool:
    """Whether `right` reaches the case for the actor: by either of its units, by owner or handler (also absent ones
    they act for), or by a seat."""
    sight = sight_of(actor, right)
    return (
        sight.covers(unit_no=case.unit_no, owner_id=case.owner_id)
        or sight.covers(unit_no=case.work_unit_no, owner_id=case.handler_id)
        or (bool(sight.owners) and Seat.objects.filter(complaint=case, user__in=sorted(sight.owners)).exists())
    )


def works_on(case: Complaint, actor: User) -> bool:
    """Whether the actor is the handler, acts for an absent one, signed for it, or leads those who work on it."""
    return (
        actor.pk == case.handler_id
        or leads(case, actor)
        or (case.handler_id in stood_for(case, actor) and actor.has_perm(WORK_RIGHT))
    )


def leads(case: Complaint, actor: User) -> bool:
    """Whether the actor gives orders over the case."""
    return actor.has_perm(ASSIGN_RIGHT) and covers(case, actor, ASSIGN_RIGHT)


def check_works(case: Complaint, actor: User) -> None:
    """Raises NotAllowed "complaint.not_handler" unless the actor works on the case."""
    if not works_on(case, actor):
        raise NotAllowed(
            "complaint.not_handler", _("Somebody else works on this complaint: have it given to you first.")
        )


def check_worker(case: Complaint, person: User) -> None:
    """That `person` may be its handler. Raises RuleBroken "complaint.cannot_work", "complaint.about_them"."""
    if not person.is_active or not person.has_perm(WORK_RIGHT):
        raise RuleBroken("complaint.cannot_work", _("This person does not work on complaints: choose another one."))
    if case.about_staff_id == person.pk:
        raise RuleBroken("complaint.about_them", _("The complaint is about this person: choose another one."))


def check_open(case: Complaint) -> None:
    """Raises RuleBroken "complaint.ended"."""
    if not case.is_open:
        raise RuleBroken("complaint.ended", _("This complaint is closed."))


def check_no_record(case: Complaint) -> None:
    """Raises RuleBroken "complaint.record" for a record of the past: no clock of it would run, and nobody be told."""
    if case.is_imported:
        words = _("%(number)s is a record of the past: register a new complaint and link it as a repeat.")
        raise RuleBroken("complaint.record", words % {"number": case.number})


def behalf(case: Complaint, actor: User | None) -> User | None:
    """The handler or owner, absent or off their shift, for whom the actor acts, or None."""
    if actor is None or actor.pk in (case.owner_id, case.handler_id):
        return None
    absent = stood_for(case, actor)
    if case.handler is not None and case.handler_id in absent:
        return case.handler
    return case.owner if case.owner_id in absent else None


def lead_over(case: Complaint, person: User, at: datetime) -> User | None:
    """The present lead of `person`, or the one above, who is not complained of in the case."""
    return team_lead_of(person, at, but={case.about_staff_id} if case.about_staff_id else None)


def clocks_for(case: Complaint, actor: User | None, *, new: bool = False) -> CaseClocks:
    """The clocks of a locked case during this act: the same object until the act is over. What it changes is copied to
    the case by `move` or `save_case`, and read into the history row. `new`: registered in this transaction."""
    held: CaseClocks | None = getattr(case, "_clocks", None)
    if held is None:
        held = CaseClocks(case, at=clock.now(), actor=actor, new=new)
        case._clocks = held  # type: ignore[attr-defined]  # lives as long as the locked row does
    return held


@transaction.atomic
def move(case: Complaint, act: str, *, actor: User | None, reason: str = "", **columns: Any) -> ComplaintMove:
    """Take the locked case where `act` leads, with `columns` set, in the caller's transaction: one UPDATE, a history
    row, an audit entry, a line on the customer's timeline. Ended cases get `closed_at`, others lose it.

    Raises RuleBroken "complaint.illegal", NotAllowed "complaint.no_right".
    """
    step = step_from(case, act, actor)
    if actor is not None and not actor.has_perm(step.right):
        raise NotAllowed("complaint.no_right", _("Your role does not do this to complaints."))
    old, case.state = case.state, step.new
    if step.new in ENDED:
        columns["closed_at"] = clock.now()
    elif old in ENDED:
        columns["closed_at"] = None
    if old == State.PAUSED:
        columns |= {"pause_reason": "", "pause_until": None}
    for name, value in columns.items():
        setattr(case, name, value)
    save_case(case, "state", *columns)
    return remember(case, act, actor=actor, old=old, new=step.new, reason=reason)


def save_case(case: Complaint, *fields: str) -> None:
    """Save the named fields of a locked case with the copies of its clocks, and count its version up."""
    case.version += 1
    held: CaseClocks | None = getattr(case, "_clocks", None)
    copies = held.copies() if held is not None else {}
    for name, value in copies.items():
        setattr(case, name, value)
    case.save(update_fields=sorted({*fields, *copies, "version"}))


def remember(
    case: Complaint,
    act: str,
    *,
    actor: User | None,
    old: str = "",
    new: str = "",
    reason: str = "",
    detail: dict[str, Any] | None = None,
) -> ComplaintMove:
    """What was done to a case: history row, audit entry ("complaint.<act>"), and a line on the customer's timeline for
    what they would ask about. `act`: an `Act` with the states it led from and to, or a `Deed`, which changes none.
    `detail` of the audit: ids, codes, amounts. Registering is `Act.REGISTER` with `new` alone."""
    memory = act_kept(case, act, actor=actor, old=old, new=new, reason=reason, detail=detail)
    remember_many([memory])
    return memory.row


def act_kept(case: Complaint, act: str, *, actor: User | None, **more: Any) -> Memory:
    """What `remember` would write of an act, to be written with that of others (`memory.remember_many`)."""
    readings = clocks_for(case, actor).readings()
    return memory_of(case, act, actor=actor, stands_for=behalf(case, actor), readings=readings, **more)


def seat(case: Complaint, user: User, why: SeatWhy) -> None:
    """Let somebody see the case because of a duty in it; twice is once."""
    Seat.objects.bulk_create([Seat(complaint=case, user=user, why=why)], ignore_conflicts=True)


def unseat(case: Complaint, why: SeatWhy, user: User | None = None) -> None:
    """The duty is over: of `user`, or of everybody who had it."""
    seats = Seat.objects.filter(complaint=case, why=why)
    (seats.filter(user=user) if user is not None else seats).delete()


def ring(case: Complaint, person: User, kind: str, key: str, **params: Any) -> None:
    """Ring a colleague's bell ("complaint.<kind>", complaints/bellkinds.py) about the case, once per key. Nobody is
    rung about a complaint about them, or about a record of the past."""
    people = [person]
    if kind in TO_SIGNER and person.pk in (case.owner_id, case.handler_id) and not case.is_imported:
        people += [one for one in (signer_of(case, person),) if one is not None]
    notices = [bell_of(case, one, kind, key, **params) for one in people]
    if found := [one for one in notices if one is not None]:
        notify_many(found)


def bell_of(case: Complaint, person: User, kind: str, key: str, **params: Any) -> Notification | None:
    """What `ring` writes, for `notify_many`; None where nobody is rung."""
    if case.is_imported or person.pk == case.about_staff_id:
        return None
    due = promised_by(case)
    return Notification(
        user=person,
        kind=f"complaint.{kind}",
        subject_type="complaint",
        subject_id=case.pk,
        params={"number": case.number, **({"due_at": due.isoformat()} if due else {}), **params},
        dedupe_key=f"{kind}-{case.ref}-{key}"[:80],
    )


def promised_by(case: Complaint) -> datetime | None:
    """By when the customer has our answer: the service limit, else the statutory one; None when neither runs."""
    return case.service_due_at or case.statutory_due_at


def tell_customer(
    case: Complaint,
    template: str,
    *,
    key: str,
    actor: User | None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    channel: str = "",
    **params: Any,
) -> OutMessage | None:
    """Write to who complained, once per case, template and key: what happened, what is next, by when, who (D§24); to
    the customer and who complains for them (`speaking`).

    `params` besides number, colleague (whom to ask) and `due_at`: codes, numbers, ISO moments; free text to the
    customer only as `words`. What names the moment of our answer is dropped when that has passed (`expires_at`: another
    moment it must leave before): it would say nothing true.
    None for a record of the past, one told before, and where nothing says how to reach the complainant (D§9.3d).
    A case that is not in the database yet is saved by the caller, with `last_told_at`.
    """
    if case.is_imported:
        return None
    due = promised_by(case)
    given = {"number": case.number, "colleague": (case.handler or case.owner).staff_no, "due_at": "", **params}
    if not params.get("due_at") and due is not None and due > (not_before or clock.now()):
        given["due_at"] = due.isoformat()
        expires_at = expires_at or due
    rest: dict[str, Any] = {"not_before": not_before, "expires_at": expires_at, "actor": actor}
    once = f"{template}-{case.ref}-{key}"
    message = _queued(case, template=template, params=given, dedupe_key=once, channel=channel, **rest)
    if message is not None and speaks_for(case):
        tell_speaker(case, template, given, dedupe_key=once, **rest)
    if message is not None:
        case.last_told_at = clock.now()
        if not case._state.adding:
            case.save(update_fields=["last_told_at"])
    return message


def _queued(case: Complaint, *, channel: str, **message: Any) -> OutMessage | None:
    """The message in the outbox: to the customer, or to who complained without being one."""
    by_mail = channel == Channel.EMAIL if channel else case.channel == ContactChannel.EMAIL
    if by_mail:
        message["params"] |= _answered_mail(case)
    if case.customer is not None:
        channel = Channel.EMAIL if by_mail else Channel.SMS
        point = _point_written_from(case) if by_mail else None
        return queue_message(
            customer=case.customer,
            message_class=MessageClass.SERVICE,
            channel=channel,
            to_contact_point=point,
            **message,
        )
    if not (case.contact_phone or case.contact_email):
        return None
    channel = Channel.EMAIL if case.contact_email and (by_mail or not case.contact_phone) else Channel.SMS
    who = reference(OUTSIDERS, case.pk)
    return queue_outside_message(outsider=who, unit_no=case.unit_no, channel=channel, **message)


def _answered_mail(case: Complaint) -> dict[str, str]:
    """The Message-ID of the newest mail of a case, which what we write answers: so both stand in one thread."""
    theirs = InMail.objects.filter(complaint=case, is_theirs=True).exclude(message_id="")
    newest = theirs.order_by("-pk").values_list("message_id", flat=True).first()
    return {"answers_mail": newest} if newest else {}


def _point_written_from(case: Complaint) -> ContactPoint | None:
    """The contact point the complainant wrote from, while it may be used; None: wherever else they are reached."""
    if not case.contact_email:
        return None
    mine = ContactPoint.objects.filter(customer=case.customer, kind=ContactPoint.Kind.EMAIL, value=case.contact_email)
    return mine.filter(valid_to__isnull=True, do_not_use="").first()
