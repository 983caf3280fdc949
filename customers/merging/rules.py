"""Where two archives cannot simply be laid together: a unique key allows one row, or both have one of the kind.

Each app registers the rules of its own models in `ready()`. A unique key without a rule has this one: the row that
finds its place taken stays with the absorbed customer, where the merge's page still shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q, UniqueConstraint

from customers.merging.moving import Work
from customers.merging.unfinished import newest_request, one_draft
from customers.models import Address, ChangeRequest, Consent, ConsentState, ContactPoint, Customer, CustomerFacts
from foundation.common import clock
from foundation.common.merging import CustomerKey, OnMerge, customer_keys, keys_of

Rule = Callable[[Work, CustomerKey], None]
_clashes: dict[str, Rule] = {}
_combines: dict[str, Rule] = {}
_meetings: dict[str, Rule] = {}
# Columns that grew by the absorbed customer's part: undo takes the part away, whatever came since.
GROWING: set[tuple[str, str]] = {("customers_facts", "contacts_total")}


def register_clash(constraint: str, rule: Rule) -> None:
    """What to do, before the rows move, about a unique key that holds a customer. Raises ValueError for a second."""
    if _clashes.setdefault(constraint, rule) is not rule:
        raise ValueError(f"two rules for {constraint}")


def register_combine(key: str, rule: Rule) -> None:
    """How to join the rows of a key declared COMBINE ("app.Model.field"). Raises ValueError for a second."""
    if _combines.setdefault(key, rule) is not rule:
        raise ValueError(f"two rules for {key}")


def register_meeting(key: str, rule: Rule) -> None:
    """What to do, before the rows move, where no unique key forbids two and yet one is enough ("app.Model.field").
    Raises ValueError for a second."""
    if _meetings.setdefault(key, rule) is not rule:
        raise ValueError(f"two rules for {key}")


def settle(work: Work) -> None:
    """Make room: everything that would clash stays, changes or has changed places. Then combine what is combined."""
    for key in keys_of(OnMerge.MOVE):
        if key.table not in work.filled:
            continue
        if meeting := _meetings.get(str(key)):
            meeting(work, key)
        for name, fields, condition in unique_keys(key):
            rule = _clashes.get(name)
            if rule is not None:
                rule(work, key)
            else:
                _stays(work, key, fields, condition)
        _names_both(work, key)
    for key in keys_of(OnMerge.COMBINE):
        _combines[str(key)](work, key)


def unique_keys(key: CustomerKey) -> Iterator[tuple[str, list[str], Q | None]]:
    """The unique keys of a model that hold the customer: name, the other fields, condition."""
    for constraint in key.model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and key.field.name in constraint.fields:
            others = [name for name in constraint.fields if name != key.field.name]
            yield constraint.name, others, constraint.condition
    if key.field.unique:
        yield f"{key.table}.{key.column}", [], None


def _of(key: CustomerKey, customer: Customer) -> models.QuerySet[Any]:
    return key.model._base_manager.filter(**{key.field.attname: customer.pk}).order_by("pk")


def _stays(work: Work, key: CustomerKey, fields: list[str], condition: Q | None) -> None:
    wanted = condition if condition is not None else Q()
    own = _of(key, work.survivor).filter(wanted)
    taken = set(own.values_list(*fields)) if fields else {()} if own.exists() else set()
    theirs = _of(key, work.absorbed).filter(wanted).values_list("pk", *fields)
    work.keep(key.table, (row[0] for row in theirs if row[1:] in taken and None not in row[1:]))


def _names_both(work: Work, key: CustomerKey) -> None:
    """A relation between the two would become one of the survivor with itself: it stays."""
    if key.model is Customer:
        return
    both = [work.survivor.pk, work.absorbed.pk]
    for other in customer_keys():
        if other.model is key.model and other.field.name != key.field.name:
            named = _of(key, work.absorbed).filter(**{f"{other.field.attname}__in": both})
            work.keep(key.table, named.values_list("pk", flat=True))


def _one_point(work: Work, key: CustomerKey) -> None:
    """The same number on both: the survivor's stays and takes over what is known of the other, the stricter first."""
    own = {(p.kind, p.value): p for p in _of(key, work.survivor).filter(valid_to=None)}
    for point in _of(key, work.absorbed).filter(valid_to=None):
        mine = own.get((point.kind, point.value))
        if mine is None:
            continue
        work.keep(key.table, [point.pk])
        if point.do_not_use and not mine.do_not_use:
            work.change(ContactPoint, mine.pk, do_not_use=point.do_not_use, verified_at=None, is_primary=False)
        elif point.verified_at and not mine.verified_at and not mine.do_not_use:
            work.change(ContactPoint, mine.pk, verified_at=point.verified_at)


