"""A person or company a program brings: an archive of status PROSPECT, by the service of the pages."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from customers.models import ContactPoint, Customer
from customers.services.contact_points import add_contact_point
from customers.services.opening import create_customer
from foundation.common.clock import BUSINESS_ZONE
from foundation.rest.spelling import camel
from staff.models import User

GENDERS = {"female": "F", "male": "M"}
KINDS: dict[str, str] = {camel(kind).lower(): kind for kind in ContactPoint.Kind.values}
PLACES = {"MOBILE": "phoneNumber", "PHONE": "phoneNumber", "EMAIL": "emailAddress", "IM": "socialNetworkId"}


def open_party(data: dict[str, Any], user: User, customer_type: str) -> Customer:
    """A prospect.

    Raises ValidationError, and what `create_customer` and `add_contact_point` raise: among them "customers.duplicate"
    (409) for a name or number that is on file already.
    """
    points = [_point(one, index) for index, one in enumerate(data.get("contactMedium", []))]
    mobile = next((value for kind, value in points if kind == ContactPoint.Kind.MOBILE), "")
    fields: dict[str, Any] = {
        "name": _name(data),
        "customer_type": customer_type,
        "status": Customer.Status.PROSPECT,
        "gender": GENDERS.get(data.get("gender", ""), ""),
    }
    if customer_type == Customer.Type.ENTERPRISE:
        fields["segment"] = Customer.Segment.ENTERPRISE
    if data.get("birthDate"):
        fields["birth_date"] = data["birthDate"].astimezone(BUSINESS_ZONE).date()
    document = (data.get("individualIdentification") or data.get("organizationIdentification") or [{}])[0]
    number = str(document.get("identificationId", ""))
    if number:
        fields["id_type"] = _id_type(str(document.get("identificationType", "")))
    customer = create_customer(actor=user, fields=fields, id_number=number, mobile=mobile, unit=user.unit, source="api")
    left = [one for one in points if one != (ContactPoint.Kind.MOBILE, mobile)]
    for kind, value in dict.fromkeys(left):
        add_contact_point(customer.pk, actor=user, kind=kind, value=value)
    return customer


def _name(data: dict[str, Any]) -> str:
    """As it is written here: the family name first where it is in Han characters, with a space between others."""
    whole = data.get("tradingName") or data.get("fullName")
    if whole:
        return str(whole)
    given, family = data.get("givenName", "").strip(), data.get("familyName", "").strip()
    if not given or not family:
        raise ValidationError({"fullName": [_("Name the person: fullName, or givenName and familyName.")]})
    return f"{given} {family}" if (given + family).isascii() else f"{family}{given}"


def _id_type(said: str) -> str:
    known = {camel(kind).lower(): kind for kind in Customer.IdType.values}
    if said.lower() not in known:
        offered = ", ".join(camel(kind) for kind in Customer.IdType.values)
        raise ValidationError({"identificationType": [_("It is one of %(known)s.") % {"known": offered}]})
    return known[said.lower()]


def _point(medium: dict[str, Any], index: int) -> tuple[str, str]:
    kind = KINDS.get(medium["mediumType"].lower())
    value = str(medium["characteristic"].get(PLACES[kind], "")).strip() if kind is not None else ""
    if kind is None or not value:
        offered = ", ".join(KINDS)
        place = f"contactMedium[{index}]"
        raise ValidationError({place: [_("mediumType is one of %(known)s, with its value.") % {"known": offered}]})
    return kind, value
