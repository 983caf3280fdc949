"""From the staging table into the archive: ranges of rows, a handful of set-based statements each (recipes §10).

Everything about one customer is written in one transaction. What is already as the file says is not touched. What
was done is remembered row by row (`import_row`, `import_child`), so that a revert can put it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from customers.birthday_quality import marks_sql, marks_values
from customers.finding import find_rows_sql
from customers.imports.consent_sql import ADD_CONSENTS, ADD_EVENTS, ADD_EVIDENCE, CHANGE_CONSENTS, PICK_CONSENTS
from customers.imports.models import Import
from customers.imports.problems import Problem
from customers.models import CustomerFacts
from foundation.common import clock
from foundation.common.numbers import sql_number

CHUNK = 20_000  # lines
CUSTOMER_COLUMNS = (
    "customer_type", "segment", "name", "short_name", "status", "gender", "birth_date", "id_type", "id_hash",
    "id_last4", "home_city", "area_type", "language", "channel_preference", "manager_id", "unit_id", "unit_no",
)  # fmt: skip
LINE_COLUMNS = (
    "plan_id", "status", "activated_on", "terminated_on", "contract_end", "user_name", "monthly_fee",
)  # fmt: skip
ADDRESS_COLUMNS = ("province", "city", "district", "street", "postcode")
USE_COLUMNS = ("voice_minutes", "sms", "data_mb", "roaming_days", "zero_usage_days", "net_revenue")
ANALYZED = (
    "customers_customer", "customers_facts", "customers_subscription", "customers_contactpoint", "customers_address",
)  # fmt: skip
LIVE_LINE = "terminated_on IS NULL"


@dataclass
class Written:
    """How many customers a range added, changed, and left as they were."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, other: Written) -> None:
        self.inserted += other.inserted
        self.updated += other.updated
        self.unchanged += other.unchanged


class _Undo(Exception):
    """Rolls a rehearsed range back."""


def write_all(
    imported: Import,
    *,
    last_line: int,
    rehearse: bool,
    report: Callable[[int, Written], None],
    refuse: Callable[[list[Problem]], None],
) -> Written:
    """Write every staged row up to `last_line`, range by range; `rehearse` rolls each back again.

    A range the database refuses (a constraint no check foresaw) is halved until the one customer at fault is found
    and handed to `refuse`. An interrupted import goes on behind the last range that was committed.
    """
    total = Written()
    low = 0 if rehearse else imported.written_to
    ranges = 0
    while low < last_line:
        high = min(low + CHUNK, last_line)
        doubled = ranges & (ranges - 1) == 0  # ranges 1, 2, 3, 5, 9 …: each time the tables may have doubled
        total.add(_range(imported, low, high, rehearse, refuse, analyse=doubled))
        low, ranges = high, ranges + 1
        report(low, total)
    return total


