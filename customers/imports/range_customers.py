"""The customers of a range: picked with their rows locked, added, changed, and what their facts repeat."""

from __future__ import annotations

from typing import Any

from customers.birthday_quality import marks_sql
from customers.imports.range_ground import Ground, assignments
from customers.models import CustomerFacts
from foundation.common import clock
from foundation.common.numbers import sql_number

CUSTOMER_COLUMNS = (
    "customer_type", "segment", "name", "short_name", "status", "gender", "birth_date", "id_type", "id_hash",
    "id_last4", "home_city", "area_type", "language", "channel_preference", "manager_id", "unit_id", "unit_no",
)  # fmt: skip
LIVE_LINE = "terminated_on IS NULL"


def pick_customers(ground: Ground) -> int:
    """The customers of the range with their rows locked: `import_pick`."""
    ground.run(
        """CREATE TEMP TABLE import_key ON COMMIT DROP AS
           SELECT s.line, s.source_no, coalesce(c.merged_into_id, c.id, s.customer_id) AS id, c.id IS NULL AS fresh,
                  c.merged_into_id IS NOT NULL AS absorbed, s.data, s.defaults
           FROM import_staged s
           LEFT JOIN customers_customer c
             ON c.source = %(source)s AND c.source_no = s.source_no AND c.source_no <> ''
           WHERE s.import_id = %(import)s AND s.line = s.last_line AND s.problem IS NULL
             AND s.last_line > %(low)s AND s.last_line <= %(high)s"""
    )
    # What was merged into another brings its lines and contacts there; whose fields hold was decided at the merge.
    found = ground.run(
        """CREATE TEMP TABLE import_pick ON COMMIT DROP AS
           SELECT DISTINCT ON (id) line, source_no, id, fresh, false AS changed,
                  CASE WHEN absorbed THEN '{}'::jsonb ELSE data END AS data, defaults
           FROM import_key ORDER BY id, absorbed, line DESC"""
    )
    ground.run("CREATE UNIQUE INDEX ON import_pick (id)")
    ground.run("ANALYZE import_pick")
    ground.run("CREATE TEMP TABLE import_touched (customer_id bigint) ON COMMIT DROP")
    ground.run(
        """SELECT 1 FROM customers_customer WHERE id IN (SELECT id FROM import_pick WHERE NOT fresh)
           ORDER BY id FOR NO KEY UPDATE"""
    )
    ground.run(
        """CREATE TEMP TABLE import_part ON COMMIT DROP AS
           SELECT k.id AS customer_id, s.line, s.points, s.addresses, s.lines, s.consents
           FROM import_key k JOIN import_staged s ON s.import_id = %(import)s AND s.last_line = k.line
            AND s.source_no = k.source_no AND s.problem IS NULL
           WHERE s.last_line > %(low)s AND s.last_line <= %(high)s"""
    )
    return found


