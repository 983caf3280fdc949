"""What customers and parties show alike: ways to reach them, behind masks unless the caller may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from customers.models import Address, ContactPoint, Customer
from foundation.common import clock
from foundation.rest.resources import Call
from foundation.rest.shapes import moment, text, thing
from foundation.rest.spelling import camel, day_start
from staff.masking import masked, masked_name

T = Customer.Type
MEDIUM = thing(
    {
        "mediumType": text(20),
        "preferred": {"type": "boolean"},
        "characteristic": thing(
            {
                "phoneNumber": text(40),
                "emailAddress": text(254),
                "socialNetworkId": text(254),
                "contactType": text(20),
                "stateOrProvince": text(40),
                "city": text(60),
                "street1": text(200),
                "street2": text(200),
                "postCode": text(12),
            }
        ),
        "validFor": thing({"startDateTime": moment(), "endDateTime": moment()}),
        "@type": text(60),
    },
    "mediumType",
    "characteristic",
)
# Kind of ours → where TMF puts the value, and behind which mask.
PLACES: dict[str, tuple[str, str]] = {
    ContactPoint.Kind.MOBILE: ("phoneNumber", "phone"),
    ContactPoint.Kind.PHONE: ("phoneNumber", "phone"),
    ContactPoint.Kind.EMAIL: ("emailAddress", "email"),
    ContactPoint.Kind.IM: ("socialNetworkId", "account"),
}


@dataclass
class Beside:
    """What a page of customers needs beside its rows."""

    call: Call
    points: dict[int, list[ContactPoint]] = field(default_factory=dict)
    addresses: dict[int, list[Address]] = field(default_factory=dict)
    accounts: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


def load(rows: Sequence[Customer], wanted: frozenset[str], call: Call) -> Beside:
    """At most two queries, whatever the number of rows."""
    beside, ids = Beside(call), [row.pk for row in rows]
    if "contactMedium" in wanted:
        day = clock.today()
        current = ContactPoint.objects.filter(customer__in=ids, valid_from__lte=day).exclude(valid_to__lt=day)
        for point in current.order_by("-is_primary", "pk"):
            beside.points.setdefault(point.customer_id, []).append(point)
        for place in Address.objects.filter(customer__in=ids).exclude(valid_to__lt=day).order_by("pk"):
            beside.addresses.setdefault(place.customer_id, []).append(place)
    return beside


def name_of(row: Customer, beside: Beside) -> str | None:
    return masked_name(row.name, row.customer_type, clear=beside.call.sees_personal) or None


def media(row: Customer, beside: Beside) -> list[dict[str, Any]] | None:
    """Numbers and addresses of e-mail, the primary one first; of a place only the town without the scope."""
    clear = beside.call.sees_personal
    found: list[dict[str, Any]] = []
    for point in beside.points.get(row.pk, []):
        name, mask = PLACES[point.kind]
        held = {"startDateTime": day_start(point.valid_from)}
        found.append(
            {
                "mediumType": camel(point.kind),
                "preferred": point.is_primary,
                "characteristic": {name: masked(mask, point.value, clear=clear)},
                "validFor": held,
            }
        )
    for place in beside.addresses.get(row.pk, []):
        parts = {"contactType": camel(place.kind), "stateOrProvince": place.province, "city": place.city}
        if clear:
            parts |= {"street1": place.street, "street2": place.district, "postCode": place.postcode}
        told = {name: value for name, value in parts.items() if value}
        found.append({"mediumType": "address", "preferred": False, "characteristic": told})
    return [{**one, "@type": "ContactMedium"} for one in found] or None


def party_resource(row: Customer) -> tuple[str, str]:
    """The resource and the type of the party behind a customer."""
    return ("organization", "Organization") if row.customer_type == T.ENTERPRISE else ("individual", "Individual")
