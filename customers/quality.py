"""Which archives need mending, and why: reckoned in one statement, for one customer and for all alike (D§5.4).

The same statement serves a change of one archive (`refresh_one`) and the nightly job (`refresh_all`). Customers who
left, have died or were made anonymous are nobody's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

from customers.models import QualityItem
from customers.models.quality import QualityKind
from customers.pieces import by_pieces
from foundation.common import clock
from foundation.common.prepared import prepared
from foundation.policies.reading import policy
from staff.models import User

MOST_COUNTED = 500
_FACT = """EXISTS (SELECT FROM customers_profilefield p WHERE p.customer_id = c.id AND p.key = '{key}'
    AND (p.expires_on IS NULL OR p.expires_on > %(today)s))"""
# The flags of customers/completeness.py, weighed as there; a company has no birthday.
_FOUND = f"""
SELECT c.id AS customer_id, c.unit_no, c.manager_id, k.kind
FROM customers_customer c
LEFT JOIN customers_facts f ON f.customer_id = c.id
CROSS JOIN LATERAL (SELECT count(*) AS points,
    count(*) FILTER (WHERE t.verified_at IS NOT NULL AND t.do_not_use = '') AS usable,
    count(*) FILTER (WHERE t.bounced_at IS NOT NULL) AS bounced
  FROM customers_contactpoint t WHERE t.customer_id = c.id AND t.valid_to IS NULL) r
CROSS JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM customers_consent q WHERE q.customer_id = c.id
    AND q.purpose = 'PROFILING' AND (q.state <> 'GRANTED' OR q.expires_on < %(today)s)) AS may_profile) a
CROSS JOIN LATERAL (SELECT
    (CASE WHEN c.name <> '' AND NOT 'NAME_MISSING' = ANY(c.quality_marks) THEN %(w_name)s::int ELSE 0 END)
  + (CASE WHEN c.id_hash IS NOT NULL THEN %(w_id)s::int ELSE 0 END)
  + (CASE WHEN r.usable > 0 THEN %(w_contact)s::int ELSE 0 END)
  + (CASE WHEN EXISTS (SELECT FROM customers_address d WHERE d.customer_id = c.id AND d.valid_to IS NULL)
      THEN %(w_address)s::int ELSE 0 END)
  + (CASE WHEN c.customer_type <> 'ENTERPRISE' AND (c.birth_date IS NOT NULL OR c.lunar_month IS NOT NULL)
      THEN %(w_birthday)s::int ELSE 0 END)
  + (CASE WHEN c.channel_preference <> '' THEN %(w_channel)s::int ELSE 0 END)
  + (CASE WHEN a.may_profile AND {_FACT.format(key="INTERESTS")} THEN %(w_interests)s::int ELSE 0 END)
  + (CASE WHEN a.may_profile AND {_FACT.format(key="SPENDING_HABIT")} THEN %(w_spending)s::int ELSE 0 END)
  + (CASE WHEN EXISTS (SELECT FROM customers_need n WHERE n.customer_id = c.id) THEN %(w_needs)s::int ELSE 0 END)
    AS filled,
    CASE WHEN c.customer_type = 'ENTERPRISE' THEN %(t_ENTERPRISE)s::int ELSE CASE f.tier
      WHEN 'SILVER' THEN %(t_SILVER)s::int WHEN 'GOLD' THEN %(t_GOLD)s::int WHEN 'PLATINUM' THEN %(t_PLATINUM)s::int
      WHEN 'DIAMOND' THEN %(t_DIAMOND)s::int ELSE %(t_ORDINARY)s::int END END AS wanted,
    CASE WHEN c.customer_type = 'ENTERPRISE'
      THEN greatest(1, %(total)s::int - %(w_birthday)s::int)
      ELSE %(total)s::int END AS whole) w
