"""A customer has died: every message and everything owed stops; relatives are kept as such (D§5.13)."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.duties import keeper
from customers.lifecycle import check_status
from customers.models import Customer, DeathNote, RelationKind
from customers.services.contact_points import check_may_edit
from customers.services.relations import add_relation
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

D = Customer.Status.DECEASED


@transaction.atomic
def note_death(
    customer_id: int,
    *,
    actor: User,
    evidence: str,
    died_on: date | None = None,
    relative_name: str = "",
    relative_phone: str = "",
) -> DeathNote:
    """The customer has died. `evidence`: what shows it (certificate and its number); the relative who told becomes a
    relation. Open follow-ups are closed, no message leaves any more (the gate reads the status).

    Raises NotAllowed (customers.may_not_edit); RuleBroken death.no_evidence, death.company, customers.bad_move (noted
    already), customers.impossible_date, customers.bad_phone, customers.invisible, customers.too_long.
    """
    check_may_edit(actor)
    evidence = normal.plain_text(evidence, longest=200, label=_("Evidence"))
    if not evidence:
        raise RuleBroken("death.no_evidence", _("Write down what shows the death."))
    if died_on is not None and died_on > clock.today():
        raise RuleBroken("customers.impossible_date", _("The day lies in the future."))
    customer = locked(customer_id)
    if customer.customer_type != Customer.Type.PERSON:
        raise RuleBroken("death.company", _("Only a person can have died."))
    old = customer.status
    check_status(old, D)
    if relative_name.strip():
        add_relation(
            customer_id, actor=actor, kind=RelationKind.FAMILY, other_name=relative_name, other_phone=relative_phone
        )
        customer = locked(customer_id)
    customer.status = D
    customer.save(update_fields=["status"])
    note = DeathNote.objects.create(
        customer=customer, died_on=died_on, evidence=evidence, at=clock.now(), actor_id=actor.pk
    )
    remember(
        customer,
        "customer.died",
        actor=actor,
        changed={"status": (old, D)},
        detail={"note": note.pk},
        line="customer.died",
    )
    keeper().stop(customer, actor=actor, words=_("The customer has died."))
    return note


@transaction.atomic
def take_back_death(customer_id: int, *, actor: User, because: str) -> Customer:
    """The death was noted by mistake: the customer is active again; what was closed stays closed.

    Raises NotAllowed (customers.may_not_edit); RuleBroken death.no_reason, customers.bad_move.
    """
    check_may_edit(actor)
    because = normal.plain_text(because, longest=200, label=_("Reason"))
    if not because:
        raise RuleBroken("death.no_reason", _("Write down why."))
    customer = locked(customer_id)
    if customer.status != D:
        raise RuleBroken("customers.bad_move", _("No death is noted for this customer."))
    customer.status = Customer.Status.ACTIVE
    customer.save(update_fields=["status"])
    customer.death_notes.filter(taken_back_at__isnull=True).update(
        taken_back_at=clock.now(), taken_back_because=because
    )
    remember(
        customer,
        "customer.alive",
        actor=actor,
        changed={"status": (D, customer.status)},
        line="customer.alive",
    )
    return customer
