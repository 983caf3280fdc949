"""Starting a contact, verifying the caller, finding the customer, ending it (D§3.1, D§9.1)."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.timeline import add_line
from customers.visibility import contact_opens
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from interactions.identifiers import is_full_identifier
from interactions.lifecycle import Caller, Channel, ContactAct, Direction, Verified
from interactions.models import Call, ContactPlace, Interaction, InteractionMove
from interactions.place_queries import usual_place
from interactions.rest.telling import tell_started
from staff.models import User
from staff.rights import sight_of

TAKE_RIGHT = "interactions.take"
ENDING = ["ended_at", "opens_until"]
LONGEST_HANDLE = 200


@transaction.atomic
def start_contact(
    *,
    actor: User,
    customer: Customer | None,
    channel: str,
    caller: str = Caller.CUSTOMER,
    verified_by: str = Verified.NONE,
    call_ref: str | None = None,
    direction: str = Direction.INBOUND,
    identifier: str = "",
    handle: str = "",
    place: ContactPlace | None = None,
) -> Interaction:
    """Begin a contact; from now until a day after its end the customer is visible and clear to `actor` (D§3.1).

    A customer outside the actor's own scope needs `identifier`, one full identifier of theirs (number, line, account,
    ID, business number), or a `call_ref` whose calling number is one; these contacts are limited per hour and marked
    for the data protection officer. `customer` None: unknown caller or wrong number. `handle`: the account or address
    on the other side of a messenger or social network, noted by hand (INT-11, INT-12). `place`: the hall, hotline or
    account it comes in at; by default the usual one of the actor's unit for the channel. Raises NotAllowed
    "contact.may_not_take" and RuleBroken "contact.unknown_code", "contact.caller_and_customer",
    "contact.needs_full_identifier", "contact.too_many", "contact.bad_handle", "contact.place_of_other_channel".
    """
    if not actor.has_perm(TAKE_RIGHT):
        raise NotAllowed("contact.may_not_take", _("You do not take contacts."))
    known = channel in Channel.values and caller in Caller.values and verified_by in Verified.values
    if not known or direction not in Direction.values:
        raise RuleBroken("contact.unknown_code", _("Choose one of the values offered."))
    if (customer is None) != (caller in {Caller.UNKNOWN, Caller.WRONG_NUMBER}):
        raise RuleBroken(
            "contact.caller_and_customer",
            _("An unknown caller has no customer, and a wrong number neither; anybody else has one."),
        )
    if len(handle.strip()) > LONGEST_HANDLE:
        words = _("At most %(longest)s characters fit, these are %(length)s.")
        raise RuleBroken("contact.bad_handle", words % {"longest": LONGEST_HANDLE, "length": len(handle.strip())})
    check_place(place, channel)
    now = clock.now()
    foreign = customer is not None and needs_opening(customer, actor)
    if customer is not None and foreign:
        check_foreign(customer, actor, identifier, call_ref)
    verified = verified_by != Verified.NONE and customer is not None
    contact = Interaction.objects.create(
        number=next_number("IN"),
        customer=customer,
        channel=channel,
        direction=direction,
        staff=actor,
        first_ask_owner=actor,
        unit_no=actor.unit.no,
        caller=caller,
        verified_how=verified_by if verified else Verified.NONE,
        verified_until=now + policy("interactions.verified_for") if verified else None,
        out_of_scope=foreign,
        started_at=now,
        opens_until=now + policy("interactions.opens_for"),
        call_ref=call_ref or "",
        handle=handle.strip(),
        place=place or usual_place(actor, channel),
    )
    remember(contact, ContactAct.STARTED, actor, code=verified_by)
    if customer is not None:
        _tell_started(contact, actor)
    tell_started(contact)
    return contact


@transaction.atomic
def verify_caller(contact_id: int, *, actor: User, how: str) -> Interaction:
    """Note how the caller was verified; holds 30 minutes from now (policy). Raises NotAllowed "contact.not_yours",
    RuleBroken "contact.ended", "contact.unknown_code"."""
    contact = own_open_contact(contact_id, actor)
    if how not in Verified.values or how == Verified.NONE:
        raise RuleBroken("contact.unknown_code", _("Say how the caller was verified."))
    contact.verified_how, contact.verified_until = how, clock.now() + policy("interactions.verified_for")
    contact.save(update_fields=["verified_how", "verified_until"])
    remember(contact, ContactAct.VERIFIED, actor, code=how)
    return contact


@transaction.atomic
def link_customer(
    contact_id: int, *, actor: User, customer: Customer, caller: str = Caller.CUSTOMER, identifier: str = ""
) -> Interaction:
    """An unknown caller turned out to be (or to speak for) this customer. Rules and refusals as `start_contact`, and
    RuleBroken("contact.has_customer") when the contact has one."""
    contact = own_open_contact(contact_id, actor)
    if contact.customer_id is not None:
        raise RuleBroken("contact.has_customer", _("This contact already belongs to a customer."))
    if caller not in {Caller.CUSTOMER, Caller.ON_BEHALF}:
        raise RuleBroken("contact.unknown_code", _("Choose one of the values offered."))
    if needs_opening(customer, actor):
        check_foreign(customer, actor, identifier, contact.call_ref)
        contact.out_of_scope = True
    contact.customer, contact.caller = customer, caller
    contact.save(update_fields=["customer", "caller", "out_of_scope"])
    remember(contact, ContactAct.LINKED, actor)
    _tell_started(contact, actor)
    return contact


@transaction.atomic
def end_contact(contact_id: int, *, actor: User) -> Interaction:
    """The conversation is over; it stays on the actor's list until it is logged. Raises as `verify_caller`."""
    contact = own_open_contact(contact_id, actor)
    close_contact(contact, actor)
    contact.save(update_fields=ENDING)
    return contact


