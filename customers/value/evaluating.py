"""The quarterly evaluation of every relationship in two statements a piece, and for one customer by hand (twin)."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from customers.models import Consent, Customer, RelationshipReview, Subscription, TimelineLine, ValueMonth
from customers.models.consent import CONTACTS
from customers.models.value import PassState, RelationshipRun
from customers.value import relationship
from customers.value.contacts import complaint_patterns, contact_kinds, is_complaint
from customers.value.engine import growth_of
from customers.value.judging import MILLION, ROOM
from customers.value.measuring import is_live, merged_set
from customers.value.relationship import LATE_DAYS, QUARTER, RelationshipRules
from customers.value.running import PIECE, TABLE, held, taken, wanted_month
from customers.value.steps import STEPS, by_steps
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.ids import EPOCH, first_id_at, new_id
from foundation.jobs import chunks
from foundation.jobs.models import JobRun
from foundation.jobs.running import RunningJob

DAY_MS, EIGHT_HOURS_MS = 86_400_000, 28_800_000
# The business day of the latest contact: no year since the epoch of the ids has summer time there.
_DAY = f"""date '1970-01-01'
        + (((max(contact) >> 22) + {int(EPOCH.timestamp() * 1000) + EIGHT_HOURS_MS}) / {DAY_MS})::int"""
_TENURE = " ".join(
    f"WHEN since <= %(tenure_{months})s THEN %(p_tenure_{months})s" for months, _thirds in relationship.TENURE_STEPS
)
_ANSWERED = "m.kind = ANY(%(contact_kinds)s) AND m.id >= %({since})s AND m.id < %({until})s"
_IN_ALL = _ANSWERED.format(since="contacts_from", until="contacts_to")
_BEFORE = _ANSWERED.format(since="contacts_from", until="quarter_from")
_IN_QUARTER = _ANSWERED.format(since="quarter_from", until="contacts_to")
# Contacts, consents and lines one below the other, null what a source does not tell: grouped once. Of the contacts
# before the quarter nothing is asked but when: their index tells it without their rows.
_PAST = f"""
      SELECT m.customer_id, m.id AS contact, ({{complaint}}) AS complained,
        NULL::bigint AS consent, NULL::bigint AS line, NULL::date AS activated_on
      FROM timeline m WHERE m.customer_id >= step.lo AND m.customer_id < step.hi AND {_IN_QUARTER}
      UNION ALL SELECT m.customer_id, m.id, false, NULL, NULL, NULL
      FROM timeline m WHERE m.customer_id >= step.lo AND m.customer_id < step.hi AND {_BEFORE}
      UNION ALL SELECT a.merged_into_id, m.id, m.id >= %(quarter_from)s AND ({{complaint}}), NULL, NULL, NULL
      FROM customers_customer a JOIN timeline m ON m.customer_id = a.id
      WHERE a.merged_into_id >= step.lo AND a.merged_into_id < step.hi AND {_IN_ALL}
      UNION ALL SELECT customer_id, NULL, NULL, id, NULL, NULL FROM customers_consent
      WHERE customer_id >= step.lo AND customer_id < step.hi AND purpose = ANY(%(purposes)s) AND state = 'GRANTED'
        AND (expires_on IS NULL OR expires_on >= %(as_of)s)
      UNION ALL SELECT customer_id, NULL, NULL, NULL, id, activated_on FROM customers_subscription
      WHERE customer_id >= step.lo AND customer_id < step.hi AND status <> 'PENDING'
        AND (activated_on IS NULL OR activated_on < %(as_of)s)
        AND (terminated_on IS NULL OR terminated_on >= %(as_of)s)"""
_KNOWN = f"""
  SELECT c.id AS customer_id, t.last_contact, coalesce(t.contacts, 0) AS contacts,
    coalesce(t.complaints, 0) AS complaints,
    (v.usage_now * {MILLION})::bigint AS index_now, (v.usage_before * {MILLION})::bigint AS index_before,
    coalesce(t.consents, 0) AS consents, t.since, coalesce(t.live_lines, 0) AS live_lines
  FROM customers_customer c
  LEFT JOIN customers_valuemonth v ON v.customer_id = c.id AND v.month = %(last_month)s
    AND v.customer_id >= step.lo AND v.customer_id < step.hi
  LEFT JOIN (
    SELECT customer_id, {_DAY} AS last_contact,
      count(*) FILTER (WHERE contact >= %(quarter_from)s) AS contacts, count(*) FILTER (WHERE complained) AS complaints,
      count(consent) AS consents, min(activated_on) AS since, count(line) AS live_lines
    FROM ({_PAST}) m
    GROUP BY customer_id) t ON t.customer_id = c.id
  WHERE c.id >= step.lo AND c.id < step.hi AND c.status <> 'ANONYMISED' AND c.merged_into_id IS NULL"""
# The change of use is counted in millionths, points in hundredths, whole numbers; each step is fenced, so that it is
# worked out once. Divided half away from zero: 2a + b over 2b, of what fits.
_CHANGE = f"""CASE WHEN index_before = 0 THEN NULL WHEN greatest(index_now, index_before) < {MILLION * MILLION}
      THEN ((index_now - index_before) * {2 * MILLION} + CASE WHEN index_now < index_before THEN -index_before
        ELSE index_before END) / (2 * index_before)
      ELSE round((index_now - index_before) * {MILLION}.0 / index_before)::bigint END"""
_WORST = int(relationship.WORST_CHANGE * MILLION)
EVALUATE = f"""
WITH RECURSIVE {STEPS},
scored AS (
  SELECT *, (
      CASE WHEN last_contact >= %(recent_from)s THEN %(w_contact)s * 100
        WHEN last_contact >= %(late_from)s THEN %(w_contact)s * 50 ELSE 0 END
    + CASE WHEN change IS NULL THEN %(w_usage)s * 50 WHEN change >= 0 THEN %(w_usage)s * 100
        WHEN change <= {_WORST} THEN 0
        ELSE (%(w_usage)s::bigint * 200 * (change - {_WORST}) + {-_WORST}) / {-2 * _WORST} END
    + %(w_complaints)s * 100 * ({relationship.MANY_COMPLAINTS} - least(complaints, {relationship.MANY_COMPLAINTS}))
      / {relationship.MANY_COMPLAINTS}
    + CASE WHEN consents > 0 THEN %(w_consents)s * 100 ELSE 0 END
    + CASE {_TENURE} ELSE 0 END
    + %(w_lines)s * 100 * least(live_lines, {relationship.MANY_LINES}) / {relationship.MANY_LINES} + 50) / 100 AS score
  FROM (SELECT *, {_CHANGE} AS change FROM ({by_steps(_KNOWN)}) known OFFSET 0) changed)
