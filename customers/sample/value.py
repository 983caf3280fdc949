"""Value, relationship and three segments of the sample operator, by the code of the monthly runs."""

from __future__ import annotations

from django.db import connection, transaction

from customers.models import Segment
from customers.sample import words_zh as words
from customers.segments.rules import VERSION, checked
from customers.value.evaluating import evaluate_everybody, quarter_before
from customers.value.running import judge_everybody, month_before
from foundation.calendars.working_time import add_months
from foundation.common import clock
from staff.models import User

READ = (
    "customers_customer",
    "customers_facts",
    "customers_subscription",
    "customers_usagemonth",
    "customers_consent",
    "timeline",
)
MONTHS = 3  # so that the latest quarter's last month is among them
RULES = (
    {
        "all": [
            {"column": "value_class", "op": "in", "value": ["5", "4"]},
            {"not": {"column": "product", "op": "in", "value": ["BROADBAND"]}},
        ]
    },
    {
        "all": [
            {"column": "persona", "op": "in", "value": ["YOUNG_DATA"]},
            {"column": "consent", "op": "in", "value": ["MARKETING.SMS"]},
        ]
    },
    {
        "all": [
            {"column": "tenure", "op": "ge", "value": 36},
            {"column": "relationship", "op": "in", "value": ["WEAK", "AT_RISK"]},
        ]
    },
)


@transaction.atomic
def judge_sample(owner: User) -> None:
    """Judge the last months and the last quarter; `owner` gets the segments, shared."""
    with connection.cursor() as cursor:  # all of it was written a moment ago: without this the planner knows nothing
        cursor.execute(f"ANALYZE {', '.join(READ)}")
    month = month_before(clock.now())
    for back in range(MONTHS - 1, -1, -1):
        judge_everybody(add_months(month, -back))
    evaluate_everybody(quarter_before(clock.now()))
    for (name, note), node in zip(words.SEGMENTS, RULES, strict=True):
        rule = checked({"version": VERSION, "rule": node})
        Segment.objects.create(owner=owner, name=name, note=note, shared=True, rule=rule)
