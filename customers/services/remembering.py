"""What every change of the archive leaves behind: field changes, audit, timeline, find rows, the next version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from customers.finding import former_owners, rebuild_find_rows
from customers.models import Customer, FieldChange, Subscription
from customers.quality import refresh_one
from customers.timeline import add_line
from foundation.audit.models import AuditEntry
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import first_id_at
from staff.models import User

LONGEST_OPEN = timedelta(days=31)
Values = Mapping[str, tuple[Any, Any]]


def locked(customer_id: int) -> Customer:
    """The customer, locked for a change of it or of what hangs on it.

    Raises Customer.DoesNotExist; RuleBroken (customers.anonymised) when nothing is left to be changed,
    (customers.merged) when another archive has taken it up.
    """
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if customer.status == Customer.Status.ANONYMISED:
        raise RuleBroken("customers.anonymised", _("This customer was made anonymous; nothing can be changed."))
    if customer.merged_into_id is not None:
        raise RuleBroken("customers.merged", _("This customer was merged into another; open that one."))
    return customer


@dataclass(frozen=True)
class LastChange:
    """Who changed an archive last ("" when no person did, as in an import) and when."""

    name: str
    at: datetime


def last_change_of(customer: Customer) -> LastChange:
    """The change that made the present version of `customer`, whatever it was about."""
    entries = _recent(customer).filter(detail__version=customer.version)
    return LastChange(_name_of(entries.values_list("actor_id", flat=True).first()), customer.updated_at)


def last_change_of_line(customer: Customer, line: Subscription) -> LastChange:
    """The latest change of one of the customer's lines."""
    entries = _recent(customer).filter(target_type=line._meta.label_lower, target_id=str(line.pk))
    actor_id, at = entries.values_list("actor_id", "at").first() or (None, customer.updated_at)
    return LastChange(_name_of(actor_id), at)


def _recent(customer: Customer) -> QuerySet[AuditEntry]:
    """The audit about a customer, newest first. The audit lies in months: nobody holds a copy open for longer."""
    since = first_id_at(clock.now() - LONGEST_OPEN)
    return AuditEntry.objects.filter(customer_id=customer.pk, pk__gte=since).order_by("-pk")


def _name_of(actor_id: int | None) -> str:
    return (User.objects.filter(pk=actor_id).values_list("name", flat=True).first() or "") if actor_id else ""


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
    refresh_one(customer.pk)
