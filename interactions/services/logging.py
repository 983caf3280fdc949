"""Writing a contact up: what it was about, how it ended, who owes what next, who answers for it (D§9.1-9.5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from customers.models import Customer, CustomerFacts
from customers.models.timeline import CONTACT
from customers.timeline import add_line
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import first_id_at
from foundation.policies.reading import policy
from interactions.lifecycle import (
    LEAVES_MATTER,
    NEEDS_NEXT_ACTION,
    Caller,
    ContactAct,
    Direction,
    Kind,
    Phase,
    Result,
    usual_phase,
)
from interactions.models import ContactPlace, Interaction, Topic
from interactions.place_queries import usual_channel
from interactions.rest.telling import tell_completed
from interactions.services.contacts import (
    ENDING,
    check_place,
    close_contact,
    own_contact,
    remember,
    start_contact,
)
from interactions.services.matters import Promise, open_matter, promise_of
from interactions.services.suggestions import receive_suggestion
from outreach.lifecycle import FollowUpKind, MessageClass
from outreach.models import FollowUp
from outreach.services import owe_followup, queue_message
from staff.models import User
from staff.policies import settlement_limit

LONGEST_SUMMARY = 4_000
LONGEST_HANDLE = 200
WRITTEN = [
    "kind",
    "topic",
    "phase",
    "summary",
    "result",
    "resolved_on_spot",
    "logged_at",
    "next_action",
    "handle",
    "referral",
    "agreed",
    "settled",
    "about_staff",
    "asked_with",
    "place",
]


@dataclass(frozen=True)
class NextAction:
    """What follows. `due_at`: aware; None for what leaves a matter: the time the rules give for an answer.
    `tell_customer`: also write to the customer when a callback is promised."""

    kind: str
    owner: User | None
    due_at: datetime | None
    subject: str = ""
    tell_customer: bool = False


class Details(TypedDict, total=False):
    """What else is told about a contact; everything has a default.

    `agreed`: whether the customer agrees with the solution. `settled`: CNY given on the spot. `referral`: the right
    contact given, for another company's matter. `handle`: the account on the other side of a messenger or social
    network. `about`: the colleague complained of, perhaps the taker. `asked_with`: a colleague asked together with the
    taker. `place`: the hall, hotline or account it came in at, when it is another than noted at the start.
    """

    kind: str
    topic: Topic | None
    result: str
    phase: str
    next_action: NextAction | None
    agreed: bool | None
    settled: Decimal | None
    referral: str
    handle: str
    about: User | None
    asked_with: User | None
    place: ContactPlace | None


@dataclass(frozen=True)
class _Note:
    """One write-up."""

    summary: str
    kind: str = Kind.CONSULT
    topic: Topic | None = None
    result: str = Result.ANSWERED
    phase: str = ""
    next_action: NextAction | None = None
    agreed: bool | None = None
    settled: Decimal | None = None
    referral: str = ""
    handle: str = ""
    about: User | None = None
    asked_with: User | None = None
    place: ContactPlace | None = None


@transaction.atomic
def log_contact(contact_id: int, *, actor: User, summary: str, **details: Unpack[Details]) -> Interaction:
    """Write up the actor's contact, ending it if it goes on; with `next_action` a follow-up is owed in the same breath.

    What is left open becomes a first-ask matter, a suggestion gets its answer clock. Raises NotAllowed
    "contact.not_yours"; RuleBroken "contact.already_logged", "contact.no_summary", "contact.summary_too_long",
    "contact.unknown_code", "contact.topic_retired", "contact.needs_next_action" (the result says that something
    follows), "contact.next_action_needs_owner_and_due", "contact.passed_on_to_oneself", "contact.not_agreed",
    "contact.needs_referral", "contact.bad_amount", "contact.over_limit" (D§3.4), "contact.about_not_complaint",
    "contact.about_handler", "contact.bad_handle", "contact.place_of_other_channel", "matter.no_lead", and those of
    `owe_followup`.
    """
    contact = own_contact(contact_id, actor)
    if contact.logged_at is not None:
        raise RuleBroken("contact.already_logged", _("This contact has been logged already."))
    return _write_up(contact, actor, _Note(summary, **details))


def log_with_case(
    contact_id: int, *, actor: User, owner: User, summary: str, topic: Topic | None = None, about: User | None = None
) -> Interaction:
    """Write up the actor's contact as the complaint a case was taken up for or urged by: the case has the clocks, and
    `owner` answers for it, so that no matter is opened beside it. Raises as `log_contact`."""
    contact = log_contact(
        contact_id, actor=actor, summary=summary, kind=Kind.COMPLAINT, topic=topic, result=Result.CASE, about=about
    )
    if contact.first_ask_owner_id != owner.pk:
        contact.first_ask_owner = owner
        contact.save(update_fields=["first_ask_owner"])
    return contact


def _write_up(contact: Interaction, actor: User, note: _Note) -> Interaction:
    """`log_contact` of a contact nobody else can touch now: locked, or made in this transaction."""
    if note.topic is not None and not note.topic.is_offered:
        raise RuleBroken("contact.topic_retired", _("This topic was retired. Choose another one."))
    summary = _check(note, actor)
    check_place(note.place, contact.channel)
    ending = []
    if contact.is_open:
        close_contact(contact, actor)
        ending = ENDING
    contact.kind, contact.topic, contact.phase = note.kind, note.topic, note.phase or usual_phase(note.kind)
    contact.summary, contact.result = summary, note.result
    contact.resolved_on_spot = note.result == Result.RESOLVED
    # Who chooses "solved on the spot" says that the customer agrees.
    contact.agreed = True if note.result == Result.RESOLVED else note.agreed
    contact.settled, contact.referral = note.settled, note.referral.strip()
    contact.handle = note.handle.strip() or contact.handle
    contact.about_staff, contact.asked_with = note.about, note.asked_with
    contact.place = note.place or contact.place
    contact.logged_at = clock.now()
    _check_settled(contact, actor)
    promise = None
    if note.next_action is not None or note.result in LEAVES_MATTER:
        named = note.next_action.due_at if note.next_action is not None else None
        promise = promise_of(contact, named, contact.logged_at)
    # What is owed for a complaint about a colleague stands in its matter alone: who sees the customer sees follow-ups.
    if note.next_action is not None and promise is not None and note.about is None:
        contact.next_action = _owe(contact, actor, note.next_action, promise)
    contact.save(update_fields=[*ending, *WRITTEN])
    remember(contact, ContactAct.LOGGED, actor, code=note.result)
    if contact.customer_id is not None:
        push_facts(contact, contact.customer_id)
        tell_logged(contact, actor)
    tell_completed(contact)
    leave_behind(contact, actor, note.next_action, promise)
    return contact


def leave_behind(
    contact: Interaction, actor: User, action: NextAction | None = None, promise: Promise | None = None
) -> None:
    """What a logged contact leaves to somebody: a suggestion to answer, a matter to answer for."""
    if contact.kind == Kind.SUGGESTION and contact.summary:
        receive_suggestion(contact, actor=actor)
    elif contact.result in LEAVES_MATTER or (action is not None and contact.about_staff_id is not None):
        owed = contact.next_action
        open_matter(
            contact,
            actor=actor,
            promise=promise or promise_of(contact, owed.due_at if owed is not None else None, clock.now()),
            handler=action.owner if action is not None else owed.owner if owed is not None else None,
            subject=action.subject if action is not None else "",
        )


def tell_logged(contact: Interaction, actor: User, at: datetime | None = None) -> None:
    """The line on the customer's timeline; `at`: when it was, for one that was attached later."""
    if contact.customer_id is not None:
        add_line(
            contact.customer_id,
            CONTACT,
            actor=actor,
            ref_id=contact.pk,
            params={
                "number": contact.number,
                "channel": contact.channel,
                "kind": contact.kind,
                "result": contact.result,
                "topic": contact.topic.code if contact.topic else "",
            },
            unit_id=actor.unit_id,
            at=at,
        )