def add_customers(ground: Ground) -> int:
    """New customers with their facts and the first line of their timeline.

    They are born with what the file says and the defaults for the rest.
    """
    columns = ", ".join(CUSTOMER_COLUMNS)
    base = """jsonb_build_object('customer_type', 'PERSON', 'segment', 'PERSON', 'name', '', 'short_name', '',
        'status', 'ACTIVE', 'gender', '', 'birthday_kind', 'SOLAR', 'lunar_leap', false, 'id_type', '',
        'id_last4', '', 'identity_status', 'UNVERIFIED', 'home_city', '', 'area_type', '', 'language', 'zh-hans',
        'channel_preference', '', 'quality_marks', '[]'::jsonb, 'unit_id', %(unit_id)s::int,
        'unit_no', %(unit_no)s::int)"""
    marks = marks_sql("r", marks="r.quality_marks", imported="true")
    added = ground.run(
        f"""INSERT INTO customers_customer
              (id, number, source, source_no, {columns}, id_sealed, birthday_kind, lunar_leap, identity_status,
               quality_marks, is_sample, version, created_at, created_by_id, updated_at)
            SELECT k.id, {sql_number("CU", clock.today())}, %(source)s, k.source_no,
                   {", ".join("r." + name for name in CUSTOMER_COLUMNS)}, r.id_sealed, r.birthday_kind,
                   r.lunar_leap, r.identity_status, {marks}, false, 1, %(now)s, %(actor)s, %(now)s
            FROM import_pick k
            CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_customer, {base} || k.defaults || k.data) r
            WHERE k.fresh"""
    )
    names, values = _born_facts()
    ground.values |= values
    ground.run(
        f"""INSERT INTO customers_facts (customer_id, {", ".join(names)})
            SELECT id, {", ".join(f"%({name})s" for name in values)} FROM import_pick WHERE fresh"""
    )
    ground.run(
        """INSERT INTO import_row (import_id, customer_id, line, action, version, reverted, kept)
           SELECT %(import)s, id, line, 'INSERTED', 1, false, '' FROM import_pick WHERE fresh
           ON CONFLICT (import_id, customer_id) DO NOTHING"""
    )
    ground.run(
        """INSERT INTO timeline (id, customer_id, kind, ref_id, params, actor_id, unit_id)
           SELECT make_id(), id, 'customer.imported', %(import)s, '{}', %(actor)s, %(unit_id)s
           FROM import_pick WHERE fresh"""
    )
    return added


def change_customers(ground: Ground) -> int:
    """Customers whose own fields, or anything below them, differ: new values, the next version."""
    changes, differs = assignments(CUSTOMER_COLUMNS)
    named = "CASE WHEN n.named THEN array_remove(c.quality_marks, 'NAME_MISSING') ELSE c.quality_marks END"
    marks = marks_sql("(n.new)", marks=named, imported="true")
    return ground.run(
        f"""WITH up AS (
              UPDATE customers_customer c SET {changes},
                id_sealed = CASE WHEN (n.old).id_hash IS DISTINCT FROM (n.new).id_hash THEN (n.new).id_sealed
                                 ELSE (n.old).id_sealed END,
                quality_marks = {marks},
                version = c.version + 1, updated_at = %(now)s
              FROM (SELECT o.id, k.line, o AS old, jsonb_populate_record(o, k.data) AS new, k.data ? 'name' AS named
                    FROM import_pick k JOIN customers_customer o ON o.id = k.id WHERE NOT k.fresh OFFSET 0) n
              WHERE c.id = n.id AND ({differs}
                    OR (n.named AND 'NAME_MISSING' = ANY(c.quality_marks))
                    OR c.id IN (SELECT customer_id FROM import_touched))
              RETURNING c.id, n.line, c.version, to_jsonb(n.old) AS before),
            marked AS (UPDATE import_pick k SET changed = true FROM up WHERE k.id = up.id)
            INSERT INTO import_row (import_id, customer_id, line, action, version, before, reverted, kept)
            SELECT %(import)s, id, line, 'UPDATED', version, before, false, '' FROM up
            ON CONFLICT (import_id, customer_id) DO UPDATE SET version = excluded.version"""
    )


def renew_facts(ground: Ground) -> None:
    """The end of the earliest running contract."""
    ground.run(
        f"""UPDATE customers_facts f SET contract_end = e.earliest
            FROM (SELECT k.id, min(s.contract_end) AS earliest
                  FROM import_pick k
                  LEFT JOIN customers_subscription s ON s.customer_id = k.id AND s.{LIVE_LINE}
                  WHERE k.fresh OR k.changed GROUP BY k.id) e
            WHERE f.customer_id = e.id AND f.contract_end IS DISTINCT FROM e.earliest"""
    )


def _born_facts() -> tuple[list[str], dict[str, Any]]:
    """The columns of `CustomerFacts` that must have a value, with the model's defaults."""
    needed = [field for field in CustomerFacts._meta.concrete_fields if not field.null and not field.primary_key]
    return [str(field.column) for field in needed], {f"fact_{field.column}": field.get_default() for field in needed}
