"""Rows that were being written for an archive while another took it up: they follow, and undo knows of them."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from customers.merging.moving import NOTE, digest_sql, pk_column
from customers.merging.rules import unique_keys
from customers.models import Customer
from foundation.common import clock
from foundation.common.merging import OnMerge, keys_of

# Whoever began before the merge is through long before.
LOOK_BACK = timedelta(days=2)


@transaction.atomic
def bring_late_rows() -> int:
    """Move what lies with archives merged in the last days to those that took them up; returns how many rows.

    Tables whose unique keys hold a customer keep theirs: what stayed there stayed by a rule.
    """
    brought = 0
    with connection.cursor() as cursor:
        for key in keys_of(OnMerge.MOVE):
            if key.model is Customer or any(unique_keys(key)):
                continue
            cursor.execute(
                f"""WITH lately AS MATERIALIZED (SELECT m.id, m.absorbed_id, m.survivor_id FROM customers_merge m
                      JOIN customers_customer c ON c.id = m.absorbed_id AND c.merged_into_id = m.survivor_id
                      WHERE m.state = 'DONE' AND m.decided_at > %(since)s),
                    late AS MATERIALIZED (SELECT l.id AS merge_id, l.absorbed_id, l.survivor_id, t.pk
                      FROM lately l CROSS JOIN LATERAL (SELECT "{pk_column(key.model)}" AS pk FROM "{key.table}"
                        WHERE "{key.column}" = l.absorbed_id OFFSET 0) t),
                    up AS (UPDATE "{key.table}" t SET "{key.column}" = late.survivor_id FROM late
                      WHERE t."{pk_column(key.model)}" = late.pk AND t."{key.column}" = late.absorbed_id
                      RETURNING late.merge_id, late.pk::text AS key, late.absorbed_id, late.survivor_id,
                        {digest_sql("t", [key.column])} AS digest)
                    {NOTE} SELECT make_id(), merge_id, %(table)s, key, %(column)s, to_jsonb(absorbed_id),
                                  to_jsonb(survivor_id), digest FROM up""",
                {"since": clock.now() - LOOK_BACK, "table": key.table, "column": key.column},
            )
            brought += cursor.rowcount
    return brought
