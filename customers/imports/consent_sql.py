"""Answers of a file into the archive, set-based: what `customers.services.consent` does for one (D§5.6).

An answer counts when it is newer than the one on file by its day: a yes must be a later day's than the no it replaces,
so that no file turns a withdrawal into a consent without newer evidence; a no of the same day wins over a yes. The
offers of a minor are left out (D§5.2). Nothing is sent.
"""

from __future__ import annotations

from customers.ages import GROWN_UP

PICK_CONSENTS = f"""CREATE TEMP TABLE import_consent ON COMMIT DROP AS
  SELECT d.*, h.id AS held_id, make_id() AS event_id, coalesce(h.state, 'UNKNOWN') AS old,
         CASE WHEN d.state <> 'GRANTED' AND h.state = 'GRANTED' THEN 'WITHDRAWN' ELSE d.state END AS new,
         d.said_on::timestamp AT TIME ZONE %(zone)s AS at
  FROM (SELECT DISTINCT ON (a.customer_id, a.purpose, a.channel) a.*
        FROM (SELECT p.customer_id, p.line, e.one->>'purpose' AS purpose, coalesce(e.one->>'channel', '') AS channel,
                     e.one->>'state' AS state, (e.one->>'on')::date AS said_on,
                     coalesce(e.one->>'evidence_kind', '') AS evidence_kind,
                     coalesce(e.one->>'evidence', '') AS evidence,
                     CASE WHEN e.one->>'state' = 'GRANTED' THEN (e.one->>'expires_on')::date END AS expires_on
              FROM import_part p CROSS JOIN LATERAL jsonb_array_elements(p.consents) AS e(one)) a
        ORDER BY a.customer_id, a.purpose, a.channel, a.said_on DESC, a.state = 'GRANTED', a.line DESC) d
  JOIN customers_customer c ON c.id = d.customer_id AND c.status <> 'ANONYMISED'
  LEFT JOIN customers_consent h ON h.customer_id = d.customer_id AND h.purpose = d.purpose AND h.channel = d.channel
  WHERE CASE WHEN h.id IS NULL THEN true
             WHEN d.state = 'GRANTED' THEN d.said_on > (h.since AT TIME ZONE %(zone)s)::date
             ELSE h.state = 'GRANTED' AND d.said_on >= (h.since AT TIME ZONE %(zone)s)::date END
    AND NOT (d.state = 'GRANTED' AND d.purpose = 'MARKETING' AND c.customer_type = 'PERSON'
             AND c.birth_date IS NOT NULL
             AND c.birth_date > (%(now)s AT TIME ZONE %(zone)s)::date - interval '{GROWN_UP} years')"""
ADD_EVENTS = """INSERT INTO customers_consent_event
    (id, customer_id, purpose, channel, old, new, evidence_kind, source, expires_on, at, actor_id)
  SELECT event_id, customer_id, purpose, channel, old, new, evidence_kind, 'IMPORT', expires_on, at, %(actor)s
  FROM import_consent"""
ADD_EVIDENCE = """INSERT INTO customers_consent_evidence (event_id, customer_id, text)
  SELECT event_id, customer_id, evidence FROM import_consent WHERE evidence <> ''"""
CHANGE_CONSENTS = """UPDATE customers_consent u
  SET state = n.new, since = n.at, expires_on = n.expires_on, event_id = n.event_id
  FROM (SELECT d.*, to_jsonb(o) AS before FROM import_consent d JOIN customers_consent o ON o.id = d.held_id
        OFFSET 0) n
  WHERE u.id = n.held_id RETURNING u.customer_id, u.id, n.before"""
ADD_CONSENTS = """INSERT INTO customers_consent (id, customer_id, purpose, channel, state, since, expires_on, event_id)
  SELECT make_id(), customer_id, purpose, channel, new, at, expires_on, event_id
  FROM import_consent WHERE held_id IS NULL RETURNING customer_id, id"""
# What a revert takes: the evidence of the import's answers, and of customers that go the answers themselves.
DROP_EVIDENCE = """DELETE FROM customers_consent_evidence v
  USING customers_consent c, import_child k, import_back b
  WHERE v.event_id = c.event_id AND k.entity = 'consent' AND k.entity_id = c.id AND k.import_id = %(import)s
    AND b.customer_id = k.customer_id"""
DROP_EVENTS = """DELETE FROM customers_consent_event e USING import_back b
  WHERE b.action = 'INSERTED' AND e.customer_id = b.customer_id AND e.source = 'IMPORT'"""