@transaction.atomic
def quick_log(
    *,
    actor: User,
    customer: Customer,
    summary: str,
    channel: str = "",
    direction: str = Direction.INBOUND,
    **details: Unpack[Details],
) -> Interaction:
    """One key and one field: write up the actor's open contact with this customer, or begin one and write it up.

    `channel`: of one that begins; by default the usual one of the actor's unit. Raises what `start_contact` and
    `log_contact` raise; nothing is written then.
    """
    contact = Interaction.objects.filter(staff=actor, customer=customer, logged_at__isnull=True).order_by("-pk").first()
    if contact is None:
        contact = start_contact(
            actor=actor,
            customer=customer,
            channel=channel or usual_channel(actor),
            caller=Caller.CUSTOMER,
            direction=direction,
            place=details.get("place"),
        )
        return _write_up(contact, actor, _Note(summary, **details))
    return log_contact(contact.pk, actor=actor, summary=summary, **details)


def _check(note: _Note, actor: User) -> str:
    summary = note.summary.strip()
    if not summary and note.result not in {Result.WRONG_NUMBER, Result.NO_RESULT}:
        raise RuleBroken("contact.no_summary", _("Write in a sentence what it was about."))
    if len(summary) > LONGEST_SUMMARY:
        raise RuleBroken(
            "contact.summary_too_long",
            _("The note is longer than %(longest)s characters: shorten it.") % {"longest": LONGEST_SUMMARY},
        )
    known = note.kind in Kind.values and note.result in Result.values
    if not known or (note.phase and note.phase not in Phase.values):
        raise RuleBroken("contact.unknown_code", _("Choose one of the values offered."))
    if note.about is not None and note.kind != Kind.COMPLAINT:
        raise RuleBroken(
            "contact.about_not_complaint", _("Whom it is about belongs to a complaint: choose the kind “Complaint”.")
        )
    if note.result == Result.RESOLVED and note.agreed is False:
        raise RuleBroken(
            "contact.not_agreed", _("It is solved on the spot only when the customer agrees; choose another result.")
        )
    if note.result == Result.REFERRED and not note.referral.strip():
        raise RuleBroken("contact.needs_referral", _("Name the right contact you gave the customer."))
    length = max(len(note.handle.strip()), len(note.referral.strip()))
    if length > LONGEST_HANDLE:
        words = _("At most %(longest)s characters fit, these are %(length)s.")
        raise RuleBroken("contact.bad_handle", words % {"longest": LONGEST_HANDLE, "length": length})
    _check_next(note, actor)
    return summary


