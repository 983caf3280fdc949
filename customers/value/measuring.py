"""What a month knows of a customer, collected for a piece of everybody in one statement, and for one by hand (twin).

Everything is counted from the day after the month (`as_of`), whenever the run happens: bills and use by their months,
lines by the days they began and ended, contacts by their moment. Terms of a contract and refusals of a profile carry
no history of their own: they are taken as they are when it runs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q

from customers.ages import age_of
from customers.models import Consent, Customer, Subscription, TimelineLine, UsageMonth
from customers.value.contacts import contact_kinds
from customers.value.engine import Inputs
from customers.value.rules import LINE_BITS, rounded
from customers.value.steps import STEPS, by_steps
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.ids import first_id_at

BILLS, WITHIN_MONTHS = 6, 12  # D§6.1; older than a year nothing is a current value
SPAN = 3  # months compared with the three before (D§6.2)
FULL_TENTHS = 9  # over 90 % of what the plan holds
ENGAGED = timedelta(days=90)
OLDEST = 300  # years
REFUSED = ("DENIED", "WITHDRAWN")
COLUMNS = (
    "unit_id", "kind", "category", "bills", "value", "lines_held", "voice_now", "voice_before", "data_now",
    "data_before", "full_months", "roaming_days", "roaming_last", "age", "since", "contract_end", "contacts",
    "no_profile",
)  # fmt: skip


_BITS = " ".join(f"WHEN '{line}' THEN {bit}" for line, bit in LINE_BITS.items())
# In which months there was a figure: a bit each, of bills 0 to 5 (0 the month itself), of minutes 6 to 11, of MB 12 to
# 17. Days from the middle of a month to the first of another, by 30, are the months between, as far as half a year.
BILLED, SPOKEN, LOADED = 0, 2 * SPAN, 4 * SPAN
ALL_BITS = (1 << SPAN) - 1
_SEEN = f"""CASE WHEN m.net_revenue IS NOT NULL AND m.voice_minutes IS NOT NULL AND m.data_mb IS NOT NULL
      THEN {(1 << BILLED) + (1 << SPOKEN) + (1 << LOADED)}
      ELSE (m.net_revenue IS NOT NULL)::int * {1 << BILLED} + (m.voice_minutes IS NOT NULL)::int * {1 << SPOKEN}
        + (m.data_mb IS NOT NULL)::int * {1 << LOADED} END << (%(middle)s - m.month) / 30"""
_SIX_BILLS = f"u.seen & {(1 << BILLS) - 1} = {(1 << BILLS) - 1}"


def _mean_sql(sum_of: str, first: int) -> str:
    """A sum over the months whose bits are set among the three from `first` on, half up to a whole number."""
    count = " + ".join(f"(u.seen >> {first + n} & 1)" for n in range(SPAN))
    every = ALL_BITS << first
    return f"""CASE WHEN u.seen & {every} = {every} THEN (2 * u.{sum_of} + {SPAN}) / {2 * SPAN}
    ELSE (2 * u.{sum_of} + ({count})) / nullif(2 * ({count}), 0) END"""


_ANSWERED = "m.id >= %(contacts_from)s AND m.id < %(contacts_to)s AND m.kind = ANY(%(contact_kinds)s)"
_OWN = "m.customer_id >= step.lo AND m.customer_id < step.hi"
_MERGED = "a.merged_into_id >= step.lo AND a.merged_into_id < step.hi"
# Use, lines and contacts one below the other, null what a source does not tell: grouped once, not each and joined.
# Use of now and before stands in columns of its own: each sum passes over what is null, nothing is compared twice.
_TOLD = {
    "customer_id": "bigint", "seen": "int", "revenue": "numeric", "voice_now": "int", "voice_before": "int",
    "data_now": "int", "data_before": "int", "roaming_days": "smallint", "roaming_last": "smallint", "bit": "int",
    "activated_on": "date", "contract_end": "date", "contact": "int", "full_line": "bigint",
}  # fmt: skip
# The line of a use above 90 % of its plan; what is not above that of the least any plan of the piece holds needs no
# look at its own plan. `{owner}`: whose the line must be.
_ABOVE = "(m.voice_minutes::bigint * 10 > most.voice OR m.data_mb::bigint * 10 > most.data)"
_FULL_LINE = f"""CASE WHEN m.voice_minutes > (SELECT min(voice) / 10 FROM allowed)
        OR m.data_mb > (SELECT min(data) / 10 FROM allowed)
      THEN (SELECT s.id FROM customers_subscription s JOIN allowed most ON most.id = s.plan_id AND {_ABOVE}
        WHERE s.id = m.subscription_id AND s.customer_id = {{owner}}) END"""
_USED = {"seen": _SEEN, "revenue": "m.net_revenue"}
_USED_NOW = _USED | {
    "voice_now": "m.voice_minutes",
    "data_now": "m.data_mb",
    "roaming_days": "m.roaming_days",
    "roaming_last": "CASE WHEN m.month = %(month)s THEN m.roaming_days END",
    "full_line": _FULL_LINE,
}
_USED_BEFORE = _USED | {"voice_before": "m.voice_minutes", "data_before": "m.data_mb"}
_NOW = "m.month >= %(span)s AND m.month <= %(month)s"
_BEFORE = "m.month >= %(before)s AND m.month < %(span)s"
_HELD = {
    "bit": f"CASE m.product_line {_BITS} ELSE 0 END",
    "activated_on": "m.activated_on",
    "contract_end": "m.contract_end",
}
_LIVE = """m.status <> 'PENDING' AND (m.activated_on IS NULL OR m.activated_on < %(as_of)s)
      AND (m.terminated_on IS NULL OR m.terminated_on >= %(as_of)s)"""


def _told(key: str, columns: dict[str, str], source: str) -> str:
    """The rows of one source in the columns of all."""
    given = {"customer_id": key} | {name: column.replace("{owner}", key) for name, column in columns.items()}
    named = ", ".join(f"({given.get(name, 'NULL')})::{kind} AS {name}" for name, kind in _TOLD.items())
    return f"SELECT {named} {source}"


def _own_and_merged(table: str, columns: dict[str, str], where: str) -> list[str]:
    """The rows of a step's customers and of the archives merged into them, each under the survivor's key."""
    merged = f"FROM customers_customer a JOIN {table} m ON m.customer_id = a.id WHERE {_MERGED} AND {where}"
    return [
        _told("m.customer_id", columns, f"FROM {table} m WHERE {_OWN} AND {where}"),
        _told("a.merged_into_id", columns, merged),
    ]


_PAST = "\n    UNION ALL ".join(
    [
        *_own_and_merged("customers_usagemonth", _USED_NOW, _NOW),
        *_own_and_merged("customers_usagemonth", _USED_BEFORE, _BEFORE),
        _told("m.customer_id", _HELD, f"FROM customers_subscription m WHERE {_OWN} AND {_LIVE}"),
        *_own_and_merged("timeline", {"contact": "1"}, _ANSWERED),
    ]
)
# Of whom several lines are full: the one with the most months.
_MOST_FULL = f"""(
    SELECT max(months) FROM (
      SELECT count(*) AS months
      FROM (SELECT c.id UNION ALL SELECT o.id FROM customers_customer o WHERE o.merged_into_id = c.id) own
      JOIN customers_usagemonth m ON m.customer_id = own.id AND {_NOW}
      JOIN customers_subscription s ON s.id = m.subscription_id AND s.customer_id = c.id
      JOIN allowed most ON most.id = s.plan_id AND {_ABOVE}
      GROUP BY s.id) by_line)"""
# Both sides of every join carry the bounds of the step: a subquery has no statistics (recipes §7).
_ONE_STEP = f"""
SELECT c.id AS customer_id, c.unit_id, c.customer_type AS kind, c.segment AS category,
  CASE WHEN {_SIX_BILLS} THEN {BILLS} ELSE b.bills[1] END AS bills,
  CASE WHEN {_SIX_BILLS} AND u.revenue >= 0 THEN ((u.revenue * 200)::bigint + {BILLS}) / {2 * BILLS} * 0.01
    WHEN {_SIX_BILLS} THEN round(u.revenue / {BILLS}, 2) ELSE round(b.bills[2] / nullif(b.bills[1], 0), 2) END
    AS value,
  coalesce(u.held, 0) AS lines_held,
  {_mean_sql("voice_now", SPOKEN)} AS voice_now, {_mean_sql("voice_before", SPOKEN + SPAN)} AS voice_before,
  {_mean_sql("data_now", LOADED)} AS data_now, {_mean_sql("data_before", LOADED + SPAN)} AS data_before,
  CASE WHEN u.first_full < u.last_full THEN {_MOST_FULL} ELSE coalesce(u.full_months, 0) END AS full_months,
  coalesce(u.roaming_days, 0) AS roaming_days, coalesce(u.roaming_last, 0) AS roaming_last,
  CASE WHEN c.customer_type = 'PERSON' THEN {OLDEST} - width_bucket(c.birth_date, %(younger)s::date[]) END AS age,
  u.since, u.contract_end, coalesce(u.contacts, 0) AS contacts, q.customer_id IS NOT NULL AS no_profile
