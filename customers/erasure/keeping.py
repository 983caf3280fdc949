"""What must stay, by which law or policy and until when; and what forbids any deletion while it lasts (D§5.12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from customers.models import Retention
from foundation.common import clock
from foundation.policies.reading import policy

IDENTITY, EVIDENCE = "identity", "consent_evidence"
# What a rule of keeping protects, and the source of it, as pages and answers say it.
KEPT = {
    IDENTITY: (_("Name, document and service numbers (real-name register)"), "R6 Art.11"),
    EVIDENCE: (_("Evidence of consent given"), "R4"),
}


@dataclass(frozen=True)
class Hold:
    """What forbids deletion while it lasts.

    `sql`: SELECT customer_id, until (a date, or NULL where nobody knows) of `%(ids)s` customers it holds now, at
    `%(day)s`. `label`: in words; `source`: the law or rule.
    """

    code: str
    label: Any
    source: str
    sql: str


_holds: dict[str, Hold] = {}
_LIVE_LINES = """SELECT customer_id, max(contract_end) FROM customers_subscription
  WHERE customer_id = ANY(%(ids)s) AND terminated_on IS NULL GROUP BY customer_id"""


def register_hold(hold: Hold) -> None:
    """Make a reason known. Raises ValueError for a second one of the code."""
    if _holds.setdefault(hold.code, hold) != hold:
        raise ValueError(f"two holds are called {hold.code!r}")


register_hold(Hold("SERVED", _("Lines are in service: the contract runs"), "R5 Art.47", _LIVE_LINES))


@dataclass(frozen=True)
class Held:
    """One hold on one customer; `until` None: nobody knows."""

    hold: Hold
    until: date | None


def held_by_code(code: str) -> Any:
    """The words of a stored code."""
    return _holds[code].label if code in _holds else code


def holds_on(ids: Iterable[int], day: date) -> dict[int, list[Held]]:
    """What forbids the deletion of each customer on `day`; customers without any are not in it."""
    found: dict[int, list[Held]] = {}
    codes = sorted(_holds)
    asked = " UNION ALL ".join(f"SELECT '{code}', h.* FROM ({_holds[code].sql}) h" for code in codes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT * FROM ({asked}) held (code, customer_id, until) ORDER BY code", {"ids": list(ids), "day": day}
        )
        for code, customer_id, until in cursor.fetchall():
            found.setdefault(customer_id, []).append(Held(_holds[code], until))
    return found


# Somebody who never had a line was never in the real-name register: nothing of the identity has to stay.
_MEASURE = """
INSERT INTO customers_retention AS r
       (customer_id, ended_on, identity_until, evidence_until, due_on, held, asked_at)
SELECT id, ended_on, CASE WHEN lines = 0 THEN ended_on ELSE (ended_on + %(identity)s::interval)::date END,
       (ended_on + %(evidence)s::interval)::date, (ended_on + %(former)s::interval)::date, '[]', NULL
FROM (SELECT c.id, e.lines, coalesce(e.last, (c.updated_at AT TIME ZONE %(zone)s)::date) AS ended_on
      FROM customers_customer c CROSS JOIN LATERAL
           (SELECT count(*) AS lines, max(s.terminated_on) AS last FROM customers_subscription s
            WHERE s.customer_id = c.id) e
      WHERE c.id = ANY(%(ids)s)) AS measured
ON CONFLICT (customer_id) DO UPDATE
SET ended_on = greatest(r.ended_on, excluded.ended_on),
    identity_until = CASE WHEN excluded.identity_until = excluded.ended_on THEN r.ended_on
                          ELSE (greatest(r.ended_on, excluded.ended_on) + %(identity)s::interval)::date END,
    evidence_until = (greatest(r.ended_on, excluded.ended_on) + %(evidence)s::interval)::date
WHERE r.anonymised_at IS NULL"""


def measure(ids: Iterable[int]) -> list[Retention]:
    """Write or bring up to date until when the data of these customers must stay, from the policies of now; the rows,
    without those of customers made anonymous."""
    values = {"ids": list(ids), "zone": str(clock.BUSINESS_ZONE), **lengths()}
    return list(Retention.objects.raw(f"{_MEASURE} RETURNING r.*", values))


def lengths() -> dict[str, str]:
    """The policies as intervals of SQL."""
    names = {"identity": "identity_kept", "evidence": "consent_evidence_kept", "former": "former_kept"}
    return {key: f"{policy(f'customers.{name}')} months" for key, name in names.items()}


@dataclass(frozen=True)
class Stay:
    """Something that stays: what in words, the law or rule, until when (None: unknown)."""

    what: Any
    source: str
    until: date | None


@dataclass(frozen=True)
class Fate:
    """What would become of a customer's data now.

    `holds`: what forbids any deletion; `stays`: what a law keeps when the rest goes.
    """

    customer_id: int
    retention: Retention
    holds: list[Held]
    stays: list[Stay]

    @property
    def may_erase(self) -> bool:
        """Whether anything may be deleted now."""
        return not self.holds


def fate_of(customer_id: int, at: datetime) -> Fate:
    """What may go and what must stay of one customer; measured, not yet decided. In the caller's transaction."""
    day = clock.today(at)
    measured = measure([customer_id])
    retention = measured[0] if measured else Retention.objects.get(pk=customer_id)
    untils = {IDENTITY: retention.identity_until, EVIDENCE: retention.evidence_until}
    stays = [Stay(*KEPT[kept], until) for kept, until in untils.items() if until > day]
    return Fate(customer_id, retention, holds_on([customer_id], day).get(customer_id, []), stays)
