"""How much two archives have in common, in points with their reasons (D§5.14). `batch` is the twin in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db import connection
from django.utils.translation import gettext_noop as _

from customers.models import Band
from foundation.common.explain import Explanation, Step
from foundation.policies.reading import policy

RULE, SOURCE = "duplicate", "D§5.14"
# Spaces of both widths go and small letters become large: the same letters in SQL and here.
_STREET_FROM = "abcdefghijklmnopqrstuvwxyz \u3000"
_STREET_TO = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EFFECTS = {
    "id": _("The same document (%(value)s points)."),
    "other_id": _("Different documents of one kind (%(value)s points)."),
    "name": _("The same name (%(value)s points)."),
    "pinyin": _("Names that sound the same (%(value)s points)."),
    "phone_verified": _("The same verified number (%(value)s points)."),
    "phone": _("The same number (%(value)s points)."),
    "email": _("The same e-mail address (%(value)s points)."),
    "address": _("The same address (%(value)s points)."),
    "birthday": _("The same birth date (%(value)s points)."),
}


@dataclass(frozen=True)
class Known:
    """What of an archive is compared. `numbers`: phones and lines; `verified`: those of them that were verified."""

    customer_type: str = ""
    id_hash: bytes | None = None
    id_type: str = ""
    name: str = ""
    pinyin: str = ""
    numbers: frozenset[str] = frozenset()
    verified: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    streets: frozenset[str] = frozenset()
    birth_date: date | None = None


@dataclass(frozen=True)
class Match:
    """The points of a pair, the band they fall in, and the reasons with the heaviest first."""

    score: int
    band: str
    why: Explanation = field(compare=False)

    @property
    def codes(self) -> list[str]:
        return [step.input for step in self.why.steps]


NO_MATCH = Match(0, Band.LEAVE, Explanation())


def score_pair(one: Known, other: Known) -> Match:
    """The match of two archives under the policies of now. A person and a company never match (D§26)."""
    weights, bands = policy("customers.duplicate_weights"), policy("customers.duplicate_bands")
    codes = _shared(one, other) if one.customer_type == other.customer_type else []
    steps = sorted((step_of(code, weights) for code in codes), key=lambda step: -step.value)
    score = max(0, sum(step.value for step in steps))
    return Match(score, band_of(score, bands), Explanation(steps))


def step_of(code: str, weights: dict[str, int]) -> Step:
    """One reason as it is stored and said."""
    return Step(code, weights[code], RULE, EFFECTS[code], SOURCE)


def band_of(score: int, bands: dict[str, int]) -> str:
    """Where a score falls: AUTO, REVIEW or LEAVE."""
    return str(Band.AUTO if score >= bands["auto"] else Band.REVIEW if score >= bands["review"] else Band.LEAVE)


def street_form(city: str, street: str) -> str:
    """An address for comparing; "" when no street is known."""
    table = str.maketrans(_STREET_FROM[:26], _STREET_TO, _STREET_FROM[26:])
    return (city + street).translate(table) if street else ""


def street_sql(row: str) -> str:
    """The twin of `street_form` for a row of customers_address."""
    return f"translate({row}.city || {row}.street, '{_STREET_FROM}', '{_STREET_TO}')"


def _shared(one: Known, other: Known) -> list[str]:
    codes = []
    if one.id_hash and one.id_hash == other.id_hash:
        codes.append("id")
    elif one.id_hash and other.id_hash and one.id_type == other.id_type:
        codes.append("other_id")
    if one.name and one.name == other.name:
        codes.append("name")
    elif one.pinyin and one.pinyin == other.pinyin:
        codes.append("pinyin")
    if same := one.numbers & other.numbers:
        codes.append("phone_verified" if same & (one.verified | other.verified) else "phone")
    if one.emails & other.emails:
        codes.append("email")
    if one.streets & other.streets:
        codes.append("address")
    if one.birth_date is not None and one.birth_date == other.birth_date:
        codes.append("birthday")
    return codes


_KNOWN = f"""
SELECT c.id, c.customer_type, c.id_hash, c.id_type, n.name, n.pinyin,
  ARRAY(SELECT x.value FROM customer_find_number x WHERE x.customer_id = c.id AND x.kind IN ('PHONE', 'LINE')),
  ARRAY(SELECT p.value FROM customers_contactpoint p WHERE p.customer_id = c.id AND p.valid_to IS NULL
        AND p.verified_at IS NOT NULL),
  ARRAY(SELECT x.value FROM customer_find_number x WHERE x.customer_id = c.id AND x.kind = 'EMAIL'),
  ARRAY(SELECT {street_sql("a")} FROM customers_address a WHERE a.customer_id = c.id AND a.valid_to IS NULL
        AND a.street <> ''),
  CASE WHEN 'BIRTHDAY_PLACEHOLDER' = ANY(c.quality_marks) THEN NULL ELSE c.birth_date END
FROM customers_customer c JOIN customer_find_name n ON n.customer_id = c.id
WHERE c.id = ANY(%s) AND c.merged_into_id IS NULL AND c.status <> 'ANONYMISED'"""


def known_of(customer_ids: Iterable[int]) -> dict[int, Known]:
    """What is compared of these customers, in one query; those taken up by others and the anonymous are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(customer_ids)])
        return {
            pk: Known(
                customer_type,
                bytes(id_hash) if id_hash else None,
                id_type,
                name,
                pinyin,
                frozenset(numbers),
                frozenset(verified),
                frozenset(emails),
                frozenset(streets),
                born,
            )
            for pk, customer_type, id_hash, id_type, name, pinyin, numbers, verified, emails, streets, born in cursor
        }