FROM customers_customer c
LEFT JOIN (
  SELECT customer_id, sum(revenue) AS revenue, bit_or(seen) AS seen, sum(voice_now) AS voice_now,
    sum(voice_before) AS voice_before, sum(data_now) AS data_now, sum(data_before) AS data_before,
    sum(roaming_days) AS roaming_days, sum(roaming_last) AS roaming_last, bit_or(bit) AS held,
    min(activated_on) AS since, max(contract_end) AS contract_end, count(contact) AS contacts,
    count(full_line) AS full_months, min(full_line) AS first_full, max(full_line) AS last_full
  FROM ({_PAST}) m GROUP BY customer_id) u ON u.customer_id = c.id
CROSS JOIN LATERAL (SELECT CASE WHEN {_SIX_BILLS} THEN NULL ELSE (
  SELECT ARRAY[count(*), sum(revenue)] FROM (
    SELECT sum(m.net_revenue) AS revenue
    FROM (SELECT c.id UNION ALL SELECT o.id FROM customers_customer o WHERE o.merged_into_id = c.id) own
    JOIN customers_usagemonth m ON m.customer_id = own.id AND m.month >= %(year)s AND m.month <= %(month)s
      AND m.net_revenue IS NOT NULL
    GROUP BY m.month ORDER BY m.month DESC LIMIT {BILLS}) latest) END AS bills OFFSET 0) b
