"""Everything held about one customer, read through the register of personal columns (D§5.11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import models
from django.db.models import Field
from django.utils.translation import gettext as _

from customers.erasure.erasing import with_merged
from customers.labels import label
from customers.models import Consent, Customer
from foundation.audit.words import say_act, say_kind
from foundation.common import clock
from foundation.common.personal import ByStep, Personal, of_customers, rows_of, steps
from staff.models import User

# Columns that say how we work, not who the customer is; names of staff are their own data.
INNER = frozenset({"unit_no", "unit_id", "version", "is_sample", "on_merge"})


@dataclass(frozen=True)
class Section:
    """The rows of one kind: the model's label for machines, its name for people, and the rows as plain values."""

    code: str
    title: str
    rows: list[dict[str, Any]]


def everything_about(customer: Customer) -> list[Section]:
    """All sections with rows in them, the archive first; search pieces and digests say nothing more and stay out."""
    ids, found = with_merged([customer.pk]), []
    for model, said in of_customers():
        if said.unread is True or isinstance(said.of, ByStep):
            continue
        rows = [_plain(row, said) for row in rows_of(model, ids).order_by("pk")]  # every month: nothing is left out
        if rows:
            found.append(Section(model._meta.label, say_kind(model._meta.label_lower), rows))
    for step in steps():
        found += [Section(code, say_kind(code.lower()), rows) for code, rows in step.read(ids).items() if rows]
    return sorted(found, key=lambda section: (section.code != "customers.Customer", section.code))


def received_by(customer: Customer) -> list[str]:
    """Who got data of the customer from us, in sentences: partners by consent; else said plainly."""
    shared = Consent.objects.filter(customer=customer, purpose="SHARE_PARTNER", state="GRANTED").exists()
    if shared:
        return [_("You agreed that data may be passed on to partners; no record of any being passed on is kept.")]
    return [_("No record of data being passed on to others is kept.")]


def _plain(row: models.Model, said: Personal) -> dict[str, Any]:
    hidden = said.unread if isinstance(said.unread, tuple) else ()
    found: dict[str, Any] = {}
    for column in row._meta.concrete_fields:
        if column.name in hidden or column.name in INNER or _is_staff(column):
            continue
        if column.name == "id_sealed":
            found["id_number"] = row.id_number() if isinstance(row, Customer) else ""
            continue
        value = getattr(row, column.attname)
        if value in (None, "", [], {}):
            continue
        found[column.name] = _value(row, column, value)
    return found


def _is_staff(column: Field[Any, Any]) -> bool:
    return column.related_model is User or column.name.endswith(("actor_id", "_by_id")) or column.name == "manager"


def _value(row: models.Model, column: Field[Any, Any], value: Any) -> Any:
    if column.name == "verb":
        return say_act(value)
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, datetime):
        return value.astimezone(clock.BUSINESS_ZONE).isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool | int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value if isinstance(value, str | int | float | bool | list | dict) else str(value)


def heading(column: str) -> str:
    """A column in front of people: its label where the archive has one."""
    said = label(column)
    return said if said != column else column.replace("_", " ")