INSERT INTO customers_relationshipreview (customer_id, month, last_contact, contacts, complaints, usage_change,
  consents, since, live_lines, score, band)
SELECT customer_id, %(month)s, last_contact, contacts, complaints, change * 0.000001, consents, since, live_lines,
  score,
  CASE WHEN score >= %(strong)s THEN 'STRONG' WHEN score >= %(steady)s THEN 'STEADY'
    WHEN score >= %(weak)s THEN 'WEAK' ELSE 'AT_RISK' END
FROM (SELECT * FROM scored OFFSET 0) scored"""
# Told from what was kept, both in the order of their keys: cheaper than carrying the rows from one write to the other.
IN_ORDER = "SET LOCAL enable_hashjoin = {}"
TELL = """UPDATE customers_facts f
SET relationship_month = k.month, relationship_score = k.score, relationship_band = k.band
FROM customers_relationshipreview k
WHERE k.month = %(month)s AND k.customer_id >= %(lo)s AND k.customer_id < %(hi)s
  AND f.customer_id = k.customer_id AND f.customer_id >= %(lo)s AND f.customer_id < %(hi)s
  AND (f.relationship_month IS NULL OR f.relationship_month <= %(month)s)"""
_GONE = """DELETE FROM customers_relationshipreview
WHERE month = %(month)s AND customer_id >= %(lo)s AND customer_id < %(hi)s"""


def evaluate_piece(cursor: Any, month: date, rules: RelationshipRules, lo: int, hi: int) -> int:
    """Evaluate the customers lo <= id < hi for the quarter that begins with `month`; returns how many.

    What an earlier run said of the quarter is replaced; facts that tell of a later quarter stay as they are.
    """
    cursor.execute(ROOM)
    piece = {"month": month, "lo": lo, "hi": hi}
    cursor.execute(_GONE, piece)
    cursor.execute(*statement(month, rules, lo, hi))
    evaluated = int(cursor.rowcount)
    cursor.execute(IN_ORDER.format("off"))
    cursor.execute(TELL, piece)
    cursor.execute(IN_ORDER.format("on"))
    return evaluated


def statement(month: date, rules: RelationshipRules, lo: int, hi: int) -> tuple[str, dict[str, Any]]:
    """The statement of a piece and its parameters."""
    values = _values(month, rules) | {"lo": lo, "hi": hi}
    tests = []
    for n, (kind, params) in enumerate(complaint_patterns()):
        tests.append(f"m.kind = %(c_kind_{n})s AND m.params @> %(c_params_{n})s::jsonb")
        values |= {f"c_kind_{n}": kind, f"c_params_{n}": json.dumps(params)}
    return EVALUATE.format(complaint=" OR ".join(tests) or "false"), values


def _values(month: date, rules: RelationshipRules) -> dict[str, Any]:
    day = add_months(month, QUARTER)
    moment = clock.business_midnight(day)
    values: dict[str, Any] = {
        "month": month,
        "as_of": day,
        "last_month": add_months(day, -1),
        "contacts_from": first_id_at(moment - timedelta(days=LATE_DAYS)),
        "quarter_from": first_id_at(clock.business_midnight(month)),
        "contacts_to": first_id_at(moment),
        "contact_kinds": contact_kinds(),
        "purposes": [purpose.value for purpose in CONTACTS],
        "recent_from": day - timedelta(days=relationship.RECENT_DAYS),
        "late_from": day - timedelta(days=LATE_DAYS),
        "strong": rules.bands["STRONG"],
        "steady": rules.bands["STEADY"],
        "weak": rules.bands["WEAK"],
    }
    values |= {f"w_{term}": weight for term, weight in rules.weights.items()}
    for months, thirds in relationship.TENURE_STEPS:
        values[f"tenure_{months}"] = add_months(day, -months)
        values[f"p_tenure_{months}"] = int(relationship.tenure_points(thirds, rules) * 100)
    return values


def relationship_of(customer: Customer, month: date) -> RelationshipReview:
    """What the run of the quarter that begins with `month` says of a customer, not saved.

    Raises RelationshipRun.DoesNotExist for a quarter nobody evaluated.
    """
    rules = RelationshipRules.from_json(RelationshipRun.objects.values_list("rules", flat=True).get(pk=month))
    given = _values(month, rules)
    lines = list(
        TimelineLine.objects.filter(
            customer_id__in=merged_set(customer),
            pk__gte=given["contacts_from"],
            pk__lt=given["contacts_to"],
            kind__in=given["contact_kinds"],
        )
    )
    quarter = [line for line in lines if line.pk >= given["quarter_from"]]
    live = [line for line in Subscription.objects.filter(customer=customer) if is_live(line, given["as_of"])]
    judged = ValueMonth.objects.filter(customer_id=customer.pk, month=given["last_month"]).first()
    consents = Consent.objects.filter(
        Q(expires_on__isnull=True) | Q(expires_on__gte=given["as_of"]),
        customer_id=customer.pk,
        purpose__in=given["purposes"],
        state="GRANTED",
    )
    row = RelationshipReview(
        customer_id=customer.pk,
        month=month,
        last_contact=clock.today(max(line.at for line in lines)) if lines else None,
        contacts=len(quarter),
        complaints=sum(is_complaint(line.kind, line.params) for line in quarter),
        usage_change=growth_of(judged.usage_now, judged.usage_before) if judged else None,
        consents=consents.count(),
        since=min((line.activated_on for line in live if line.activated_on), default=None),
        live_lines=len(live),
    )
    return relationship.judge(row, rules)


def quarter_before(at: Any) -> date:
    """The first day of the latest quarter that was over at a moment, in the business zone."""
    day = clock.today(at)
    return add_months(date(day.year, (day.month - 1) // QUARTER * QUARTER + 1, 1), -QUARTER)


def run_relationship(job: RunningJob) -> None:
    """Evaluate a quarter for everybody. Raises BadInput for a quarter that is not over."""
    month = wanted_month(job, quarter_before(job.scheduled_for or clock.now()), months=QUARTER)
    run = taken(RelationshipRun, month, job.run_id, lambda: relationship_rules(month).as_json())
    if run.job_run_id == job.run_id and run.state != PassState.DONE:
        job.run_chunks_of(TABLE, size=PIECE)
        _end(run)


def relationship_piece(cursor: Any, job_run: JobRun, lo: int, hi: int) -> int:
    """One piece of the evaluation; returns the rows written."""
    run = held(cursor, RelationshipRun._meta.db_table, job_run.pk)
    return evaluate_piece(cursor, run[0], RelationshipRules.from_json(run[2]), lo, hi) if run else 0


@transaction.atomic
def evaluate_everybody(month: date) -> RelationshipRun:
    """The whole run in one transaction, for archives of some thousands: the sample operator, rehearsals."""
    run = taken(RelationshipRun, month, new_id(), lambda: relationship_rules(month).as_json())
    with connection.cursor() as cursor:
        evaluate_piece(cursor, month, RelationshipRules.from_json(run.rules), 0, chunks.LAST_ID)
    _end(run)
    return run


def relationship_rules(month: date) -> RelationshipRules:
    """The policies by which a quarter is evaluated: those in force when it ended."""
    return RelationshipRules.at(clock.business_midnight(add_months(month, QUARTER)))


def _end(run: RelationshipRun) -> None:
    run.state, run.done_at = PassState.DONE, clock.now()
    mine = RelationshipRun.objects.filter(pk=run.pk, job_run_id=run.job_run_id)
    mine.update(state=run.state, done_at=run.done_at)