def _one_primary(work: Work, key: CustomerKey) -> None:
    """One number of a kind is called first: the survivor's."""
    primary = Q(valid_to=None, is_primary=True)
    taken = set(_of(key, work.survivor).filter(primary).values_list("kind", flat=True))
    kept = work.kept.get(key.table, set())
    for point in _of(key, work.absorbed).filter(primary, kind__in=taken):
        if str(point.pk) not in kept:
            work.change(ContactPoint, point.pk, is_primary=False)


def _one_address(work: Work, key: CustomerKey) -> None:
    """The survivor's address holds; another one of the absorbed customer becomes a former one, the same one stays."""
    own = {row.kind: row for row in _of(key, work.survivor).filter(valid_to=None)}
    for row in _of(key, work.absorbed).filter(valid_to=None):
        mine = own.get(row.kind)
        if mine is None:
            continue
        if _place(mine) == _place(row):
            work.keep(key.table, [row.pk])
        else:
            work.change(Address, row.pk, valid_to=clock.today())


def _place(row: Address) -> tuple[str, ...]:
    return row.province, row.city, row.district, row.street, row.postcode


def _newer_fact(work: Work, key: CustomerKey) -> None:
    """Of two facts of the profile the newer one holds; the older one stays with, or goes to, the absorbed customer."""
    own = {row.key: row for row in _of(key, work.survivor)}
    for row in _of(key, work.absorbed):
        mine = own.get(row.key)
        if mine is None:
            continue
        if row.as_of > mine.as_of:
            work.swap(key, mine.pk, row.pk)
        else:
            work.keep(key.table, [row.pk])


def _consents(work: Work, key: CustomerKey) -> None:
    """An answer fills a place nobody has asked about; of two answers the more restrictive wins (D§5.14)."""
    own = {(row.purpose, row.channel): row for row in _of(key, work.survivor)}
    for row in _of(key, work.absorbed):
        mine = own.get((row.purpose, row.channel))
        if mine is None:
            work.move(key, row.pk)
        elif strictness(row) > strictness(mine):
            work.swap(key, mine.pk, row.pk)


def strictness(consent: Consent) -> tuple[int, int]:
    """A no above a yes, a yes that ends sooner above one that ends later."""
    ends = consent.expires_on or date.max
    return (int(consent.state != ConsentState.GRANTED), -ends.toordinal())


def _facts(work: Work, key: CustomerKey) -> None:
    """Contacts add up, the last contact is the later, the contract's end the earlier; what jobs work out they will."""
    CustomerFacts.objects.get_or_create(customer=work.survivor)
    theirs = CustomerFacts.objects.filter(customer=work.absorbed).first()
    if theirs is None:
        return
    mine = CustomerFacts.objects.get(customer=work.survivor)
    work.change(
        CustomerFacts,
        work.survivor.pk,
        contacts_total=mine.contacts_total + theirs.contacts_total,
        last_contact_at=max(_known(mine.last_contact_at, theirs.last_contact_at), default=None),
        contract_end=min(_known(mine.contract_end, theirs.contract_end), default=None),
        mean_revenue=sum(revenue) if (revenue := _known(mine.mean_revenue, theirs.mean_revenue)) else None,
        tier=mine.tier or theirs.tier,
        open_debt=sum(debts) if (debts := _known(mine.open_debt, theirs.open_debt)) else None,
        debt_due_on=min(_known(mine.debt_due_on, theirs.debt_due_on), default=None),
    )


def _known(*values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def register() -> None:
    """The rules of the archive's own models."""
    register_clash("contact_point_once", _one_point)
    register_clash("contact_point_one_primary", _one_primary)
    register_clash("address_one_of_a_kind", _one_address)
    register_clash("profile_field_once", _newer_fact)
    register_clash("draft_one_in_a_place", one_draft)
    register_meeting(f"{ChangeRequest._meta.label}.customer", newest_request)
    register_combine(f"{Consent._meta.label}.customer", _consents)
    register_combine(f"{CustomerFacts._meta.label}.customer", _facts)