def _check_next(note: _Note, actor: User) -> None:
    action = note.next_action
    if action is None:
        if note.result in NEEDS_NEXT_ACTION:
            raise RuleBroken(
                "contact.needs_next_action", _("Somebody must owe the next step: say what, who and by when.")
            )
    elif action.owner is None or (action.due_at is None and note.result not in LEAVES_MATTER):
        raise RuleBroken("contact.next_action_needs_owner_and_due", _("A next action needs an owner and a due moment."))
    elif note.about is not None and action.owner.pk == note.about.pk:
        raise RuleBroken(
            "contact.about_handler", _("The complaint is about this person: let a colleague do what follows.")
        )
    elif note.result == Result.PASSED_ON and action.owner.pk == actor.pk:
        raise RuleBroken("contact.passed_on_to_oneself", _("Name the colleague you pass it to."))


def _check_settled(contact: Interaction, actor: User) -> None:
    """The amount given on the spot, with what the customer got on the topic lately, stays within the actor's limit."""
    if contact.settled is None:
        return
    if contact.settled <= 0 or contact.settled.as_tuple().exponent not in (0, -1, -2):
        raise RuleBroken("contact.bad_amount", _("An amount is above zero, with at most two decimals."))
    limit = settlement_limit(actor)
    if limit is None:
        return
    before = Decimal(0)
    if contact.customer_id is not None:
        since = clock.now() - policy("interactions.settled_together")
        rows = Interaction.objects.filter(
            customer_id=contact.customer_id,
            topic=contact.topic,
            pk__gte=first_id_at(since - timedelta(days=1)),
            logged_at__gte=since,
        ).exclude(pk=contact.pk)
        before = rows.aggregate(sum=Sum("settled"))["sum"] or Decimal(0)
    if before + contact.settled > limit:
        raise RuleBroken(
            "contact.over_limit",
            _("You may settle %(limit)s CNY for one matter; with this it would be %(sum)s. Ask your lead.")
            % {"limit": limit, "sum": before + contact.settled},
        )


def _owe(contact: Interaction, actor: User, action: NextAction, promise: Promise) -> FollowUp:
    assert action.owner is not None  # refused before
    kind = str(FollowUpKind(action.kind).label) if action.kind in FollowUpKind.values else ""
    follow_up = owe_followup(
        customer=contact.customer,
        kind=action.kind,
        owner=action.owner,
        due_at=action.due_at or promise.due_at,
        subject=action.subject or kind,
        actor=actor,
        dedupe_key=f"contact-{contact.ref}",
        source=f"interaction:{contact.ref}",
    )
    if action.tell_customer and contact.customer is not None and action.kind == FollowUpKind.CALLBACK:
        queue_message(
            customer=contact.customer,
            message_class=MessageClass.SERVICE,
            template="callback_promised",
            params={"number": follow_up.number, "due_at": follow_up.due_at.isoformat()},
            dedupe_key=f"callback-promised-{follow_up.ref}",
            expires_at=follow_up.due_at,
            actor=actor,
        )
    return follow_up


def push_facts(contact: Interaction, customer_id: int) -> None:
    """The customer's last contact and how many there were (design §2: facts are pushed down)."""
    counted = CustomerFacts.objects.filter(customer_id=customer_id)
    if not counted.update(last_contact_at=contact.ended_at, contacts_total=F("contacts_total") + 1):
        CustomerFacts.objects.create(customer_id=customer_id, last_contact_at=contact.ended_at, contacts_total=1)
