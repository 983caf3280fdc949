"""A small operator to search in: two branches, a hall in one of them, and customers one knows by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from customers.finding import rebuild_find_rows
from customers.models import Customer
from foundation.common import crypto
from staff.models import OrgUnit, User
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory


@dataclass
class Operator:
    """`hall` lies in `branch`; `clerk` works in the hall, `head` leads the branch, `gm` sees all. They read English."""

    branch: OrgUnit
    hall: OrgUnit
    elsewhere: OrgUnit
    clerk: User
    head: User
    gm: User


def operator() -> Operator:
    top = UnitFactory(no=1, last_no=999)
    branch = UnitFactory(parent=top, no=100, last_no=199)
    hall = UnitFactory(parent=branch, no=110, last_no=110)
    return Operator(
        branch=branch,
        hall=hall,
        elsewhere=UnitFactory(parent=top, no=200, last_no=299),
        clerk=UserFactory(role="HALL_CLERK", unit=hall, language="en"),
        head=UserFactory(role="DEPT_HEAD", unit=branch, language="en"),
        gm=UserFactory(role="GM", unit=top, language="en"),
    )


def customer(
    unit: OrgUnit,
    name: str,
    *,
    mobile: str = "",
    line: str = "",
    email: str = "",
    id_number: str = "",
    **fields: Any,
) -> Customer:
    """A customer of `unit` with what is given, searchable."""
    row: Customer = CustomerFactory(unit=unit, name=name, **fields)
    if id_number:
        row.id_type = "ID_CARD"
        row.id_sealed = crypto.encrypt(id_number, row_id=row.pk)
        row.id_hash = crypto.blind_index(id_number)
        row.id_last4 = id_number[-4:]
        row.save()
    if mobile:
        ContactPointFactory(customer=row, value=mobile)
    if email:
        ContactPointFactory(customer=row, kind="EMAIL", value=email)
    if line:
        SubscriptionFactory(customer=row, service_no=line)
    rebuild_find_rows([row.pk])
    return row
