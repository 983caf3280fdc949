"""Another owner for a matter: offered and accepted or refused, or ordered by a lead (D§9.4)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from interactions.models import Matter, MatterOffer
from interactions.services.matter_ground import (
    ASSIGN_RIGHT,
    CLOCK_FIELDS,
    LONGEST_TEXT,
    TAKE_RIGHT,
    check_not_about,
    check_open,
    check_taker,
    close_offer,
    lead_over,
    locked_matter,
    may_lead,
    owned_matter,
    remember,
    ring,
    stand_in,
    start_clock,
    tell_customer_who,
)
from interactions.stages import MatterAct, MatterState, OfferState, WhyOwner
from staff.absence import absence_of, acting_for
from staff.models import User
from staff.rights import sight_of


@transaction.atomic
def offer_matter(matter_id: int, *, actor: User, to: User, note: str = "") -> MatterOffer:
    """Offer the accountability with the full record; the owner keeps it until `to` accepts.

    Raises NotAllowed "matter.not_yours", "matter.about_you"; RuleBroken "matter.closed", "matter.cannot_take",
    "matter.about_them", "matter.same_owner", "matter.absent", "matter.offered" (one offer at a time).
    """
    matter = owned_matter(matter_id, actor)
    check_taker(matter, to)
    if to.pk == matter.owner_id:
        raise RuleBroken("matter.same_owner", _("This person answers for it already."))
    now = clock.now()
    if absence_of(to, now) is not None:
        raise RuleBroken("matter.absent", _("%(name)s is absent: choose another colleague.") % {"name": to.name})
    if MatterOffer.objects.open().filter(matter=matter).exists():
        raise RuleBroken("matter.offered", _("It is offered to a colleague already; withdraw that offer first."))
    offer = MatterOffer.objects.create(
        matter=matter,
        to=to,
        by=actor,
        note=note.strip()[:LONGEST_TEXT],
        made_at=now,
        until=now + policy("interactions.first_ask.offer_for", unit=to.unit),
    )
    remember(matter, MatterAct.OFFERED, actor, handler=to, reason=note)
    ring(to, "offered", matter, offer.ref, until_at=offer.until.isoformat())
    return offer


@transaction.atomic
def accept_matter(matter_id: int, *, actor: User) -> Matter:
    """The one it was offered to answers for it from now on, and works on it; the customer is told.

    Raises NotAllowed "matter.not_offered", "matter.about_you"; RuleBroken "matter.closed", "matter.offer_lapsed".
    """
    matter, offer = _offered(matter_id, actor)
    old = matter.owner
    close_offer(matter, OfferState.ACCEPTED)
    _give(matter, offer.to, WhyOwner.ACCEPTED)
    remember(matter, MatterAct.ACCEPTED, actor, old_owner=old, new_owner=offer.to, handler=offer.to)
    ring(old, "accepted", matter, offer.ref)
    tell_customer_who(matter, offer.to, "matter_new_owner", offer.ref, actor)
    return matter


@transaction.atomic
def refuse_matter(matter_id: int, *, actor: User, reason: str) -> Matter:
    """Not taken, for a reason; the owner stays. Raises as `accept_matter`, and RuleBroken "matter.no_reason"."""
    matter, offer = _offered(matter_id, actor)
    if not reason.strip():
        raise RuleBroken("matter.no_reason", _("Say why: the owner must know whom to ask next."))
    close_offer(matter, OfferState.REFUSED, reason)
    remember(matter, MatterAct.REFUSED, actor, handler=offer.to, reason=reason)
    ring(offer.by, "refused", matter, offer.ref)
    return matter


@transaction.atomic
def withdraw_offer(matter_id: int, *, actor: User) -> Matter:
    """The owner keeps it after all. Raises NotAllowed "matter.not_yours", RuleBroken "matter.not_offered"."""
    matter = owned_matter(matter_id, actor)
    offer = close_offer(matter, OfferState.WITHDRAWN)
    if offer is None:
        raise RuleBroken("matter.not_offered", _("It is offered to nobody."))
    remember(matter, MatterAct.WITHDRAWN, actor, handler=offer.to)
    return matter


@transaction.atomic
def order_matter(matter_id: int, *, actor: User, to: User, reason: str = "", quiet: bool = False) -> Matter:
    """A lead gives it to another owner, who need not accept (D§9.4). `quiet`: the caller rings the new owner once.

    Raises NotAllowed "matter.not_yours_to_order", "matter.out_of_reach", "matter.about_you"; RuleBroken
    "matter.closed", "matter.cannot_take", "matter.about_them", "matter.same_owner".
    """
    matter = locked_matter(matter_id)
    check_not_about(matter, actor)
    if not may_lead(matter, actor):
        raise NotAllowed("matter.not_yours_to_order", _("Only a lead of its owner may give this matter to another."))
    if to.pk != actor.pk and not sight_of(actor, ASSIGN_RIGHT).covers(unit_no=to.unit.no, owner_id=to.pk):
        raise NotAllowed("matter.out_of_reach", _("This person does not work in your area: choose somebody who does."))
    check_open(matter)
    check_taker(matter, to)
    if to.pk == matter.owner_id:
        raise RuleBroken("matter.same_owner", _("This person answers for it already."))
    old = matter.owner
    close_offer(matter, OfferState.WITHDRAWN)
    _give(matter, to, WhyOwner.ORDERED)
    move = remember(matter, MatterAct.ORDERED, actor, old_owner=old, new_owner=to, handler=to, reason=reason)
    if to.pk != actor.pk and not quiet:
        ring(to, "given", matter, str(move.pk))
    if old.pk != actor.pk:
        ring(old, "taken_over", matter, str(move.pk))
    tell_customer_who(matter, to, "matter_new_owner", str(move.pk), actor)
    return matter


@transaction.atomic
def lapse_offer(offer_id: int, *, now: datetime) -> bool:
    """An offer nobody answered: it falls back to the owner, and the owner's lead is told. Once; False when it was
    answered meanwhile or another worker was first."""
    # The lock of the matter first, as everywhere; a taken one is left to the next tick.
    matter = (
        Matter.objects.filter(offers=offer_id)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("owner__unit", "contact", "customer")
        .first()
    )
    if matter is None:
        return False
    offer = MatterOffer.objects.open().filter(pk=offer_id, until__lte=now).select_related("to", "by").first()
    if offer is None:
        return False
    close_offer(matter, OfferState.LAPSED)
    lead = lead_over(matter, matter.owner, now)
    remember(matter, MatterAct.LAPSED, None, handler=offer.to)
    ring(stand_in(matter, matter.owner, now), "lapsed", matter, offer.ref)
    if lead is not None:
        ring(lead, "lapsed", matter, f"{offer.ref}-lead")
    return True


def _offered(matter_id: int, actor: User) -> tuple[Matter, MatterOffer]:
    matter = locked_matter(matter_id)
    check_not_about(matter, actor)
    offer = MatterOffer.objects.open().filter(matter=matter).select_related("to__unit", "by").first()
    now = clock.now()
    mine = offer is not None and actor.pk in (offer.to_id, acting_for(offer.to, now, right=TAKE_RIGHT).pk)
    if offer is None or not mine:
        raise NotAllowed("matter.not_offered", _("This matter is not offered to you."))
    check_open(matter)
    if offer.until <= now:
        raise RuleBroken("matter.offer_lapsed", _("The offer has run out; the owner keeps the matter."))
    return matter, offer


def _give(matter: Matter, to: User, why: WhyOwner) -> None:
    """Owner and, while it is not answered, handler; from the shift lead it does not go back any more."""
    matter.owner, matter.unit_no, matter.why_owner, matter.returns_to = to, to.unit.no, why, None
    if matter.state == MatterState.OPEN:
        matter.handler = to
    fields = ["owner", "unit_no", "why_owner", "returns_to", "handler"]
    if matter.due_at > clock.now():
        start_clock(matter)
        fields += CLOCK_FIELDS
    matter.save(update_fields=fields)
