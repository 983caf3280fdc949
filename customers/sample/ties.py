"""Who belongs to whom among the sample customers, and how their documents were checked. Nothing is drawn here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

from customers.copying import copy_rows, ids_at
from customers.models import Household, HouseholdMember, IdentityCheck, Relation, RelationKind
from customers.sample import words_zh as words
from customers.sample.lines import LineDraft
from customers.sample.people import Draft
from foundation.common import clock, crypto

GROWN_UP, GUARDIAN_SIGNS = 18, 14  # D§5.2
A_GENERATION = 15
BY_HAND = 60  # whose card the reader is not asked for
BATCH = 2_000
R, Role = RelationKind, HouseholdMember.Role


def write_ties(
    drafts: Sequence[Draft], lines: Sequence[LineDraft], ids: Mapping[Draft, int], line_ids: Mapping[LineDraft, int]
) -> None:
    """Employees and handlers of companies, guardians of minors and who pays for them, spouses, households."""
    relations: list[Relation] = []
    members: list[HouseholdMember] = []
    for draft in drafts:
        family = [one for one in draft.members if not one.left_on]
        if draft.is_company:
            relations += [_tie(ids, draft, R.EMPLOYEE, person) for person in draft.members]
            relations += [_tie(ids, draft, R.HANDLER, person) for person in family[:1]]
        elif draft.household and family and not draft.left_on:
            roles = _roles(draft, family)
            relations += _kin(ids, draft, roles)
            household = Household(created_at=_evening(draft))
            members += [
                HouseholdMember(household=household, customer_id=ids[one], role=role, valid_from=one.joined_on)
                for one, role in {draft: Role.HEAD, **roles}.items()
            ]
    for line in lines:
        head = line.owner.parent
        if head is not None and not head.is_company and line.owner.age < GROWN_UP and not line.ended_on:
            tie = _tie(ids, line.owner, R.PAYER, head)
            tie.subscription_id, tie.valid_from = line_ids[line], line.activated_on
            relations.append(tie)
    Relation.objects.bulk_create(relations, batch_size=BATCH)
    Household.objects.bulk_create({member.household.pk: member.household for member in members}.values(), BATCH)
    HouseholdMember.objects.bulk_create(members, batch_size=BATCH)


def _tie(ids: Mapping[Draft, int], first: Draft, kind: str, second: Draft) -> Relation:
    since = max(first.joined_on, second.joined_on)
    return Relation(customer_id=ids[first], kind=kind, other_id=ids[second], valid_from=since)


def _roles(head: Draft, family: Sequence[Draft]) -> dict[Draft, str]:
    """What each is to the head: by age, and one spouse at most."""
    roles: dict[Draft, str] = {}
    for one in family:
        if one.age <= head.age - A_GENERATION:
            roles[one] = Role.CHILD
        elif one.age >= head.age + A_GENERATION:
            roles[one] = Role.PARENT
        else:
            roles[one] = Role.OTHER if Role.SPOUSE in roles.values() else Role.SPOUSE
    return roles


def _kin(ids: Mapping[Draft, int], head: Draft, roles: Mapping[Draft, str]) -> list[Relation]:
    """The relations beside the household: the spouse, and the guardians of those under age."""
    found = []
    for one, role in roles.items():
        if role == Role.SPOUSE:  # the same from both sides: kept once, with the lower id first
            first, second = sorted((head, one), key=lambda person: ids[person])
            found.append(_tie(ids, first, R.FAMILY, second))
        if one.age < GROWN_UP:
            tie = _tie(ids, one, R.GUARDIAN, head)
            tie.consent_evidence = words.GUARDIAN_CONSENT if one.age < GUARDIAN_SIGNS else ""
            found.append(tie)
    return found


def write_checks(drafts: Sequence[Draft], ids: Mapping[Draft, int]) -> None:
    """How each verified document was checked on the first day; with it the document of who acted for them."""
    checked = [draft for draft in drafts if draft.verified]
    keys = ids_at([_evening(draft) for draft in checked])
    rows = []
    for draft, key in zip(checked, keys, strict=True):
        acting = _acting(draft)
        in_person = draft.is_company or draft.age >= BY_HAND
        rows.append(
            {
                "id": key,
                "customer_id": ids[draft],
                "old": "UNVERIFIED",
                "new": "VERIFIED",
                "how": "IN_PERSON" if in_person else "READER",
                "document": "LICENCE" if draft.is_company else "ID_CARD",
                "document_last4": draft.id_number[-4:],
                "acting_role": ("HANDLER" if draft.is_company else "GUARDIAN") if acting else "",
                "acting_name": acting.name if acting else "",
                "acting_document": "ID_CARD" if acting else "",
                "acting_sealed": crypto.encrypt(acting.id_number, row_id=key) if acting else None,
                "acting_last4": acting.id_number[-4:] if acting else "",
                "reason": "",
                "at": _evening(draft),
                "actor_id": None,
            }
        )
    copy_rows(IdentityCheck, list(rows[0]), (list(row.values()) for row in rows))


def _acting(draft: Draft) -> Draft | None:
    """Who showed a document besides: the handler of a company, the guardian of somebody under age."""
    if draft.is_company:
        return next((one for one in draft.members if one.id_number), None)
    minor = draft.age < GROWN_UP and draft.parent is not None and bool(draft.parent.id_number)
    return draft.parent if minor else None


def _evening(draft: Draft) -> datetime:
    return datetime.combine(draft.joined_on, time(17), tzinfo=clock.BUSINESS_ZONE) + timedelta(minutes=30)
