"""How the customers of a range are reached: contact points, addresses, and what they agree to."""

from __future__ import annotations

from customers.imports.consent_sql import ADD_CONSENTS, ADD_EVENTS, ADD_EVIDENCE, CHANGE_CONSENTS, PICK_CONSENTS
from customers.imports.range_ground import Ground, assignments

ADDRESS_COLUMNS = ("province", "city", "district", "street", "postcode")


def write_contact_points(ground: Ground) -> None:
    """New numbers and addresses of reach. The last one given is the primary; the one before is kept."""
    ground.run(
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
    ground.changes(
        "contactpoint",
        """UPDATE customers_contactpoint c SET is_primary = false
           FROM import_point p WHERE p.first AND c.customer_id = p.customer_id AND c.kind = p.kind
            AND c.is_primary AND c.valid_to IS NULL
           RETURNING c.customer_id, c.id, jsonb_build_object('is_primary', true) AS before""",
    )
    ground.additions(
        "contactpoint",
        """INSERT INTO customers_contactpoint
             (id, customer_id, kind, value, label, is_primary, valid_from, do_not_use)
           SELECT make_id(), customer_id, kind, value, '', first, least(%(as_of)s, %(now)s::date), ''
           FROM import_point RETURNING customer_id, id""",
    )
    ground.run("DROP TABLE import_point")


def write_addresses(ground: Ground) -> None:
    """One address of a kind: filled in place, or added."""
    changes, differs = assignments(ADDRESS_COLUMNS)
    ground.run(
        """CREATE TEMP TABLE import_address ON COMMIT DROP AS
           SELECT DISTINCT ON (p.customer_id, e.one->>'kind') p.customer_id, e.one AS data, a.id AS old_id
           FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.addresses) AS e(one)
           LEFT JOIN customers_address a ON a.customer_id = p.customer_id AND a.kind = e.one->>'kind'
            AND a.valid_to IS NULL
           ORDER BY p.customer_id, e.one->>'kind', p.line DESC"""
    )
    ground.changes(
        "address",
        f"""UPDATE customers_address u SET {changes}
            FROM (SELECT o.id, o AS old, jsonb_populate_record(o, a.data) AS new
                  FROM import_address a JOIN customers_address o ON o.id = a.old_id OFFSET 0) n
            WHERE u.id = n.id AND {differs}
            RETURNING u.customer_id, u.id, to_jsonb(n.old) AS before""",
    )
    ground.additions(
        "address",
        """INSERT INTO customers_address (id, customer_id, kind, province, city, district, street, postcode)
           SELECT make_id(), customer_id, data->>'kind',
                  coalesce(data->>'province', ''), coalesce(data->>'city', ''), coalesce(data->>'district', ''),
                  coalesce(data->>'street', ''), coalesce(data->>'postcode', '')
           FROM import_address WHERE old_id IS NULL RETURNING customer_id, id""",
    )
    ground.run("DROP TABLE import_address")


def write_consents(ground: Ground) -> None:
    """Answers newer than the one on file, as events with their evidence and the state of now."""
    ground.run(PICK_CONSENTS)
    ground.run(ADD_EVENTS)
    ground.run(ADD_EVIDENCE)
    ground.changes("consent", CHANGE_CONSENTS)
    ground.additions("consent", ADD_CONSENTS)
    ground.run("DROP TABLE import_consent")
