"""Writing a contact up: what it was about, how it ended, and who owes what next (D§9.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from customers.models import Customer, CustomerFacts
from customers.timeline import add_line
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.lifecycle import NEEDS_NEXT_ACTION, Caller, Channel, ContactAct, Direction, Kind, Phase, Result
from interactions.models import Interaction, Topic
from interactions.services.contacts import ENDING, close_contact, own_contact, remember, start_contact
from outreach.lifecycle import FollowUpKind, MessageClass
from outreach.models import FollowUp
from outreach.services import owe_followup, queue_message
from staff.models import User

LONGEST_SUMMARY = 4_000


@dataclass(frozen=True)
class NextAction:
    """What follows. `due_at`: aware. `tell_customer`: also write to the customer when a callback is promised."""

    kind: str
    owner: User | None
    due_at: datetime | None
    subject: str = ""
    tell_customer: bool = False


@transaction.atomic
def log_contact(
    contact_id: int,
    *,
    actor: User,
    summary: str,
    kind: str = Kind.CONSULT,
    topic: Topic | None = None,
    result: str = Result.ANSWERED,
    phase: str = Phase.IN,
    next_action: NextAction | None = None,
) -> Interaction:
    """Write up the actor's contact, ending it if it goes on; with `next_action` a follow-up is owed in the same breath.

    Raises NotAllowed "contact.not_yours"; RuleBroken "contact.already_logged", "contact.no_summary",
    "contact.summary_too_long", "contact.unknown_code", "contact.topic_retired", "contact.needs_next_action" (the
    result says that something follows), "contact.next_action_needs_owner_and_due", and those of `owe_followup`.
    """
    contact = own_contact(contact_id, actor)
    if contact.logged_at is not None:
        raise RuleBroken("contact.already_logged", _("This contact has been logged already."))
    return _write_up(contact, actor, summary, kind, topic, result, phase, next_action)


def _write_up(
    contact: Interaction,
    actor: User,
    summary: str,
    kind: str,
    topic: Topic | None,
    result: str,
    phase: str,
    next_action: NextAction | None,
) -> Interaction:
    """`log_contact` of a contact nobody else can touch now: locked, or made in this transaction."""
    if topic is not None and not topic.is_offered:
        raise RuleBroken("contact.topic_retired", _("This topic was retired. Choose another one."))
    summary = _check(summary, kind, result, phase, next_action)
    ending = []
    if contact.is_open:
        close_contact(contact, actor)
        ending = ENDING
    contact.kind, contact.topic, contact.phase = kind, topic, phase
    contact.summary, contact.result = summary, result
    contact.resolved_on_spot = result == Result.RESOLVED
    contact.logged_at = clock.now()
    if next_action is not None:
        contact.next_action = _owe(contact, actor, next_action)
    contact.save(
        update_fields=[
            *ending,
            "kind",
            "topic",
            "phase",
            "summary",
            "result",
            "resolved_on_spot",
            "logged_at",
            "next_action",
        ]
    )
    remember(contact, ContactAct.LOGGED, actor, code=result)
    if contact.customer_id is not None:
        _push_facts(contact, contact.customer_id)
        add_line(
            contact.customer_id,
            "contact.logged",
            actor=actor,
            ref_id=contact.pk,
            params={
                "number": contact.number,
                "channel": contact.channel,
                "kind": contact.kind,
                "result": contact.result,
                "topic": topic.code if topic else "",
            },
            unit_id=actor.unit_id,
        )
    return contact


@transaction.atomic
def quick_log(
    *,
    actor: User,
    customer: Customer,
    summary: str,
    channel: str = Channel.HOTLINE,
    direction: str = Direction.INBOUND,
    kind: str = Kind.CONSULT,
    topic: Topic | None = None,
    result: str = Result.ANSWERED,
    next_action: NextAction | None = None,
) -> Interaction:
    """One key and one field: write up the actor's open contact with this customer, or begin one and write it up.

    Raises what `start_contact` and `log_contact` raise; nothing is written then.
    """
    contact = Interaction.objects.filter(staff=actor, customer=customer, logged_at__isnull=True).order_by("-pk").first()
    if contact is None:
        contact = start_contact(
            actor=actor, customer=customer, channel=channel, caller=Caller.CUSTOMER, direction=direction
        )
        return _write_up(contact, actor, summary, kind, topic, result, Phase.IN, next_action)
    return log_contact(
        contact.pk, actor=actor, summary=summary, kind=kind, topic=topic, result=result, next_action=next_action
    )


def _check(summary: str, kind: str, result: str, phase: str, next_action: NextAction | None) -> str:
    summary = summary.strip()
    if not summary and result not in {Result.WRONG_NUMBER, Result.NO_RESULT}:
        raise RuleBroken("contact.no_summary", _("Write in a sentence what it was about."))
    if len(summary) > LONGEST_SUMMARY:
        raise RuleBroken(
            "contact.summary_too_long",
            _("The note is longer than %(longest)s characters.") % {"longest": LONGEST_SUMMARY},
        )
    if kind not in Kind.values or result not in Result.values or phase not in Phase.values:
        raise RuleBroken("contact.unknown_code", _("Choose one of the values offered."))
    if next_action is None:
        if result in NEEDS_NEXT_ACTION:
            raise RuleBroken(
                "contact.needs_next_action", _("Somebody must owe the next step: say what, who and by when.")
            )
    elif next_action.owner is None or next_action.due_at is None:
        raise RuleBroken("contact.next_action_needs_owner_and_due", _("A next action needs an owner and a due moment."))
    return summary


def _owe(contact: Interaction, actor: User, action: NextAction) -> FollowUp:
    if action.owner is None or action.due_at is None:  # refused before; said again for the reader and the type checker
        raise RuleBroken("contact.next_action_needs_owner_and_due", _("A next action needs an owner and a due moment."))
    follow_up = owe_followup(
        customer=contact.customer,
        kind=action.kind,
        owner=action.owner,
        due_at=action.due_at,
        subject=action.subject or str(FollowUpKind(action.kind).label if action.kind in FollowUpKind.values else ""),
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


def _push_facts(contact: Interaction, customer_id: int) -> None:
    """The customer's last contact and how many there were (design §2: facts are pushed down)."""
    counted = CustomerFacts.objects.filter(customer_id=customer_id)
    if not counted.update(last_contact_at=contact.ended_at, contacts_total=F("contacts_total") + 1):
        CustomerFacts.objects.create(customer_id=customer_id, last_contact_at=contact.ended_at, contacts_total=1)
