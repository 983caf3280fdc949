"""Ways to reach the customer and addresses (D§4, D§26: a number given to another is marked, not forgotten)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.copies import copy_of
from customers.labels import label as field_label
from customers.models import Address, ContactPoint, Customer
from customers.services.changing import EDIT_RIGHT
from customers.services.copy_check import Copy, check_copy
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

# What a person sees of a contact point before changing it.
POINT_FIELDS = ("is_primary", "verified_at", "do_not_use")
# Stored in English, said in the reader's language (labels.DO_NOT_USE).
BOUNCED = "messages came back"
ADDRESS_PARTS = {"province": 40, "city": 60, "district": 60, "street": 200, "postcode": 12}


def check_may_edit(actor: User | None) -> None:
    """Refuse NotAllowed (customers.may_not_edit) a person without the right to change archives."""
    if actor is not None and not actor.has_perm(EDIT_RIGHT):
        raise NotAllowed("customers.may_not_edit", _("Your role does not change archives."))


@transaction.atomic
def add_contact_point(
    customer_id: int,
    *,
    actor: User | None,
    kind: str,
    value: str,
    label: str = "",
    primary: bool = False,
    verified: bool = False,
) -> ContactPoint:
    """Add a way to reach the customer; the first of a kind is its primary one.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.bad_phone,
    customers.bad_email, customers.empty_contact, customers.point_there (it is on file already).
    """
    check_may_edit(actor)
    if kind not in ContactPoint.Kind.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Kind")})
    value = normal.contact_value(kind, value)
    label = normal.plain_text(label, longest=40, label=_("Label"))
    customer = locked(customer_id)
    current = customer.contact_points.filter(kind=kind, valid_to__isnull=True)
    if current.filter(value=value).exists():
        raise RuleBroken("customers.point_there", _("This is on file already."))
    first = not current.filter(is_primary=True).exists()
    if primary and not first:
        current.filter(is_primary=True).update(is_primary=False)
    point = ContactPoint.objects.create(
        customer=customer,
        kind=kind,
        value=value,
        label=label,
        is_primary=primary or first,
        verified_at=clock.now() if verified else None,
    )
    _remember(customer, "contact_point.added", point, actor, None, value)
    return point


@transaction.atomic
def end_contact_point(point_id: int, *, actor: User | None, reason: str = "", was: Copy = None) -> ContactPoint:
    """The customer is not reached there any more; from today it is neither used nor found.

    `was`: the `POINT_FIELDS` the person saw. Raises NotAllowed (customers.may_not_edit), StaleCopy, RuleBroken
    (customers.point_ended).
    """
    customer, point = _current(point_id, actor, was)
    point.valid_to, point.is_primary = clock.today(), False
    point.do_not_use = normal.plain_text(reason, longest=80, label=_("Reason")) or point.do_not_use
    point.save(update_fields=["valid_to", "is_primary", "do_not_use"])
    _remember(customer, "contact_point.ended", point, actor, point.value, None)
    return point


@transaction.atomic
def make_primary(point_id: int, *, actor: User | None, was: Copy = None) -> ContactPoint:
    """Use this one first of its kind. Raises as `end_contact_point`, and RuleBroken (customers.point_unusable)."""
    customer, point = _current(point_id, actor, was)
    if point.do_not_use:
        raise RuleBroken(
            "customers.point_unusable", _("This one must not be used: %(why)s") % {"why": point.do_not_use}
        )
    if point.is_primary:
        return point
    customer.contact_points.filter(kind=point.kind, is_primary=True).update(is_primary=False)
    point.is_primary = True
    point.save(update_fields=["is_primary"])
    remember(customer, "contact_point.primary", actor=actor, target=point, detail={"kind": point.kind})
    return point


@transaction.atomic
def verify_contact_point(point_id: int, *, actor: User | None, was: Copy = None) -> ContactPoint:
    """The customer was reached there: it counts as verified from now. Raises as `end_contact_point`."""
    customer, point = _current(point_id, actor, was)
    point.verified_at, point.do_not_use, point.bounced_at = clock.now(), "", None
    point.save(update_fields=["verified_at", "do_not_use", "bounced_at"])
    remember(customer, "contact_point.verified", actor=actor, target=point, detail={"kind": point.kind})
    return point


@transaction.atomic
def mark_unusable(point_id: int, *, actor: User | None, reason: str, was: Copy = None) -> ContactPoint:
    """Messages came back, or the customer asked not to be reached there: counts as not verified (D§5.4).

    Raises as `end_contact_point`, and RuleBroken (customers.no_reason).
    """
    customer, point = _current(point_id, actor, was)
    reason = normal.plain_text(reason, longest=80, label=_("Reason"))
    if not reason:
        raise RuleBroken("customers.no_reason", _("Say why it must not be used."))
    point.verified_at, point.do_not_use, point.is_primary = None, reason, False
    point.save(update_fields=["verified_at", "do_not_use", "is_primary"])
    remember(customer, "contact_point.unusable", actor=actor, target=point, detail={"kind": point.kind})
    return point


@transaction.atomic
def note_bounce(point_id: int, *, actor: User | None = None) -> ContactPoint:
    """A message came back from there for good: it is neither used nor counted as verified until somebody has reached
    the customer there again (D§5.4). One that has ended, or bounced before, stays as it is.

    Raises NotAllowed (customers.may_not_edit), ContactPoint.DoesNotExist.
    """
    check_may_edit(actor)
    customer = locked(ContactPoint.objects.values_list("customer_id", flat=True).get(pk=point_id))
    point = ContactPoint.objects.get(pk=point_id)
    if point.valid_to is not None or point.bounced_at is not None:
        return point
    point.verified_at, point.bounced_at, point.is_primary = None, clock.now(), False
    point.do_not_use = point.do_not_use or BOUNCED
    point.save(update_fields=["verified_at", "bounced_at", "is_primary", "do_not_use"])
    remember(customer, "contact_point.bounced", actor=actor, target=point, detail={"kind": point.kind})
    return point


@transaction.atomic
def set_address(
    customer_id: int, *, actor: User | None, kind: str, parts: Mapping[str, str], was: Copy = None
) -> Address | None:
    """The customer's address of a kind becomes this; an empty one ends it. Old ones are kept with their end.

    `parts`: province, city, district, street, postcode; `was`: those the person saw. Returns the address that holds,
    or None. Raises NotAllowed (customers.may_not_edit); StaleCopy; RuleBroken customers.bad_code,
    customers.invisible, customers.too_long.
    """
    check_may_edit(actor)
    if kind not in Address.Kind.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Kind")})
    values = {
        part: normal.plain_text(parts.get(part) or "", longest=longest, label=field_label(part))
        for part, longest in ADDRESS_PARTS.items()
    }
    customer = locked(customer_id)
    old = customer.addresses.filter(kind=kind, valid_to__isnull=True).first()
    before = {part: getattr(old, part) if old else "" for part in ADDRESS_PARTS}
    check_copy(customer, was, before)
    if before == values:
        return old
    if old is not None:
        old.valid_to = clock.today()
        old.save(update_fields=["valid_to"])
    new = Address.objects.create(customer=customer, kind=kind, **values) if any(values.values()) else None
    changed = {part: (before[part], values[part]) for part in ADDRESS_PARTS if before[part] != values[part]}
    remember(
        customer,
        "address.changed",
        actor=actor,
        target=new or old,
        changed=changed,
        detail={"kind": kind},
        line="customer.changed",
        line_params={"fields": ["address"]},
    )
    return new


def _current(point_id: int, actor: User | None, was: Copy) -> tuple[Customer, ContactPoint]:
    check_may_edit(actor)
    customer = locked(ContactPoint.objects.values_list("customer_id", flat=True).get(pk=point_id))
    point = ContactPoint.objects.get(pk=point_id)
    if point.valid_to is not None:
        raise RuleBroken("customers.point_ended", _("This one has ended already."))
    check_copy(customer, was, copy_of(point, POINT_FIELDS))
    return customer, point


def _remember(
    customer: Customer, verb: str, point: ContactPoint, actor: User | None, old: str | None, new: str | None
) -> None:
    remember(
        customer,
        verb,
        actor=actor,
        target=point,
        changed={"value": (old, new)},
        detail={"kind": point.kind},
        line="customer.changed",
        line_params={"fields": ["contact_point"]},
        refind=True,
    )
