"""Who belongs to whom: relations and households, each with its days (D§4, D§5.2, D§26)."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.models import Customer, Household, HouseholdMember, Relation, RelationKind, Subscription
from customers.models.relations import BOTH_WAYS, OF_A_COMPANY, OF_A_LINE
from customers.services.contact_points import check_may_edit
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

P, E = Customer.Type.PERSON, Customer.Type.ENTERPRISE
GONE = frozenset({Customer.Status.ANONYMISED})


@transaction.atomic
def add_relation(
    customer_id: int,
    *,
    actor: User | None,
    kind: str,
    other_id: int | None = None,
    other_name: str = "",
    other_phone: str = "",
    subscription_id: int | None = None,
    note: str = "",
    consent_evidence: str = "",
    valid_from: date | None = None,
) -> Relation:
    """Write down that the other (a customer, or a name with a number) is `kind` to the customer, from a day on.

    `subscription_id`: the line paid for or used; the one before in that part ends the same day. `consent_evidence`:
    what shows that a guardian agrees for a child under 14 (D§5.2). What is the same from both sides is kept once.
    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, relations.oneself, relations.nobody,
    relations.wrong_type (a company has no family, a person no employees), relations.foreign_line, relations.there
    (the same relation holds already), relations.minor_guardian, customers.impossible_date, customers.bad_phone,
    customers.invisible, customers.too_long.
    """
    check_may_edit(actor)
    if kind not in RelationKind.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Relation")})
    since = valid_from or clock.today()
    if since > clock.today():
        raise RuleBroken("customers.impossible_date", _("The day lies in the future."))
    name = normal.plain_text(other_name, longest=200, label=_("Name"))
    phone = normal.phone(other_phone, kind="PHONE") if other_phone.strip() else ""
    note = normal.plain_text(note, longest=120, label=_("Note"))
    evidence = normal.plain_text(consent_evidence, longest=200, label=_("Consent"))
    customer, other = _locked_two(customer_id, other_id)
    if other is None and not name:
        raise RuleBroken("relations.nobody", _("Say who: a customer, or a name with a number."))
    _check_types(customer, other, kind)
    line = _line_of(customer, kind, subscription_id)
    if line is not None:
        _end_party(line, customer, kind, since, actor)
    first, second = customer, other
    if other is not None and kind in BOTH_WAYS and other.pk < customer.pk:
        first, second = other, customer
    relation = Relation(
        customer=first,
        kind=kind,
        other=second,
        other_name="" if second else name,
        other_phone="" if second else phone,
        subscription=line,
        note=note,
        consent_evidence=evidence,
        valid_from=since,
        created_by_id=actor.pk if actor else None,
        created_at=clock.now(),
    )
    try:
        with transaction.atomic():
            relation.save(force_insert=True)
    except IntegrityError as error:
        if "relation_" not in str(error):
            raise
        raise RuleBroken("relations.there", _("This relation is on file for these days already.")) from error
    for party in filter(None, (customer, other)):
        remember(
            party,
            "relation.added",
            actor=actor,
            target=relation,
            changed={"other_name": (None, name)} if second is None else None,
            detail={"kind": kind},
            line="relation.added",
            line_params={"kind": kind, "back": party is other},
        )
    return relation


@transaction.atomic
def end_relation(relation_id: int, *, actor: User | None, on: date | None = None) -> Relation:
    """The relation holds no longer, from a day on (default today).

    Raises NotAllowed (customers.may_not_edit); RuleBroken relations.ended, customers.impossible_date.
    """
    check_may_edit(actor)
    told = Relation.objects.values_list("customer_id", "other_id").get(pk=relation_id)
    customer, other = _locked_two(*told)
    relation = Relation.objects.get(pk=relation_id)
    if relation.valid_to is not None:
        raise RuleBroken("relations.ended", _("This relation has ended already."))
    day = on or clock.today()
    if not relation.valid_from <= day <= clock.today():
        raise RuleBroken("customers.impossible_date", _("It cannot end in the future or before it began."))
    relation.valid_to = day
    relation.save(update_fields=["valid_to"])
    for party in filter(None, (customer, other)):
        remember(
            party,
            "relation.ended",
            actor=actor,
            target=relation,
            detail={"kind": relation.kind},
            line="relation.ended",
            line_params={"kind": relation.kind, "back": party is other},
        )
    return relation


@transaction.atomic
def join_household(
    customer_id: int, *, actor: User | None, head_id: int, role: str = HouseholdMember.Role.OTHER
) -> HouseholdMember:
    """The customer belongs to the household whose head is `head_id` from today; the head's household begins with the
    first who joins.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, relations.oneself, relations.wrong_type
    (companies live in none), relations.in_household (one of them belongs to another household).
    """
    check_may_edit(actor)
    if role not in HouseholdMember.Role.values or role == HouseholdMember.Role.HEAD:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Part")})
    customer, head = _locked_two(customer_id, head_id)
    assert head is not None
    if P not in {customer.customer_type} or head.customer_type != P:
        raise RuleBroken("relations.wrong_type", _("Only persons live in a household."))
    own = _membership(customer)
    if own is not None:
        raise RuleBroken("relations.in_household", _("This customer belongs to a household already."))
    leading = _membership(head)
    if leading is not None and leading.role != HouseholdMember.Role.HEAD:
        raise RuleBroken("relations.in_household", _("Name the head of the household, not another member."))
    if leading is None:
        household = Household.objects.create(created_by_id=actor.pk if actor else None, created_at=clock.now())
        _join(household, head, HouseholdMember.Role.HEAD, actor)
    else:
        household = leading.household
    return _join(household, customer, role, actor)


@transaction.atomic
def leave_household(customer_id: int, *, actor: User | None) -> None:
    """The customer belongs to no household from today; when the head leaves, the oldest member becomes the head, and
    who would be left alone leaves too.

    Raises NotAllowed (customers.may_not_edit); RuleBroken relations.no_household.
    """
    check_may_edit(actor)
    customer = locked(customer_id)
    own = _membership(customer)
    if own is None:
        raise RuleBroken("relations.no_household", _("This customer belongs to no household."))
    _leave(own, customer, actor)
    left = list(own.household.members.filter(valid_to__isnull=True).select_related("customer").order_by("pk"))
    if len(left) == 1:
        _leave(left[0], locked(left[0].customer_id), actor)
    elif left and own.role == HouseholdMember.Role.HEAD:
        left[0].role = HouseholdMember.Role.HEAD
        left[0].save(update_fields=["role"])
        remember(locked(left[0].customer_id), "household.headed", actor=actor, target=left[0])


def guardian_of(customer: Customer) -> Relation | None:
    """The guardian who holds today; one whose consent is on file before one without."""
    rows = customer.relations.filter(kind=RelationKind.GUARDIAN, valid_to__isnull=True).select_related("other")
    return max(rows, key=lambda row: (bool(row.consent_evidence), row.pk), default=None)


def _locked_two(one_id: int, other_id: int | None) -> tuple[Customer, Customer | None]:
    """Both customers locked, in the order of their ids, so that two people at once wait and do not block each other."""
    if other_id is None:
        return locked(one_id), None
    if one_id == other_id:
        raise RuleBroken("relations.oneself", _("Nobody is related to themselves."))
    rows = {pk: locked(pk) for pk in sorted((one_id, other_id))}
    return rows[one_id], rows[other_id]


def _check_types(customer: Customer, other: Customer | None, kind: str) -> None:
    """Companies have people and payers; only people have families, guardians and a trade of their own."""
    first, second = customer.customer_type, other.customer_type if other else None
    wanted: dict[str, tuple[Any, Any]] = {
        RelationKind.FAMILY: (P, P),
        RelationKind.GUARDIAN: (P, P),
        **dict.fromkeys(OF_A_COMPANY, (E, P)),
    }
    pair = wanted.get(kind)
    if pair is not None and (first != pair[0] or (second is not None and second != pair[1])):
        raise RuleBroken("relations.wrong_type", _("These two kinds of customers cannot be related so."))
    if kind == RelationKind.SAME_PERSON and {first, second} != {P, E}:
        raise RuleBroken("relations.wrong_type", _("A person is linked with the trade this person carries on."))


def _line_of(customer: Customer, kind: str, subscription_id: int | None) -> Subscription | None:
    if kind not in OF_A_LINE:
        return None
    line = Subscription.objects.filter(pk=subscription_id or 0, customer=customer, terminated_on__isnull=True).first()
    if line is None:
        raise RuleBroken("relations.foreign_line", _("Choose a line of this customer that lives."))
    return line


def _end_party(line: Subscription, customer: Customer, kind: str, day: date, actor: User | None) -> None:
    """Who paid for or used the line until now does so no longer."""
    for before in line.parties.filter(kind=kind, valid_to__isnull=True):
        if day < before.valid_from:
            raise RuleBroken("customers.impossible_date", _("Somebody else has this part since a later day."))
        before.valid_to = day
        before.save(update_fields=["valid_to"])
        remember(customer, "relation.ended", actor=actor, target=before, detail={"kind": kind})


def _membership(customer: Customer) -> HouseholdMember | None:
    rows = customer.household_memberships.filter(valid_to__isnull=True)
    return rows.select_related("household").first()


def _join(household: Household, customer: Customer, role: str, actor: User | None) -> HouseholdMember:
    member = HouseholdMember.objects.create(household=household, customer=customer, role=role)
    remember(
        customer,
        "household.joined",
        actor=actor,
        target=member,
        detail={"role": role},
        line="household.joined",
        line_params={"role": role},
    )
    return member


def _leave(member: HouseholdMember, customer: Customer, actor: User | None) -> None:
    member.valid_to = clock.today()
    member.save(update_fields=["valid_to"])
    remember(customer, "household.left", actor=actor, target=member, line="household.left")
