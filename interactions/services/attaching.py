"""Contacts without a customer that get one later: found, or opened anew (D§9.1)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.services import create_customer
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.lifecycle import Caller, ContactAct
from interactions.models import Interaction
from interactions.services.contacts import check_foreign, needs_opening, remember
from interactions.services.logging import leave_behind, push_facts, tell_logged
from staff.models import User
from staff.rights import sight_of

TAKE_RIGHT = "interactions.take"
ASSIGN_RIGHT = "interactions.assign"


@transaction.atomic
def attach_customer(
    contact_id: int, *, actor: User, customer: Customer, caller: str = Caller.CUSTOMER, identifier: str = ""
) -> Interaction:
    """A contact that was logged without a customer turns out to be this customer's: it joins their history at the
    moment it was, with what it left behind. By its taker or a lead.

    Raises NotAllowed "contact.not_yours_to_attach"; RuleBroken "contact.has_customer", "contact.going_on" (then it is
    found in the contact itself), "contact.unknown_code", "contact.needs_full_identifier", "contact.too_many".
    """
    contact = _unattached(contact_id, actor)
    if caller not in {Caller.CUSTOMER, Caller.ON_BEHALF}:
        raise RuleBroken("contact.unknown_code", _("Choose one of the values offered."))
    if needs_opening(customer, actor):
        check_foreign(customer, actor, identifier, contact.call_ref)
    return _attach(contact, actor, customer, caller)


@transaction.atomic
def open_customer_for(
    contact_id: int, *, actor: User, name: str, mobile: str = "", despite_duplicates: bool = False
) -> Interaction:
    """The unknown caller becomes a new customer with this name (and mobile number), and the contact their first.

    Raises as `attach_customer`, and what `create_customer` raises.
    """
    contact = _unattached(contact_id, actor)
    customer = create_customer(actor=actor, fields={"name": name}, mobile=mobile, despite_duplicates=despite_duplicates)
    return _attach(contact, actor, customer, Caller.CUSTOMER)


def _unattached(contact_id: int, actor: User) -> Interaction:
    # Two steps: a join in the locking query would lose the row when its keys changed while we waited for the lock.
    Interaction.objects.select_for_update(no_key=True).only("pk").get(pk=contact_id)
    contact = Interaction.objects.select_related("staff__unit", "topic", "next_action").get(pk=contact_id)
    leads = sight_of(actor, ASSIGN_RIGHT).covers(unit_no=contact.unit_no, owner_id=contact.staff_id)
    if not actor.has_perm(TAKE_RIGHT) or (contact.staff_id != actor.pk and not leads):
        raise NotAllowed("contact.not_yours_to_attach", _("This is somebody else's contact."))
    if contact.customer_id is not None:
        raise RuleBroken("contact.has_customer", _("This contact already belongs to a customer."))
    if contact.logged_at is None:
        raise RuleBroken("contact.going_on", _("Write the contact up first."))
    return contact


def _attach(contact: Interaction, actor: User, customer: Customer, caller: str) -> Interaction:
    contact.customer, contact.caller = customer, caller
    contact.save(update_fields=["customer", "caller"])
    remember(contact, ContactAct.ATTACHED, actor)
    push_facts(contact, customer.pk)
    tell_logged(contact, contact.staff, at=contact.ended_at)  # at the moment it was
    matter = getattr(contact, "matter", None)
    suggestion = getattr(contact, "suggestion", None)
    for left in (matter, suggestion):
        if left is not None:
            left.customer = customer
            left.save(update_fields=["customer"])
    if matter is None and suggestion is None:
        leave_behind(contact, contact.staff)
    return contact
