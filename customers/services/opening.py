"""Opening an archive by hand (D§4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers import birthday_quality, normal
from customers.finding import rebuild_find_rows
from customers.models import ContactPoint, Customer, CustomerFacts
from customers.quality import refresh_one
from customers.services.archive_fields import check_by_hand, check_whole, checked, fill_lunar
from customers.services.documents import seal
from customers.services.duplicates import find_duplicates
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from staff.models import OrgUnit, User

CREATE_RIGHT = "customers.create"


@transaction.atomic
def create_customer(
    *,
    actor: User,
    fields: Mapping[str, Any],
    id_number: str = "",
    mobile: str = "",
    unit: OrgUnit | None = None,
    despite_duplicates: bool = False,
    source: str = "hand",
) -> Customer:
    """Open an archive by hand; `fields` are those of `EDITABLE`, at least a name.

    Raises NotAllowed (customers.may_not_create); RuleBroken: customers.no_name, customers.unknown_field,
    customers.bad_code, customers.invisible, customers.too_long, customers.impossible_date,
    customers.no_such_lunar_day, customers.needs_evidence, customers.bad_id, customers.bad_phone;
    customers.duplicate_id (the document belongs to a customer of that type already: never confirmed away);
    customers.duplicate (same phone or same name in the actor's scope) unless `despite_duplicates`.
    """
    if not actor.has_perm(CREATE_RIGHT):
        raise NotAllowed("customers.may_not_create", _("Your role does not open archives."))
    values = checked(fields)
    if not values.get("name"):
        raise RuleBroken("customers.no_name", _("A customer needs a name."))
    fresh = Customer()
    check_by_hand({field: (getattr(fresh, field), new) for field, new in values.items()})
    home = unit or actor.unit
    customer = Customer(
        number=next_number("CU"), unit_id=home.pk, unit_no=home.no, created_by_id=actor.pk, created_at=clock.now()
    )
    for field, value in values.items():
        setattr(customer, field, value)
    fill_lunar(customer)
    check_whole(customer)
    if id_number:
        seal(customer, id_number)
    customer.quality_marks = birthday_quality.marked(customer)
    number = normal.phone(mobile, kind=ContactPoint.Kind.MOBILE) if mobile.strip() else ""
    if not despite_duplicates:
        same = find_duplicates(actor, name=customer.name, phone=number)
        if same:
            raise RuleBroken(
                "customers.duplicate", _("There is a customer with the same name or phone. Look, or say it is another.")
            )
    customer.save(force_insert=True)
    CustomerFacts.objects.create(customer=customer)
    if number:
        ContactPoint.objects.create(customer=customer, kind=ContactPoint.Kind.MOBILE, value=number, is_primary=True)
    rebuild_find_rows([customer.pk])
    record(
        "customer.created",
        target=customer,
        actor=actor,
        customer_id=customer.pk,
        unit_id=customer.unit_id,
        detail={"number": customer.number, "source": source, "despite_duplicates": despite_duplicates},
    )
    add_line(customer.pk, "customer.created", actor=actor, ref_id=customer.pk, params={"source": source})
    refresh_one(customer.pk)
    return customer
