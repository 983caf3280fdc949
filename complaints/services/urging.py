"""The customer comes again about the same matter: the open case counts it, its pause ends, handler and owner are told,
and the customer until when they have the answer; never a second case (D§26)."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import ClockKind, Deed, EntryKind, SeatWhy
from complaints.models import Complaint, Entry
from complaints.services.ground import (
    check_no_record,
    check_open,
    clocks_for,
    lead_over,
    locked_case,
    remember,
    ring,
    save_case,
    seat,
    tell_customer,
)
from complaints.services.intake import TAKE_RIGHT, clean_text
from complaints.services.pausing import end_pause
from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.lifecycle import Channel
from interactions.models import Interaction
from interactions.services.logging import log_with_case
from staff.models import User


def urge_complaint(
    case_id: int,
    *,
    actor: User | None,
    channel: str,
    text: str,
    contact: Interaction | None = None,
    key: str | None = None,
) -> Entry:
    """Note that the customer urges an open case, in the words said. `actor` None: by the status page. `contact`: the
    running contact it was said in, written up with it. The same `key` twice is one urge.

    Whoever takes complaints and sees the customer may note it: the customer need not know who works on the case
    (D§9.6). Raises NotAllowed "complaint.may_not_take", "complaint.not_yours", "complaint.about_you"; RuleBroken
    "complaint.ended", "complaint.record", "complaint.no_text", "complaint.text_long", "complaint.unknown_code".
    """
    try:
        with transaction.atomic():
            return _urged(case_id, actor, channel, clean_text(text), contact, key)
    except IntegrityError as error:
        if key is None or "complaints_entry_key" not in str(error):
            raise
        return Entry.objects.get(key=key)


def _urged(
    case_id: int, actor: User | None, channel: str, text: str, contact: Interaction | None, key: str | None
) -> Entry:
    if channel not in Channel.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the values offered."))
    case = locked_case(case_id)
    if actor is not None:
        check_takes(case, actor)
    check_open(case)
    check_no_record(case)
    entry = Entry.objects.create(
        complaint=case, kind=EntryKind.URGE, channel=channel, text=text, by=actor, at=clock.now(), key=key
    )
    end_pause(case)
    case.urges += 1
    save_case(case, "urges")
    remember(case, Deed.URGED, actor=actor, detail={"channel": channel, "urges": case.urges})
    for person in {person.pk: person for person in (case.handler, case.owner) if person is not None}.values():
        if actor is None or person.pk != actor.pk:
            ring(case, person, "urged", str(case.urges), count=case.urges)
    tell_customer(case, "complaint_urged", key=str(case.urges), actor=actor)
    if contact is not None and actor is not None:
        log_with_case(
            contact.pk, actor=actor, owner=case.owner, summary=text[:200], topic=case.topic, about=case.about_staff
        )
    return entry


def check_takes(case: Complaint, actor: User) -> None:
    """That the actor may note what the customer says to the case: takes complaints, and sees the case or its customer.
    Raises NotAllowed "complaint.may_not_take", "complaint.about_you", "complaint.not_yours"."""
    if not actor.has_perm(TAKE_RIGHT):
        raise NotAllowed("complaint.may_not_take", _("You do not take complaints."))
    if case.about_staff_id == actor.pk:
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    sees = case.customer_id is not None and Customer.objects.visible_to(actor).filter(pk=case.customer_id).exists()
    if not sees and not Complaint.objects.visible_to(actor).filter(pk=case.pk).exists():
        raise NotAllowed("complaint.not_yours", _("This complaint is not within your scope."))


@transaction.atomic
def ask_for_manager(case_id: int, *, actor: User, words: str) -> Entry:
    """The customer wants to speak with a superior: the lead of who works on it, or whoever leads above, contacts them
    within the policy's working hours (D§10.7). Asked again while it is owed, it stays the same duty.

    Raises NotAllowed as `check_takes`; RuleBroken "complaint.ended", "complaint.no_text", "complaint.text_long".
    """
    case = locked_case(case_id)
    check_takes(case, actor)
    check_open(case)
    entry = Entry.objects.create(
        complaint=case, kind=EntryKind.URGE, channel=case.channel, text=clean_text(words), by=actor, at=clock.now()
    )
    clocks = clocks_for(case, actor)
    if ClockKind.MANAGER.value not in clocks.open:
        clocks.start(clocks.duty(ClockKind.MANAGER))
    save_case(case)
    row = remember(case, Deed.MANAGER_ASKED, actor=actor)
    running = clocks.open.get(ClockKind.MANAGER.value)
    until = running.due_at.isoformat() if running is not None and running.due_at is not None else ""
    lead = lead_over(case, case.handler or case.owner, clock.now())
    people = {person.pk: person for person in (lead, case.handler or case.owner) if person is not None}
    if lead is not None:
        seat(case, lead, SeatWhy.RAISED)
    for person in people.values():
        if person.pk != actor.pk:
            ring(case, person, "manager_asked", row.ref, until_at=until)
    tell_customer(case, "complaint_manager", key=row.ref, actor=actor, contact_by_at=until)
    return entry