def refresh_statistics(*tables: str) -> None:
    """Tell the planner how large tables are now (default: those of the archive), the caller's own rows included.

    With the figures of an empty table it scans every row for every row: minutes instead of seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables or ANALYZED)}")


def _range(
    imported: Import, low: int, high: int, rehearse: bool, refuse: Callable[[list[Problem]], None], *, analyse: bool
) -> Written:
    try:
        return _write(imported, low, high, rehearse, analyse)
    except (IntegrityError, DataError) as error:
        if high - low > 1:
            middle = (low + high) // 2
            both = _range(imported, low, middle, rehearse, refuse, analyse=analyse)
            both.add(_range(imported, middle, high, rehearse, refuse, analyse=analyse))
            return both
        constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or type(error).__name__
        words = _("The database refuses this row (%(rule)s): compare it with what the archive holds.")
        refuse([Problem(high, "", words % {"rule": constraint})])
        return Written()


def _write(imported: Import, low: int, high: int, rehearse: bool, analyse: bool) -> Written:
    written = Written()
    try:
        with transaction.atomic():
            _Range(imported, low, high).write(written, analyse=analyse, with_find_rows=not rehearse)
            if rehearse:
                raise _Undo
            Import.objects.filter(pk=imported.pk).update(written_to=high)
    except _Undo:
        pass
    return written


class _Range:
    """One range of lines being written, in the caller's transaction.

    OFFSET 0 below a populated record keeps the planner from working it out again for each of its columns.
    """

    def __init__(self, imported: Import, low: int, high: int) -> None:
        self.imported = imported
        self.values: dict[str, Any] = {
            "import": imported.pk,
            "source": imported.source,
            "as_of": imported.as_of,
            "unit_id": imported.unit_id,
            "unit_no": imported.unit.no,
            "actor": imported.actor_id,
            "now": clock.now(),
            "zone": clock.BUSINESS_ZONE.key,
            "low": low,
            "high": high,
            **marks_values(),
        }

    def run(self, sql: str) -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql, self.values)
            return cursor.rowcount

    def write(self, written: Written, *, analyse: bool, with_find_rows: bool) -> None:
        customers = self.pick()
        if not customers:
            return
        written.inserted = self.add_customers()
        if analyse:
            refresh_statistics("customers_customer", "customers_facts")
        self.contact_points()
        self.addresses()
        self.service_lines()
        self.consents()
        if analyse:
            refresh_statistics("customers_subscription", "customers_contactpoint", "customers_address")
        self.use()
        written.updated = self.change_customers()
        written.unchanged = customers - written.inserted - written.updated
        self.facts()
        if with_find_rows:
            find_rows_sql("SELECT id FROM import_pick WHERE fresh OR changed")
        self.run("DROP TABLE import_key, import_pick, import_line, import_touched")

    def pick(self) -> int:
        """The customers of the range with their rows locked: `import_pick`."""
        self.run(
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
        found = self.run(
            """CREATE TEMP TABLE import_pick ON COMMIT DROP AS
               SELECT DISTINCT ON (id) line, source_no, id, fresh, false AS changed,
                      CASE WHEN absorbed THEN '{}'::jsonb ELSE data END AS data, defaults
               FROM import_key ORDER BY id, absorbed, line DESC"""
        )
        self.run("CREATE UNIQUE INDEX ON import_pick (id)")
        self.run("ANALYZE import_pick")
        self.run("CREATE TEMP TABLE import_touched (customer_id bigint) ON COMMIT DROP")
        self.run(
            """SELECT 1 FROM customers_customer WHERE id IN (SELECT id FROM import_pick WHERE NOT fresh)
               ORDER BY id FOR NO KEY UPDATE"""
        )
        self.run(
            """CREATE TEMP TABLE import_part ON COMMIT DROP AS
               SELECT k.id AS customer_id, s.line, s.points, s.addresses, s.lines, s.consents
               FROM import_key k JOIN import_staged s ON s.import_id = %(import)s AND s.last_line = k.line
                AND s.source_no = k.source_no AND s.problem IS NULL
               WHERE s.last_line > %(low)s AND s.last_line <= %(high)s"""
        )
        return found

    def add_customers(self) -> int:
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
        added = self.run(
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
        self.values |= values
        self.run(
            f"""INSERT INTO customers_facts (customer_id, {", ".join(names)})
                SELECT id, {", ".join(f"%({name})s" for name in values)} FROM import_pick WHERE fresh"""
        )
        self.run(
            """INSERT INTO import_row (import_id, customer_id, line, action, version, reverted, kept)
               SELECT %(import)s, id, line, 'INSERTED', 1, false, '' FROM import_pick WHERE fresh
               ON CONFLICT (import_id, customer_id) DO NOTHING"""
        )
        self.run(
            """INSERT INTO timeline (id, customer_id, kind, ref_id, params, actor_id, unit_id)
               SELECT make_id(), id, 'customer.imported', %(import)s, '{}', %(actor)s, %(unit_id)s
               FROM import_pick WHERE fresh"""
        )
        return added

    def contact_points(self) -> None:
        """New numbers and addresses of reach. The last one given is the primary; the one before is kept."""
        self.run(
            """CREATE TEMP TABLE import_point ON COMMIT DROP AS
               SELECT customer_id, kind, value, line,
                      row_number() OVER (PARTITION BY customer_id, kind ORDER BY line DESC, place) = 1 AS first
               FROM (SELECT DISTINCT ON (p.customer_id, e.one->>'kind', e.one->>'value')
                            p.customer_id, e.one->>'kind' AS kind, e.one->>'value' AS value, p.line, e.place
                     FROM import_part p
                     CROSS JOIN LATERAL jsonb_array_elements(p.points) WITH ORDINALITY AS e(one, place)
                     ORDER BY 1, 2, 3, p.line DESC) d
               WHERE NOT EXISTS (SELECT 1 FROM customers_contactpoint c WHERE c.customer_id = d.customer_id
                                 AND c.kind = d.kind AND c.value = d.value AND c.valid_to IS NULL)"""
        )
        self._changes(
            "contactpoint",
            """UPDATE customers_contactpoint c SET is_primary = false
               FROM import_point p WHERE p.first AND c.customer_id = p.customer_id AND c.kind = p.kind
                AND c.is_primary AND c.valid_to IS NULL
               RETURNING c.customer_id, c.id, jsonb_build_object('is_primary', true) AS before""",
        )
        self._additions(
            "contactpoint",
            """INSERT INTO customers_contactpoint
                 (id, customer_id, kind, value, label, is_primary, valid_from, do_not_use)
               SELECT make_id(), customer_id, kind, value, '', first, least(%(as_of)s, %(now)s::date), ''
               FROM import_point RETURNING customer_id, id""",
        )
        self.run("DROP TABLE import_point")

    def addresses(self) -> None:
        """One address of a kind: filled in place, or added."""
        changes, differs = _assignments(ADDRESS_COLUMNS)
        self.run(
            """CREATE TEMP TABLE import_address ON COMMIT DROP AS
               SELECT DISTINCT ON (p.customer_id, e.one->>'kind') p.customer_id, e.one AS data, a.id AS old_id
               FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.addresses) AS e(one)
               LEFT JOIN customers_address a ON a.customer_id = p.customer_id AND a.kind = e.one->>'kind'
                AND a.valid_to IS NULL
               ORDER BY p.customer_id, e.one->>'kind', p.line DESC"""
        )
        self._changes(
            "address",
            f"""UPDATE customers_address u SET {changes}
                FROM (SELECT o.id, o AS old, jsonb_populate_record(o, a.data) AS new
                      FROM import_address a JOIN customers_address o ON o.id = a.old_id OFFSET 0) n
                WHERE u.id = n.id AND {differs}
                RETURNING u.customer_id, u.id, to_jsonb(n.old) AS before""",
        )
        self._additions(
            "address",
            """INSERT INTO customers_address (id, customer_id, kind, province, city, district, street, postcode)
               SELECT make_id(), customer_id, data->>'kind',
                      coalesce(data->>'province', ''), coalesce(data->>'city', ''), coalesce(data->>'district', ''),
                      coalesce(data->>'street', ''), coalesce(data->>'postcode', '')
               FROM import_address WHERE old_id IS NULL RETURNING customer_id, id""",
        )
        self.run("DROP TABLE import_address")

    def service_lines(self) -> None:
        """Plans the catalogue lacks, then the lines (`import_line`). An ended number that lives again is a new row."""
        self.run(
            """INSERT INTO customers_plan (code, name, product_line, monthly_fee, on_sale_from)
               SELECT DISTINCT ON (e.one->'plan'->>'code') e.one->'plan'->>'code', e.one->'plan'->>'name',
                      e.one->>'product_line', (e.one->'plan'->>'fee')::numeric, least(%(as_of)s, %(now)s::date)
               FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS e(one)
               WHERE e.one ? 'plan' ORDER BY 1, p.line
               ON CONFLICT (code) DO NOTHING"""
        )
        self.run(
            """CREATE TEMP TABLE import_line ON COMMIT DROP AS
               SELECT d.*, o.id AS old_id, coalesce(o.id, make_id()) AS id
               FROM (SELECT DISTINCT ON (p.customer_id, e.one->>'product_line', e.one->>'service_no')
                            p.customer_id, e.one->>'product_line' AS product_line, e.one->>'service_no' AS service_no,
                            coalesce(e.one->'data', '{}')
                            || CASE WHEN pl.id IS NULL THEN '{}' ELSE jsonb_build_object('plan_id', pl.id) END AS data
                     FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS e(one)
                     LEFT JOIN customers_plan pl ON pl.code = e.one->'plan'->>'code'
                     ORDER BY 1, 2, 3, p.line DESC) d
               LEFT JOIN LATERAL (
                 SELECT s.id FROM customers_subscription s
                 WHERE s.customer_id = d.customer_id AND s.product_line = d.product_line AND s.service_no = d.service_no
                   AND (s.terminated_on IS NULL OR d.data->>'activated_on' IS NULL
                        OR (d.data->>'activated_on')::date <= s.terminated_on)
                 ORDER BY s.terminated_on DESC NULLS FIRST LIMIT 1) o ON true"""
        )
        self.run("ANALYZE import_line")
        changes, differs = _assignments(LINE_COLUMNS)
        self._changes(
            "subscription",
            f"""UPDATE customers_subscription u SET {changes}, version = u.version + 1
                FROM (SELECT o.id, o AS old, jsonb_populate_record(o, l.data) AS new
                      FROM import_line l JOIN customers_subscription o ON o.id = l.old_id OFFSET 0) n
                WHERE u.id = n.id AND {differs}
                RETURNING u.customer_id, u.id, to_jsonb(n.old) AS before""",
        )
        base = "jsonb_build_object('status', 'ACTIVE', 'user_name', '')"
        self._additions(
            "subscription",
            f"""INSERT INTO customers_subscription
                  (id, customer_id, product_line, service_no, {", ".join(LINE_COLUMNS)}, version)
                SELECT l.id, l.customer_id, l.product_line, l.service_no,
                       {", ".join("r." + name for name in LINE_COLUMNS)}, 1
                FROM import_line l
                CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_subscription, {base} || l.data) r
                WHERE l.old_id IS NULL RETURNING customer_id, id""",
        )

    def consents(self) -> None:
        """Answers newer than the one on file, as events with their evidence and the state of now."""
        self.run(PICK_CONSENTS)
        self.run(ADD_EVENTS)
        self.run(ADD_EVIDENCE)
        self._changes("consent", CHANGE_CONSENTS)
        self._additions("consent", ADD_CONSENTS)
        self.run("DROP TABLE import_consent")

    def use(self) -> None:
        """Monthly totals: one row a line and month, the last one given."""
        self.run(
            """CREATE TEMP TABLE import_use ON COMMIT DROP AS
               SELECT DISTINCT ON (l.id, (e.one->>'month')::date) l.id AS subscription_id, l.customer_id,
                      (e.one->>'month')::date AS month, e.one->'use' AS data
               FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS e(one)
               JOIN import_line l ON l.customer_id = p.customer_id AND l.product_line = e.one->>'product_line'
                AND l.service_no = e.one->>'service_no'
               WHERE e.one ? 'month' ORDER BY 1, 3, p.line DESC"""
        )
        changes, differs = _assignments(USE_COLUMNS)
        self.run(
            f"""WITH up AS (
                  UPDATE customers_usagemonth u SET {changes}
                  FROM (SELECT o.subscription_id, o.month, o AS old, jsonb_populate_record(o, a.data) AS new
                        FROM import_use a JOIN customers_usagemonth o USING (subscription_id, month) OFFSET 0) n
                  WHERE u.subscription_id = n.subscription_id AND u.month = n.month AND {differs}
                  RETURNING u.customer_id, u.subscription_id, u.month, to_jsonb(n.old) AS before),
                add AS (
                  INSERT INTO customers_usagemonth (subscription_id, month, customer_id, {", ".join(USE_COLUMNS)})
                  SELECT a.subscription_id, a.month, a.customer_id, {", ".join("r." + name for name in USE_COLUMNS)}
                  FROM import_use a CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_usagemonth, a.data) r
                  WHERE NOT EXISTS (SELECT 1 FROM customers_usagemonth o
                                    WHERE o.subscription_id = a.subscription_id AND o.month = a.month)
                  RETURNING customer_id, subscription_id, month, NULL::jsonb AS before),
                kept AS (
                  INSERT INTO import_child (import_id, customer_id, entity, entity_id, month, before)
                  SELECT %(import)s, customer_id, 'usagemonth', subscription_id, month, before
                  FROM (SELECT * FROM up UNION ALL SELECT * FROM add) both_kinds
                  ON CONFLICT (import_id, customer_id, entity, entity_id, month) DO NOTHING)
                INSERT INTO import_touched SELECT customer_id FROM up UNION SELECT customer_id FROM add"""
        )
        self.run("DROP TABLE import_use, import_part")

    def change_customers(self) -> int:
        """Customers whose own fields, or anything below them, differ: new values, the next version."""
        changes, differs = _assignments(CUSTOMER_COLUMNS)
        named = "CASE WHEN n.named THEN array_remove(c.quality_marks, 'NAME_MISSING') ELSE c.quality_marks END"
        marks = marks_sql("(n.new)", marks=named, imported="true")
        return self.run(
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

    def facts(self) -> None:
        """The end of the earliest running contract."""
        self.run(
            f"""UPDATE customers_facts f SET contract_end = e.earliest
                FROM (SELECT k.id, min(s.contract_end) AS earliest
                      FROM import_pick k
                      LEFT JOIN customers_subscription s ON s.customer_id = k.id AND s.{LIVE_LINE}
                      WHERE k.fresh OR k.changed GROUP BY k.id) e
                WHERE f.customer_id = e.id AND f.contract_end IS DISTINCT FROM e.earliest"""
        )

    def _changes(self, entity: str, update: str) -> None:
        """Run an UPDATE … RETURNING customer_id, id, before, and remember what was there."""
        self._remember(entity, update, "before")

    def _additions(self, entity: str, insert: str) -> None:
        """Run an INSERT … RETURNING customer_id, id, and remember that it was added."""
        self._remember(entity, insert, "NULL::jsonb")

    def _remember(self, entity: str, statement: str, before: str) -> None:
        self.run(
            f"""WITH did AS ({statement}),
                kept AS (INSERT INTO import_child (import_id, customer_id, entity, entity_id, before)
                         SELECT %(import)s, customer_id, '{entity}', id, {before} FROM did
                         ON CONFLICT (import_id, customer_id, entity, entity_id, month) DO NOTHING)
                INSERT INTO import_touched SELECT customer_id FROM did"""
        )


def _born_facts() -> tuple[list[str], dict[str, Any]]:
    """The columns of `CustomerFacts` that must have a value, with the model's defaults."""
    needed = [field for field in CustomerFacts._meta.concrete_fields if not field.null and not field.primary_key]
    return [str(field.column) for field in needed], {f"fact_{field.column}": field.get_default() for field in needed}


def _assignments(columns: tuple[str, ...]) -> tuple[str, str]:
    """`a = (n.new).a, …` and the condition that any of them differs."""
    sets = ", ".join(f"{name} = (n.new).{name}" for name in columns)
    old = ", ".join(f"(n.old).{name}" for name in columns)
    new = ", ".join(f"(n.new).{name}" for name in columns)
    return sets, f"ROW({old}) IS DISTINCT FROM ROW({new})"


def counts_of(imported: Import) -> dict[str, Any]:
    """Customers added and changed by an import over all its attempts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT action, count(*) FROM import_row WHERE import_id = %s GROUP BY action", [imported.pk])
        found = dict(cursor.fetchall())
    return {"inserted": found.get("INSERTED", 0), "updated": found.get("UPDATED", 0)}
