"""What every change of the archive leaves behind: field changes, audit, timeline, find rows, the next version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from customers.finding import former_owners, rebuild_find_rows
from customers.models import Customer, FieldChange
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

Values = Mapping[str, tuple[Any, Any]]


def locked(customer_id: int) -> Customer:
    """The customer, locked for a change of it or of what hangs on it.

    Raises Customer.DoesNotExist; RuleBroken (customers.anonymised) when nothing is left to be changed.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if customer.status == Customer.Status.ANONYMISED:
        raise RuleBroken("customers.anonymised", _("This customer was made anonymous; nothing can be changed."))
    return customer


def as_text(value: Any) -> str | None:
    """A value as a field change keeps it."""
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def remember(
    customer: Customer,
    verb: str,
    *,
    actor: User | None,
    target: models.Model | None = None,
    changed: Values | None = None,
    detail: dict[str, Any] | None = None,
    line: str = "",
    line_params: dict[str, Any] | None = None,
    source: str = "",
    refind: bool = False,
) -> None:
    """Write down one change in the caller's transaction, under the customer's lock.

    `changed`: field -> (old, new), kept as FieldChange rows of `target` (default the customer) and as the personal
    part of the audit entry; the sealed entry holds the field names alone. `line`: the timeline kind. `refind`: names
    or numbers may have changed.
    """
    about = target if target is not None else customer
    customer.version += 1
    customer.updated_at = clock.now()
    customer.save(update_fields=["version", "updated_at"])
    pairs = {field: (as_text(old), as_text(new)) for field, (old, new) in (changed or {}).items()}
    FieldChange.objects.bulk_create(
        FieldChange(
            customer_id=customer.pk,
            entity=about._meta.model_name or "",
            entity_id=about.pk,
            field=field,
            old=old,
            new=new,
            at=customer.updated_at,
            actor_id=actor.pk if actor else None,
            source=source,
        )
        for field, (old, new) in pairs.items()
    )
    record(
        verb,
        target=about,
        actor=actor,
        customer_id=customer.pk,
        unit_id=customer.unit_id,
        detail={"version": customer.version, **({"fields": sorted(pairs)} if pairs else {}), **(detail or {})},
        personal={field: list(pair) for field, pair in pairs.items()} or None,
    )
    if line:
        add_line(customer.pk, line, actor=actor, ref_id=about.pk, params=line_params, unit_id=customer.unit_id)
    if refind:
        rebuild_find_rows([customer.pk, *former_owners([customer.pk])])
