"""The protective hold of fraud control: functions limited, never counted as arrears, lifted at once (D§5.3)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.duties import keeper
from customers.models import ContactBlock, Customer, IdentityCheck, ProtectiveHold, Subscription
from customers.models.identity import HELD_BACK
from customers.services.facts import block_contact, lift_block
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

HOLD_RIGHT = "customers.hold"
S = Customer.IdentityStatus


@transaction.atomic
def put_hold(customer_id: int, *, actor: User, reason: str, note: str = "") -> ProtectiveHold:
    """Hold the customer back: the identity must be verified again, the lines that work are limited, messages of care,
    offers, surveys and debts wait; the customer is told the reason and where to appeal.

    Raises NotAllowed (customers.may_not_hold); RuleBroken customers.bad_code, holds.there, customers.deceased,
    customers.invisible, customers.too_long.
    """
    _check_right(actor)
    if reason not in ProtectiveHold.Reason.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Reason")})
    note = normal.plain_text(note, longest=200, label=_("Note"))
    customer = locked(customer_id)
    if customer.status == Customer.Status.DECEASED:
        raise RuleBroken("customers.deceased", _("The customer has died: there is nothing to verify."))
    if _active(customer) is not None:
        raise RuleBroken("holds.there", _("This customer is held back already."))
    lines = _limit(customer)
    block = block_contact(customer.pk, actor=actor, reason=ContactBlock.Reason.PROTECTIVE, classes=HELD_BACK)
    # Blocking has written the next version of the row.
    customer = locked(customer_id)
    hold = ProtectiveHold.objects.create(
        customer=customer,
        reason=reason,
        note=note,
        block=block,
        held_lines=lines,
        put_at=clock.now(),
        put_by_id=actor.pk,
    )
    old, customer.identity_status = customer.identity_status, S.RECHECK
    if old != S.RECHECK:
        customer.save(update_fields=["identity_status"])
        IdentityCheck.objects.create(
            customer=customer, old=old, new=S.RECHECK, at=clock.now(), actor_id=actor.pk, reason=""
        )
    remember(
        customer,
        "hold.put",
        actor=actor,
        target=hold,
        changed={"identity_status": (old, S.RECHECK)} if old != S.RECHECK else None,
        detail={"reason": reason, "lines": len(lines)},
        line="hold.put",
        line_params={"reason": reason, "lines": len(lines)},
    )
    keeper().tell(customer, "protective_hold", params={"reason": reason}, dedupe_key=f"hold-{hold.ref}", actor=actor)
    return hold


@transaction.atomic
def lift_hold(hold_id: int, *, actor: User, because: str) -> ProtectiveHold:
    """An appeal was right: the hold ends, the identity stays to be verified again.

    Raises NotAllowed (customers.may_not_hold); RuleBroken holds.no_reason, holds.lifted.
    """
    _check_right(actor)
    because = normal.plain_text(because, longest=200, label=_("Reason"))
    if not because:
        raise RuleBroken("holds.no_reason", _("Write down why it is lifted."))
    customer = locked(ProtectiveHold.objects.values_list("customer_id", flat=True).get(pk=hold_id))
    hold = ProtectiveHold.objects.get(pk=hold_id)
    if hold.lifted_at is not None:
        raise RuleBroken("holds.lifted", _("This hold was lifted already."))
    return _lift(hold, customer, actor=actor, because=because)


def lift_for_verified(customer: Customer, *, actor: User) -> None:
    """End a hold because the identity has just been verified; nothing when there is none."""
    hold = _active(customer)
    if hold is not None:
        _lift(hold, customer, actor=actor, because="")


def _check_right(actor: User) -> None:
    if not actor.has_perm(HOLD_RIGHT):
        raise NotAllowed("customers.may_not_hold", _("Your role does not put or lift protective holds."))


def _active(customer: Customer) -> ProtectiveHold | None:
    return customer.protective_holds.filter(lifted_at__isnull=True).first()


def _limit(customer: Customer) -> list[int]:
    """Limit the lines that work; what is suspended for another reason stays so. Their ids."""
    lines = list(Subscription.objects.filter(customer=customer, status=Subscription.Status.ACTIVE).order_by("pk"))
    for line in lines:
        _move(line, customer, Subscription.Status.SUSPENDED_PROTECTIVE)
    return [line.pk for line in lines]


def _move(line: Subscription, customer: Customer, status: str, actor: User | None = None) -> None:
    old, line.status = line.status, status
    line.version += 1
    line.save(update_fields=["status", "version"])
    remember(
        customer,
        "subscription.changed",
        actor=actor,
        target=line,
        changed={"status": (old, status)},
        line="subscription.changed",
        line_params={"fields": ["status"]},
    )


def _lift(hold: ProtectiveHold, customer: Customer, *, actor: User, because: str) -> ProtectiveHold:
    hold.lifted_at, hold.lifted_by_id, hold.lifted_because = clock.now(), actor.pk, because
    hold.save(update_fields=["lifted_at", "lifted_by_id", "lifted_because"])
    still = Subscription.objects.filter(
        customer=customer,
        pk__in=hold.held_lines,
        status=Subscription.Status.SUSPENDED_PROTECTIVE,
        terminated_on__isnull=True,
    )
    for line in still.order_by("pk"):
        _move(line, customer, Subscription.Status.ACTIVE, actor)
    if hold.block_id is not None:
        lift_block(hold.block_id, actor=actor)
        customer.refresh_from_db(fields=["version"])
    remember(
        customer,
        "hold.lifted",
        actor=actor,
        target=hold,
        detail={"reason": hold.reason, "verified": not because},
        line="hold.lifted",
        line_params={"reason": hold.reason},
    )
    keeper().tell(customer, "protective_hold_lifted", params={}, dedupe_key=f"hold-lifted-{hold.ref}", actor=actor)
    return hold
