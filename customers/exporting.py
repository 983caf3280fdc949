"""The list of customers as a file, and the columns every list about customers shares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from customers.completeness import with_completeness
from customers.filters import CustomerFilter
from customers.labels import CHANNELS, QUALITY_MARKS, TIERS
from customers.models import Address, ContactPoint, Customer
from foundation.common import crypto
from foundation.ui.wording import join_words
from staff.exports.registry import (
    Asking,
    Column,
    Exportable,
    Kind,
    behind,
    filtered,
    in_words,
    register_exportable,
    said_filters,
)
from staff.masking import masked_name
from staff.models import User


def point(*kinds: str) -> Subquery:
    """The contact point of these kinds to use first: a usable one, the primary one."""
    rows = ContactPoint.objects.filter(customer=OuterRef("pk"), kind__in=kinds, valid_to__isnull=True)
    usable = Case(When(do_not_use="", then=Value(0)), default=Value(1))
    return Subquery(rows.order_by(usable, "-is_primary", "pk").values("value")[:1])


def _address(part: str) -> Subquery:
    """A part of the address where the customer lives or works."""
    rows = Address.objects.filter(customer=OuterRef("pk"), valid_to__isnull=True)
    home = Case(When(kind__in=["HOME", "OFFICE"], then=Value(0)), default=Value(1))
    return Subquery(rows.order_by(home, "pk").values(part)[:1])


_ADDRESS = ("province", "city", "district", "street")


def _joined(*parts: str | None) -> str:
    said = [part for part in parts if part]
    return " ".join(said) if any(part.isascii() for part in said) else "".join(said)


def _masked_address(*parts: str | None) -> str:
    return behind("address")(_joined(*parts))


def _id_number(sealed: Any, row_id: int, _last4: str) -> str:
    return crypto.decrypt(sealed, row_id=row_id) if sealed else ""


def _masked_id(_sealed: Any, _row_id: int, last4: str) -> str:
    return behind("id")(last4) if last4 else ""


def _masked_birthday(born: date | None) -> str:
    return f"****-{born:%m-%d}" if born else ""


def _marks(codes: Iterable[str]) -> str:
    return join_words(QUALITY_MARKS.get(code, code) for code in codes)


def _same(name: str, _type: str) -> str:
    return name


CUSTOMER_COLUMNS: tuple[Column, ...] = (
    Column("number", _("Customer number"), ("number",)),
    Column("name", _("Name"), ("name", "customer_type"), read=_same, mask=masked_name),
    Column("customer_type", _("Type"), ("customer_type",), read=in_words(Customer.Type)),
    Column("segment", _("Segment"), ("segment",), read=in_words(Customer.Segment)),
    Column("status", _("Status"), ("status",), read=in_words(Customer.Status)),
    Column("tier", _("Tier"), ("facts__tier",), read=lambda code: str(TIERS.get(code, code or ""))),
    Column("city", _("City"), ("home_city",)),
    Column("manager", _("Manager"), ("manager__name",)),
    Column(
        "phone",
        _("Phone"),
        ("x_phone",),
        mask=behind("phone"),
        expressions={"x_phone": lambda: point("MOBILE", "PHONE")},
    ),
    Column(
        "email",
        _("E-mail"),
        ("x_email",),
        mask=behind("email"),
        offered=False,
        expressions={"x_email": lambda: point("EMAIL")},
    ),
    Column(
        "address",
        _("Address"),
        tuple(f"x_{part}" for part in _ADDRESS),
        read=_joined,
        mask=_masked_address,
        offered=False,
        expressions={f"x_{part}": lambda part=part: _address(part) for part in _ADDRESS},  # type: ignore[misc]
    ),
    Column("birthday", _("Birth date"), ("birth_date",), mask=_masked_birthday, kind=Kind.DATE, offered=False),
    Column(
        "id_number",
        _("Document number"),
        ("id_sealed", "pk", "id_last4"),
        read=_id_number,
        mask=_masked_id,
        sensitive=True,
        offered=False,
    ),
    Column("identity", _("Identity"), ("identity_status",), read=in_words(Customer.IdentityStatus), offered=False),
    Column(
        "channel",
        _("Preferred contact"),
        ("channel_preference",),
        read=lambda code: str(CHANNELS.get(code, code)),
        offered=False,
    ),
    Column("last_contact", _("Last contact"), ("facts__last_contact_at",), kind=Kind.MOMENT),
    Column("contract_end", _("End of contract"), ("facts__contract_end",), kind=Kind.DATE),
    Column("revenue", _("Mean monthly revenue"), ("facts__mean_revenue",), kind=Kind.NUMBER, offered=False),
    Column("completeness", _("Completeness (%)"), ("completeness",), kind=Kind.NUMBER),
    Column("marks", _("Data quality"), ("quality_marks",), read=_marks),
    Column("created", _("Archive opened"), ("created_at",), kind=Kind.MOMENT, offered=False),
)


def _filter(user: User, query: QueryDict) -> CustomerFilter:
    rows = Customer.objects.in_scope_of(user).order_by("-pk")
    return CustomerFilter(query, rows, request=Asking(user, query))


def customer_rows(user: User, query: QueryDict) -> QuerySet[Customer]:
    """The rows of the list of customers under these filters."""
    return with_completeness(filtered(_filter(user, query)))


CUSTOMERS = Exportable(
    name="customers",
    title=_("Customers"),
    right="customers.view",
    url_name="customers:customer-list",
    columns=CUSTOMER_COLUMNS,
    rows=customer_rows,
    filters=lambda user, query: said_filters(_filter(user, query)),
    parameters=tuple(CustomerFilter.base_filters),
)


def columns_of_customer(path: str = "customer") -> tuple[Column, Column]:
    """Number and name of the customer another list's row is about; the name is masked always."""
    return (
        Column("customer", _("Customer number"), (f"{path}__number",)),
        Column("customer_name", _("Customer"), (f"{path}__name", f"{path}__customer_type"), read=masked_name),
    )


def register() -> None:
    """Make the list known."""
    register_exportable(CUSTOMERS)