CROSS JOIN LATERAL (VALUES
  ('NAME_MISSING', 'NAME_MISSING' = ANY(c.quality_marks)),
  ('ID_MISSING', c.id_hash IS NULL),
  ('IDENTITY_OPEN', c.identity_status <> 'VERIFIED'),
  ('CONTACT_MISSING', r.points = 0),
  ('CONTACT_BOUNCED', r.bounced > 0),
  ('CONTACT_UNVERIFIED', r.points > 0 AND r.usable = 0),
  ('BIRTHDAY_MISSING', 'BIRTHDAY_MISSING' = ANY(c.quality_marks)),
  ('BIRTHDAY_PLACEHOLDER', 'BIRTHDAY_PLACEHOLDER' = ANY(c.quality_marks)),
  ('STALE', c.updated_at <= %(stale)s),
  ('BELOW_TARGET', w.filled * 100 / w.whole < w.wanted)) k(kind, holds)
WHERE k.holds AND c.status NOT IN ('FORMER', 'DECEASED', 'ANONYMISED', 'MERGED')
  AND c.id >= %(low)s AND c.id <= %(high)s
"""
_REFRESH = f"""
WITH found AS MATERIALIZED ({_FOUND}),
gone AS (
  DELETE FROM customers_quality_item i WHERE i.customer_id >= %(low)s AND i.customer_id <= %(high)s
    AND NOT EXISTS (SELECT FROM found WHERE found.customer_id = i.customer_id AND found.kind = i.kind)
  RETURNING 1),
kept AS (
  INSERT INTO customers_quality_item AS i (customer_id, kind, unit_no, manager_id, since)
  SELECT customer_id, kind, unit_no, manager_id, %(now)s::timestamptz FROM found
  ON CONFLICT (customer_id, kind) DO UPDATE SET unit_no = excluded.unit_no, manager_id = excluded.manager_id
    WHERE (i.unit_no, i.manager_id) IS DISTINCT FROM (excluded.unit_no, excluded.manager_id)
  RETURNING 1)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM kept)
"""


def refresh_one(customer_id: int) -> None:
    """Reckon the items of one customer anew, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_REFRESH, _values() | {"low": customer_id, "high": customer_id}))


def refresh_all(*, piece: int = 10_000) -> Iterator[tuple[int, int]]:
    """Reckon the items of everybody, `piece` archives a transaction; yields how many were looked at and how many items
    came, went or moved. Broken off and begun again, the result is the same."""
    values = _values()

    def refresh(cursor: Any, low: int, high: int) -> int:
        cursor.execute(_REFRESH, values | {"low": low, "high": high})
        return int(cursor.fetchone()[0])

    return by_pieces("customers_customer", "id", refresh, piece=piece)


def _values() -> dict[str, Any]:
    weights: dict[str, int] = policy("customers.completeness_weights")
    targets: dict[str, int] = policy("customers.completeness_targets")
    now = clock.now()
    return {
        "now": now,
        "today": clock.today(now),
        "stale": now - policy("customers.stale_after"),
        "total": sum(weights.values()),
        **{f"w_{part}": weight for part, weight in weights.items()},
        **{f"t_{tier}": target for tier, target in targets.items()},
    }


def counts(user: User, *, mine: bool) -> dict[str, tuple[int, bool]]:
    """How many items of each kind the user sees (at most `MOST_COUNTED`, and whether there are more): one query."""
    rows = items(user, mine=mine)
    parts = [rows.filter(kind=kind).values("kind")[: MOST_COUNTED + 1] for kind in QualityKind.values]
    found = dict.fromkeys(QualityKind.values, 0)
    for row in parts[0].union(*parts[1:], all=True):
        found[row["kind"]] += 1
    return {kind: (min(number, MOST_COUNTED), number > MOST_COUNTED) for kind, number in found.items()}


def items(user: User, *, mine: bool) -> Any:
    """The items of the user's scope, or of the customers the user manages."""
    rows = QualityItem.objects.visible_to(user)
    return rows.filter(manager_id=user.pk) if mine else rows
