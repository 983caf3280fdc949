"""Removing optional facts that are over, or whose profile was refused long enough ago: in sets, by night (D§5.5).

The twin of `services.remove_profile_field` without an actor, for all: the values go, with what was noted of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, transaction

from foundation.audit.services import record
from foundation.common import clock
from foundation.policies.reading import policy

PIECE = 2_000
# Facts and their history lie by ids ordered by time: nothing noted of a fact is older than the fact itself.
_REMOVE = """
WITH gone AS MATERIALIZED (
  SELECT f.id, f.customer_id, f.key FROM customers_profilefield f
  LEFT JOIN customers_consent q ON q.customer_id = f.customer_id AND q.purpose = 'PROFILING' AND q.channel = ''
  WHERE f.expires_on <= %(today)s OR (q.state <> 'GRANTED' AND q.since <= %(withdrawn)s)
     OR (q.state = 'GRANTED' AND q.expires_on < %(lapsed)s)
  ORDER BY f.id LIMIT %(piece)s FOR UPDATE OF f SKIP LOCKED),
customers AS (
  UPDATE customers_customer c SET version = c.version + n.facts, updated_at = %(now)s
  FROM (SELECT customer_id, count(*) AS facts FROM gone GROUP BY customer_id) n WHERE c.id = n.customer_id
  RETURNING c.id, c.unit_id),
changes AS (
  UPDATE customers_fieldchange h SET old = NULL, new = NULL FROM gone
  WHERE h.customer_id = gone.customer_id AND h.entity = 'profilefield' AND h.entity_id = gone.id),
noted AS (
  DELETE FROM audit_personal p USING audit_entry e, gone
  WHERE p.entry_id = e.id AND e.target_type = 'customers.profilefield' AND e.target_id = gone.id::text
    AND e.id >= gone.id),
lines AS (
  INSERT INTO timeline (id, customer_id, kind, ref_id, params, unit_id)
  SELECT make_id(%(now)s), gone.customer_id, 'customer.changed', gone.id,
         jsonb_build_object('fields', jsonb_build_array(gone.key)), customers.unit_id
  FROM gone JOIN customers ON customers.id = gone.customer_id),
facts AS (DELETE FROM customers_profilefield f USING gone WHERE f.id = gone.id RETURNING f.id)
SELECT count(*) FROM facts
"""


def remove_overdue_facts(*, piece: int = PIECE) -> Iterator[int]:
    """Remove what is over, `piece` facts a transaction; yields how many each removed. Broken off and begun again, the
    result is the same. One audit entry for each piece that removed something."""
    while True:
        today, now = clock.today(), clock.now()
        kept = policy("customers.facts_kept_after_withdrawal")
        values = {"today": today, "now": now, "withdrawn": now - kept, "lapsed": today - kept, "piece": piece}
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_REMOVE, values)
            removed = int(cursor.fetchone()[0])
            if removed:
                record(
                    "profile.expired",
                    target=("setting", "customers.remove_facts"),
                    actor=None,
                    detail={"facts": removed},
                )
        if not removed:
            return
        yield removed