def close_contact(contact: Interaction, actor: User) -> None:
    """End an open contact under its lock: visibility runs on for a day from here. The caller saves `ENDING`."""
    now = max(clock.now(), contact.started_at)
    contact.ended_at, contact.opens_until = now, now + policy("interactions.opens_for")
    remember(contact, ContactAct.ENDED, actor)


def own_open_contact(contact_id: int, actor: User) -> Interaction:
    """The same, still going on. Raises NotAllowed "contact.not_yours", RuleBroken "contact.ended"."""
    contact = own_contact(contact_id, actor)
    if not contact.is_open:
        raise RuleBroken("contact.ended", _("This contact has ended."))
    return contact


def own_contact(contact_id: int, actor: User) -> Interaction:
    """The actor's contact, locked. Raises NotAllowed "contact.not_yours"."""
    Interaction.objects.select_for_update(no_key=True).only("pk").get(pk=contact_id)
    contact = Interaction.objects.select_related("customer").get(pk=contact_id)
    if contact.staff_id != actor.pk:
        raise NotAllowed("contact.not_yours", _("This is somebody else's contact."))
    return contact


def check_place(place: ContactPlace | None, channel: str) -> None:
    """Raises RuleBroken "contact.place_of_other_channel" for a hotline named in a visit to a hall, and the like."""
    if place is not None and place.channel != channel:
        raise RuleBroken(
            "contact.place_of_other_channel",
            _("%(place)s is no place of the channel %(channel)s: choose the one the customer came by.")
            % {"place": place, "channel": Channel(channel).label},
        )


def needs_opening(customer: Customer, actor: User) -> bool:
    """Whether the customer lies outside the actor's scope and what their contacts open."""
    sight = sight_of(actor, "customers.view")
    inside = sight.covers(unit_no=customer.unit_no, owner_id=customer.manager_id)
    return not inside and not (actor.has_perm("customers.find") and contact_opens(actor, customer))


def check_foreign(customer: Customer, actor: User, identifier: str, call_ref: str | None) -> None:
    """The two conditions on opening a customer of another unit: a full identifier, and not too many an hour. Raises
    RuleBroken "contact.needs_full_identifier", "contact.too_many"."""
    given = [identifier]
    if call_ref:
        given += Call.objects.filter(call_ref=call_ref, agent=actor).values_list("number", flat=True)
    if not any(is_full_identifier(customer, text) for text in given if text):
        raise RuleBroken(
            "contact.needs_full_identifier",
            _("This customer belongs to another unit: ask for a full number, account or ID."),
        )
    # Two windows of one person must not each find the last place free.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('foreign_contact'), %s)", [actor.pk])
    most = policy("interactions.foreign_contacts_per_hour", unit=actor.unit_id)
    hour = Interaction.objects.filter(
        staff=actor, out_of_scope=True, started_at__gt=clock.now() - timedelta(hours=1)
    ).order_by("-pk")
    if hour[:most].count() >= most:
        raise RuleBroken(
            "contact.too_many",
            _("You opened %(most)s customers of other units within an hour; ask your lead.") % {"most": most},
        )


def remember(contact: Interaction, act: ContactAct, actor: User, code: str = "") -> None:
    """History row and audit entry of one act."""
    InteractionMove.objects.create(interaction=contact, act=act, at=clock.now(), actor=actor, code=code)
    record(
        f"contact.{act.lower()}",
        target=contact,
        actor=actor,
        customer_id=contact.customer_id,
        detail={
            "channel": contact.channel,
            "caller": contact.caller,
            "verified": contact.verified_how,
            "out_of_scope": contact.out_of_scope,
        },
    )


def _tell_started(contact: Interaction, actor: User) -> None:
    if contact.customer_id is not None:
        add_line(
            contact.customer_id,
            "contact.started",
            actor=actor,
            ref_id=contact.pk,
            params={"number": contact.number, "channel": contact.channel, "caller": contact.caller},
            unit_id=actor.unit_id,
        )
