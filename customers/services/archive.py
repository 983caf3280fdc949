"""Opening an archive and keeping it right: create, change, duplicates, the ID number (D§4, D§5.1, D§5.14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers import birthday_quality, normal
from customers.erasure.returning import person_is_back
from customers.finding import rebuild_find_rows
from customers.finding.forms import folded
from customers.finding.pinyin import letters_of
from customers.labels import label as field_label
from customers.lifecycle import check_status
from customers.lunar import lunar_of
from customers.merging.score import NO_MATCH, Known, Match, known_of, score_pair
from customers.models import ContactPoint, Customer, CustomerFacts, FindName, FindNumber, Subscription
from customers.quality import refresh_one
from customers.services.remembering import LastChange, Values, last_change_of, locked, remember
from customers.services.second_look import check_second_look
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock, crypto
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from foundation.ui.wording import say_moment
from staff.models import OrgUnit, User

CREATE_RIGHT, EDIT_RIGHT = "customers.create", "customers.edit"
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
SHOWN_IN_FIND = {"name", "short_name", "customer_type", "manager_id", "id_number"}
NAME_MISSING = "NAME_MISSING"
SHORTEST_PHONE = 7


class StaleCopy(RuleBroken):
    """Somebody changed the customer after this copy was read.

    `current`: field -> present value, for the fields the caller wanted to change; `version`: the present version;
    `last`: who made it and when.
    """

    def __init__(self, current: dict[str, Any], version: int, last: LastChange) -> None:
        super().__init__("customers.stale", _stale_words(last))
        self.current = current
        self.version = version
        self.last = last


def _stale_words(last: LastChange) -> str:
    said = {"name": last.name, "when": say_moment(last.at)}
    if not last.name:
        return _("This customer was changed meanwhile (%(when)s). Compare, then save again.") % said
    return _("%(name)s has changed this customer meanwhile (%(when)s). Compare, then save again.") % said


@dataclass(frozen=True)
class Duplicate:
    """Another customer who may be the same: the plainest reason (id, phone, name), whether the user may see who, and
    the match with what was typed, in points with every reason."""

    customer_id: int
    why: str
    visible: bool
    match: Match = dataclasses.field(default=NO_MATCH, compare=False)


def find_duplicates(
    user: User,
    *,
    name: str = "",
    phone: str = "",
    id_number: str = "",
    id_type: str = Customer.IdType.ID_CARD,
    but: int | None = None,
    limit: int = 5,
) -> list[Duplicate]:
    """Customers with the same ID, the same phone (of the whole operator) or the same name (in the user's scope).

    Values may be half typed: what does not read yet finds nothing. At most `limit`, the highest score first
    (customers/merging/score.py).
    """
    found: dict[int, str] = {}
    if digest := _digest_of(id_number, id_type):
        same_document = Customer.objects.filter(id_hash=digest).values_list("pk", "merged_into_id")
        for pk, into in same_document[:limit]:
            found.setdefault(into or pk, "id")
    number = normal.domestic(normal.compact(phone))
    if len(number) >= SHORTEST_PHONE:
        same_number = FindNumber.objects.filter(value=number, kind__in=["PHONE", "LINE"])
        for pk in same_number.values_list("customer_id", flat=True)[:limit]:
            found.setdefault(pk, "phone")
    if len(folded(name)) >= 2:
        same = Customer.objects.in_scope_of(user).filter(
            pk__in=FindName.objects.filter(name=folded(name)).order_by("-customer_id").values("customer_id")[:100]
        )
        for pk in same.order_by("-pk").values_list("pk", flat=True)[:limit]:
            found.setdefault(pk, "name")
    found.pop(but or 0, None)
    if not found:
        return []
    seen = set(Customer.objects.visible_to(user).filter(pk__in=found).values_list("pk", flat=True))
    theirs = known_of(found)
    matches = {}
    for pk in found:
        other = theirs.get(pk, Known())
        # Half typed as it is, it is compared as what the other one is: the type is on the form from the beginning.
        typed = _typed(name=name, number=number, digest=digest, id_type=id_type, customer_type=other.customer_type)
        matches[pk] = score_pair(typed, other)
    lines = [Duplicate(pk, why, pk in seen, matches[pk]) for pk, why in found.items()]
    return sorted(lines, key=lambda line: (-line.match.score, line.why != "id", line.why != "phone"))[:limit]


def _typed(*, name: str, number: str, digest: bytes | None, id_type: str, customer_type: str) -> Known:
    plain = folded(name)
    return Known(
        customer_type=customer_type,
        id_hash=digest,
        id_type=id_type if digest else "",
        name=plain,
        pinyin=letters_of(plain, is_person=customer_type == Customer.Type.PERSON)[0],
        numbers=frozenset({number} if len(number) >= SHORTEST_PHONE else ()),
    )


def _digest_of(id_number: str, id_type: str) -> bytes | None:
    """The blind index of a number that reads, else None."""
    try:
        return crypto.blind_index(normal.id_number(id_number, id_type=id_type))
    except RuleBroken:
        return None


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
    _check_by_hand({field: (getattr(fresh, field), new) for field, new in values.items()})
    home = unit or actor.unit
    customer = Customer(
        number=next_number("CU"), unit_id=home.pk, unit_no=home.no, created_by_id=actor.pk, created_at=clock.now()
    )
    for field, value in values.items():
        setattr(customer, field, value)
    _fill_lunar(customer)
    _check_whole(customer)
    if id_number:
        _seal(customer, id_number)
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


@transaction.atomic
def confirm_archive(customer_id: int, *, actor: User) -> Customer:
    """Somebody went through the data with the customer: they count as fresh from now (D§5.4).

    Raises NotAllowed (customers.may_not_edit).
    """
    if not actor.has_perm(EDIT_RIGHT):
        raise NotAllowed("customers.may_not_edit", _("Your role does not change archives."))
    customer = locked(customer_id)
    remember(customer, "customer.confirmed", actor=actor)
    return customer


@transaction.atomic
def change_customer(
    customer_id: int,
    *,
    actor: User | None,
    version: int,
    changes: Mapping[str, Any],
    id_number: str | None = None,
    source: str = "",
    decided: bool = False,
) -> Customer:
    """Change fields of `EDITABLE`, and the ID number when one is given ("" removes it); returns the customer.

    `version`: of the copy the changes were made on. What is as asked already is not a change; without any, nothing is
    written. `decided`: a second person has looked (services/change_requests.py). Raises NotAllowed
    (customers.may_not_edit), StaleCopy, and RuleBroken as `create_customer`, customers.anonymised, customers.bad_move
    (a status that may not follow), customers.too_many_mobiles, customers.needs_evidence (identity and death, by hand),
    customers.second_look (name or document of an identity once verified, by hand and not decided).
    """
    by_hand = actor is not None and not decided
    if actor is not None and not actor.has_perm(EDIT_RIGHT):
        raise NotAllowed("customers.may_not_edit", _("Your role does not change archives."))
    customer = locked(customer_id)
    if customer.version != version:
        current = {field: getattr(customer, field) for field in changes if field in EDITABLE}
        raise StaleCopy(current, customer.version, last_change_of(customer))
    values = checked(changes)
    if "name" in values and not values["name"]:
        raise RuleBroken("customers.no_name", _("A customer needs a name."))
    changed = {f: (getattr(customer, f), new) for f, new in values.items() if getattr(customer, f) != new}
    if actor is not None:
        _check_by_hand(changed)
    if by_hand:
        check_second_look(customer, changed)
    if "status" in changed:
        check_status(*changed["status"])
    if "name" in changed and NAME_MISSING in customer.quality_marks:
        marks = [mark for mark in customer.quality_marks if mark != NAME_MISSING]
        changed.setdefault("quality_marks", (customer.quality_marks, marks))
    for field, (_old, new) in changed.items():
        setattr(customer, field, new)
    if birthday_quality.FIELDS & set(changed):
        changed |= _fill_lunar(customer)
    columns = list(changed)
    if id_number is not None and (sealed := _change_id(customer, id_number)):
        if by_hand:
            check_second_look(customer, ["id_number"])
        changed["id_number"] = sealed
        columns += ["id_sealed", "id_hash", "id_last4", "id_type"]
    elif "id_type" in changed and customer.id_sealed:
        normal.id_number(customer.id_number(), id_type=customer.id_type)
    verified = Customer.IdentityStatus.VERIFIED
    seen_anew = "identity_status" in changed
    if customer.identity_status == verified and {"id_type", "id_number"} & set(changed) and not seen_anew:
        # Another document: whoever checked the old one did not see this one.
        customer.identity_status = Customer.IdentityStatus.RECHECK
        changed["identity_status"] = (verified, customer.identity_status)
        columns.append("identity_status")
    if not changed:
        return customer
    _check_whole(customer)
    if birthday_quality.FIELDS & set(changed):
        before, customer.quality_marks = customer.quality_marks, birthday_quality.marked(customer)
        if customer.quality_marks != before:
            changed["quality_marks"] = (changed.get("quality_marks", (before,))[0], customer.quality_marks)
            columns.append("quality_marks")
    customer.save(update_fields=columns)
    remember(
        customer,
        "customer.changed",
        actor=actor,
        changed=changed,
        line="customer.changed",
        line_params={"fields": sorted(changed)},
        source=source,
        refind=bool(SHOWN_IN_FIND & set(changed)),
    )
    return customer


def _check_by_hand(changed: Mapping[str, tuple[Any, Any]]) -> None:
    """What needs evidence is noted on its own page (services/identity.py, services/death.py)."""
    old, new = changed.get("identity_status", ("", ""))
    if old != new:
        raise RuleBroken("customers.needs_evidence", _("The identity is noted on its own page, with the document."))
    old, new = changed.get("status", ("", ""))
    if old != new and Customer.Status.DECEASED in (old, new):
        raise RuleBroken(
            "customers.needs_evidence", _("A death is noted on the page of the identity, with what shows it.")
        )


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


def _check_whole(customer: Customer) -> None:
    """What several fields must say together."""
    if customer.gender not in {"", "F", "M"}:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Gender")})
    if customer.birthday_kind == Customer.BirthdayKind.LUNAR:
        normal.lunar_day(customer.lunar_month, customer.lunar_day, leap=customer.lunar_leap)
    if customer.customer_type == Customer.Type.ENTERPRISE and customer.birth_date is not None:
        raise RuleBroken("customers.impossible_date", _("A company has no birthday."))


def _fill_lunar(customer: Customer) -> Values:
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


def _seal(customer: Customer, text: str) -> None:
    """Put an ID number into the customer: encrypted, findable, its last four for display; one customer a document."""
    if not customer.id_type:
        is_company = customer.customer_type == Customer.Type.ENTERPRISE
        customer.id_type = Customer.IdType.LICENCE if is_company else Customer.IdType.ID_CARD
    number = normal.id_number(text, id_type=customer.id_type)
    digest = crypto.blind_index(number)
    _lock_document(digest)
    taken = Customer.objects.filter(id_hash=digest, customer_type=customer.customer_type).exclude(pk=customer.pk)
    taken = taken.exclude(merged_into=customer.pk)
    if taken.exists():
        raise RuleBroken(
            "customers.duplicate_id", _("This document belongs to a customer already. Search by the whole number.")
        )
    _check_mobiles(customer, digest)
    person_is_back(digest)
    customer.id_sealed = crypto.encrypt(number, row_id=customer.pk)
    customer.id_hash = digest
    customer.id_last4 = number[-4:]
    if customer.id_type == Customer.IdType.ID_CARD and customer.birth_date is None:
        customer.birth_date = normal.card_birth_date(number)


def set_document(customer: Customer, text: str, *, id_type: str = "") -> dict[str, tuple[Any, Any]]:
    """Give a locked customer without a document this one; a person's unknown birth date comes from the card. Saves.

    Returns field -> (old, new). Raises RuleBroken customers.bad_id, customers.duplicate_id, customers.too_many_mobiles.
    """
    before = {field: getattr(customer, field) for field in ("id_type", "birth_date")}
    customer.id_type = id_type or customer.id_type
    _seal(customer, text)
    changed = {
        field: (old, getattr(customer, field)) for field, old in before.items() if getattr(customer, field) != old
    }
    customer.save(update_fields=["id_sealed", "id_hash", "id_last4", *before])
    return changed | {"id_number": ("", f"****{customer.id_last4}")}


def _lock_document(digest: bytes) -> None:
    """Two windows must not both find the document free, or room for one more number on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", ["customer-id-" + digest.hex()])


def _change_id(customer: Customer, text: str) -> tuple[str, str] | None:
    """The masked (old, new) pair when the number became another one, else None."""
    before, old = bytes(customer.id_hash) if customer.id_hash else None, customer.id_last4
    birth = customer.birth_date
    if text.strip():
        _seal(customer, text)
        customer.birth_date = birth
        if customer.id_hash == before:
            return None
    elif before is None:
        return None
    else:
        customer.id_sealed, customer.id_hash, customer.id_last4 = None, None, ""
    return (f"****{old}" if old else "", f"****{customer.id_last4}" if customer.id_last4 else "")


def _check_mobiles(customer: Customer, digest: bytes, more: int = 0) -> None:
    most = policy("customers.mobiles_per_id")
    if mobiles_of(digest, customer.pk) + more > most:
        raise RuleBroken(
            "customers.too_many_mobiles",
            _("One document may hold at most %(most)s mobile numbers with us.") % {"most": most},
        )


def mobiles_of(digest: bytes | None, customer_id: int) -> int:
    """Mobile numbers that live on a document (all its customers) and on this customer."""
    ids = {customer_id}
    if digest:
        ids |= set(Customer.objects.filter(id_hash=digest).values_list("pk", flat=True))
    lines = Subscription.objects.filter(customer_id__in=ids, product_line="MOBILE", terminated_on__isnull=True)
    return lines.count()


def check_mobile_limit(customer: Customer, *, more: int) -> None:
    """Refuse (customers.too_many_mobiles) when `more` mobile numbers would be too many for the document (D§5.1)."""
    if customer.id_hash:
        _lock_document(bytes(customer.id_hash))
        _check_mobiles(customer, bytes(customer.id_hash), more)
