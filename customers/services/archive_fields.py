"""The fields of an archive in their stored spelling, and what they must say alone and together (D§4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from customers import normal
from customers.labels import label as field_label
from customers.lunar import lunar_of
from customers.models import Customer
from customers.services.remembering import Values
from foundation.common.errors import RuleBroken
from staff.models import User

TEXTS = {"name": 200, "short_name": 80, "home_city": 60, "channel_preference": 16, "language": 8}
CODES = {
    "customer_type": Customer.Type,
    "segment": Customer.Segment,
    "id_type": Customer.IdType,
    "identity_status": Customer.IdentityStatus,
    "area_type": Customer.AreaType,
    "birthday_kind": Customer.BirthdayKind,
    "status": Customer.Status,
}
MAY_BE_EMPTY = {"id_type", "area_type"}
PLAIN = {"gender", "birth_date", "lunar_month", "lunar_day", "lunar_leap", "manager_id", "quality_marks"}
EDITABLE = frozenset({*TEXTS, *CODES, *PLAIN})


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields in their stored spelling. Raises RuleBroken as `create_customer` says."""
    values: dict[str, Any] = {}
    for field, value in fields.items():
        if field not in EDITABLE:
            raise RuleBroken("customers.unknown_field", _("%(field)s cannot be changed here.") % {"field": field})
        label = field_label(field)
        if field in TEXTS:
            values[field] = normal.plain_text(value or "", longest=TEXTS[field], label=label)
        elif field in CODES:
            value = value or ""
            if value not in CODES[field].values and not (value == "" and field in MAY_BE_EMPTY):
                raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": label})
            values[field] = value
        elif field == "birth_date":
            values[field] = normal.birth_date(value)
        elif field == "manager_id":
            values[field] = _checked_manager(value)
        else:
            values[field] = value
    return values


def _checked_manager(user_id: int | None) -> int | None:
    if user_id is not None and not User.objects.filter(pk=user_id, is_active=True).exists():
        raise RuleBroken("customers.no_manager", _("This person does not work here any more."))
    return user_id


def check_whole(customer: Customer) -> None:
    """What several fields must say together."""
    if customer.gender not in {"", "F", "M"}:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Gender")})
    if customer.birthday_kind == Customer.BirthdayKind.LUNAR:
        normal.lunar_day(customer.lunar_month, customer.lunar_day, leap=customer.lunar_leap)
    if customer.customer_type == Customer.Type.ENTERPRISE and customer.birth_date is not None:
        raise RuleBroken("customers.impossible_date", _("A company has no birthday."))


def fill_lunar(customer: Customer) -> Values:
    """Take the lunar day from the birth date where only that is known; returns what became different."""
    if customer.birthday_kind != Customer.BirthdayKind.LUNAR or customer.lunar_month or customer.lunar_day:
        return {}
    there = lunar_of(customer.birth_date) if customer.birth_date else None
    if there is None:
        return {}
    found = {"lunar_month": there.month, "lunar_day": there.day, "lunar_leap": there.leap}
    filled = {field: (getattr(customer, field), new) for field, new in found.items() if getattr(customer, field) != new}
    for field, (_old, new) in filled.items():
        setattr(customer, field, new)
    return filled


def check_by_hand(changed: Mapping[str, tuple[Any, Any]]) -> None:
    """What needs evidence is noted on its own page (services/identity.py, services/death.py)."""
    old, new = changed.get("identity_status", ("", ""))
    if old != new:
        raise RuleBroken("customers.needs_evidence", _("The identity is noted on its own page, with the document."))
    old, new = changed.get("status", ("", ""))
    if old != new and Customer.Status.DECEASED in (old, new):
        raise RuleBroken(
            "customers.needs_evidence", _("A death is noted on the page of the identity, with what shows it.")
        )
