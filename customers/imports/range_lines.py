"""What the customers of a range have: plans, lines, and their use by month."""

from __future__ import annotations

from customers.imports.range_ground import Ground, assignments

LINE_COLUMNS = (
    "plan_id", "status", "activated_on", "terminated_on", "contract_end", "user_name", "monthly_fee",
)  # fmt: skip
USE_COLUMNS = ("voice_minutes", "sms", "data_mb", "roaming_days", "zero_usage_days", "net_revenue")


def write_lines(ground: Ground) -> None:
    """Plans the catalogue lacks, then the lines (`import_line`). An ended number that lives again is a new row."""
    ground.run(
        """INSERT INTO customers_plan (code, name, product_line, monthly_fee, on_sale_from)
           SELECT DISTINCT ON (e.one->'plan'->>'code') e.one->'plan'->>'code', e.one->'plan'->>'name',
                  e.one->>'product_line', (e.one->'plan'->>'fee')::numeric, least(%(as_of)s, %(now)s::date)
           FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS e(one)
           WHERE e.one ? 'plan' ORDER BY 1, p.line
           ON CONFLICT (code) DO NOTHING"""
    )
    ground.run(
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
    ground.run("ANALYZE import_line")
    changes, differs = assignments(LINE_COLUMNS)
    ground.changes(
        "subscription",
        f"""UPDATE customers_subscription u SET {changes}, version = u.version + 1
            FROM (SELECT o.id, o AS old, jsonb_populate_record(o, l.data) AS new
                  FROM import_line l JOIN customers_subscription o ON o.id = l.old_id OFFSET 0) n
            WHERE u.id = n.id AND {differs}
            RETURNING u.customer_id, u.id, to_jsonb(n.old) AS before""",
    )
    base = "jsonb_build_object('status', 'ACTIVE', 'user_name', '')"
    ground.additions(
        "subscription",
        f"""INSERT INTO customers_subscription
              (id, customer_id, product_line, service_no, {", ".join(LINE_COLUMNS)}, version)
            SELECT l.id, l.customer_id, l.product_line, l.service_no,
                   {", ".join("r." + name for name in LINE_COLUMNS)}, 1
            FROM import_line l
            CROSS JOIN LATERAL jsonb_populate_record(NULL::customers_subscription, {base} || l.data) r
            WHERE l.old_id IS NULL RETURNING customer_id, id""",
    )


def write_use(ground: Ground) -> None:
    """Monthly totals: one row a line and month, the last one given."""
    ground.run(
        """CREATE TEMP TABLE import_use ON COMMIT DROP AS
           SELECT DISTINCT ON (l.id, (e.one->>'month')::date) l.id AS subscription_id, l.customer_id,
                  (e.one->>'month')::date AS month, e.one->'use' AS data
           FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.lines) AS e(one)
           JOIN import_line l ON l.customer_id = p.customer_id AND l.product_line = e.one->>'product_line'
            AND l.service_no = e.one->>'service_no'
           WHERE e.one ? 'month' ORDER BY 1, 3, p.line DESC"""
    )
    changes, differs = assignments(USE_COLUMNS)
    ground.run(
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
    ground.run("DROP TABLE import_use, import_part")