LEFT JOIN (
  SELECT DISTINCT customer_id FROM customers_consent
  WHERE customer_id >= step.lo AND customer_id < step.hi AND purpose = 'PROFILING' AND state = ANY(%(refused)s)
  ) q ON q.customer_id = c.id
WHERE c.id >= step.lo AND c.id < step.hi AND c.status <> 'ANONYMISED' AND c.merged_into_id IS NULL"""
MEASURED = f"""
WITH RECURSIVE {STEPS},
allowed AS MATERIALIZED (
  SELECT id, nullif(voice_minutes, 0)::bigint * {FULL_TENTHS} AS voice,
    nullif(data_mb, 0)::bigint * {FULL_TENTHS} AS data
  FROM customers_plan WHERE (voice_minutes > 0 OR data_mb > 0) AND id = ANY (ARRAY(
    SELECT DISTINCT plan_id FROM customers_subscription WHERE customer_id >= %(lo)s AND customer_id < %(hi)s)))
{by_steps(_ONE_STEP)}"""


def values_of(month: date) -> dict[str, Any]:
    """The parameters of `MEASURED` for a month (its first day), without the bounds of a piece."""
    as_of = add_months(month, 1)
    moment = clock.business_midnight(as_of)
    return {
        "month": month,
        "as_of": as_of,
        "middle": as_of - timedelta(days=15),
        "younger": [add_months(as_of, -12 * years) + timedelta(days=1) for years in range(OLDEST, 0, -1)],
        "span": add_months(month, 1 - SPAN),
        "before": add_months(month, 1 - 2 * SPAN),
        "year": add_months(month, 1 - WITHIN_MONTHS),
        "contacts_from": first_id_at(moment - ENGAGED),
        "contacts_to": first_id_at(moment),
        "contact_kinds": contact_kinds(),
        "refused": list(REFUSED),
    }


def inputs_of(customer: Customer, month: date) -> Inputs:
    """The same for one customer, row by row. `month`: its first day."""
    given = values_of(month)
    keys = merged_set(customer)
    usage = UsageMonth.objects.filter(customer_id__in=keys, month__gte=given["year"], month__lte=month)
    used = list(usage.select_related("subscription__plan").order_by("-month"))
    bills = _bills(used)
    now = [row for row in used if row.month >= given["span"]]
    before = [row for row in used if given["before"] <= row.month < given["span"]]
    live = [row for row in Subscription.objects.filter(customer=customer) if is_live(row, given["as_of"])]
    contacts = TimelineLine.objects.filter(
        customer_id__in=keys,
        pk__gte=given["contacts_from"],
        pk__lt=given["contacts_to"],
        kind__in=given["contact_kinds"],
    )
    return Inputs(
        month=month,
        unit_id=customer.unit_id,
        kind=customer.customer_type,
        category=customer.segment,
        bills=len(bills),
        value=rounded(sum(bills, Decimal(0)) / len(bills), 2) if bills else None,
        lines_held=_bits(live),
        voice_now=_mean(now, "voice_minutes"),
        voice_before=_mean(before, "voice_minutes"),
        data_now=_mean(now, "data_mb"),
        data_before=_mean(before, "data_mb"),
        full_months=_full_months(customer, now),
        roaming_days=sum(row.roaming_days or 0 for row in now),
        roaming_last=sum(row.roaming_days or 0 for row in now if row.month == month),
        age=age_of(customer, given["as_of"]),
        since=min((row.activated_on for row in live if row.activated_on), default=None),
        contract_end=max((row.contract_end for row in live if row.contract_end), default=None),
        contacts=contacts.count(),
        no_profile=Consent.objects.filter(Q(state__in=REFUSED), customer_id=customer.pk, purpose="PROFILING").exists(),
    )


def merged_set(customer: Customer) -> list[int]:
    """The customer and the archives merged into it: whose append-only rows are read as one."""
    return [customer.pk, *Customer.objects.filter(merged_into=customer).values_list("pk", flat=True)]


def is_live(line: Subscription, as_of: date) -> bool:
    """Whether a line had begun before a day and had not ended before it."""
    if line.status == Subscription.Status.PENDING or (line.activated_on is not None and line.activated_on >= as_of):
        return False
    return line.terminated_on is None or line.terminated_on >= as_of


def _bits(lines: Iterable[Subscription]) -> int:
    bits = 0
    for line in lines:
        bits |= LINE_BITS.get(line.product_line, 0)
    return bits


def _bills(used: list[UsageMonth]) -> list[Decimal]:
    """The latest bills, newest first: what the lines of a month brought together."""
    months: dict[date, Decimal] = {}
    for row in used:
        if row.net_revenue is not None:
            months[row.month] = months.get(row.month, Decimal(0)) + row.net_revenue
    return [months[month] for month in sorted(months, reverse=True)[:BILLS]]


def _mean(used: list[UsageMonth], field: str) -> int | None:
    """The mean of the months in which there is any figure, to a whole number."""
    months: dict[date, int] = defaultdict(int)
    for row in used:
        if (figure := getattr(row, field)) is not None:
            months[row.month] += figure
    return int(rounded(Decimal(sum(months.values())) / len(months), 0)) if months else None


def _full_months(customer: Customer, used: list[UsageMonth]) -> int:
    """In how many months one of the lines used over 90 % of its plan; the line with the most months."""
    months: dict[int, int] = defaultdict(int)
    for row in used:
        line, plan = row.subscription, row.subscription.plan
        if plan is None or line.customer_id != customer.pk:
            continue
        if _is_full(row.voice_minutes, plan.voice_minutes) or _is_full(row.data_mb, plan.data_mb):
            months[line.pk] += 1
    return max(months.values(), default=0)


def _is_full(used: int | None, allowed: int | None) -> bool:
    return bool(allowed) and used is not None and allowed is not None and used * 10 > allowed * FULL_TENTHS
