"""Who may be the same customer as the one being typed (D§5.14)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from customers import normal
from customers.finding.forms import folded
from customers.finding.pinyin import letters_of
from customers.merging.score import NO_MATCH, Known, Match, known_of, score_pair
from customers.models import Customer, FindName, FindNumber
from foundation.common import crypto
from foundation.common.errors import RuleBroken
from staff.models import User

SHORTEST_PHONE = 7


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
