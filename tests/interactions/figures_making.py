"""Contacts at a moment and the nightly verdicts on them."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from foundation.common import clock
from foundation.common.ids import first_id_at
from interactions import judging
from interactions.models import Interaction, Topic
from staff.models import User
from tests.factories import CustomerFactory
from tests.outreach.making import MORNING

DAY = timedelta(days=1)
WEEK = 7 * DAY


def contact(staff: User, customer: Any, at: datetime, **more: Any) -> Interaction:
    """One logged contact of five minutes at a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_id(%s)", [at])
        key = cursor.fetchone()[0]
    fields = {
        "channel": "HOTLINE",
        "kind": "CONSULT",
        "result": "ANSWERED",
        "caller": "CUSTOMER",
        "direction": "INBOUND",
    } | more
    ended = at + timedelta(minutes=5)
    return Interaction.objects.create(
        id=key,
        number=f"INT{key}"[-24:],
        customer=customer,
        staff=staff,
        first_ask_owner=staff,
        unit_no=staff.unit.no,
        started_at=at,
        ended_at=ended,
        logged_at=ended,
        opens_until=ended,
        **fields,
    )


def judge(first: date | None = None) -> int:
    """What the job does, in this transaction."""
    now = clock.now()
    first = first or judging.first_open_day(clock.today(now), WEEK)
    with connection.cursor() as cursor:
        lo = first_id_at(clock.business_midnight(first) - DAY)
        written = judging.judge_chunk(cursor, None, lo, first_id_at(now) + 1)
    for number in range((clock.today(now) - first).days + 1):
        judging.count_day(first + number * DAY)
    return written


def drawn(seed: int, staff: list[User]) -> list[Interaction]:
    """Two months of contacts of a few customers, so that many come again."""
    draw = random.Random(seed)
    topics = [None, *Topic.objects.filter(code__in=["BILLING.AMOUNT", "NETWORK.SPEED"])]
    customers = [CustomerFactory(unit=staff[0].unit) for _ in range(25)]
    return [
        contact(
            draw.choice(staff),
            draw.choice([*customers, None]),
            MORNING - timedelta(minutes=draw.randrange(60 * 24 * 60)),
            topic=draw.choice(topics),
            kind=draw.choice(["CONSULT", "CONSULT", "COMPLAINT", "FAULT", "SALES", "PRAISE"]),
            result=draw.choice(["ANSWERED", "ANSWERED", "RESOLVED", "FOLLOW_UP", "NO_RESULT"]),
            agreed=draw.choice([None, None, True, False]),
            direction=draw.choice(["INBOUND", "INBOUND", "INBOUND", "OUTBOUND"]),
            channel=draw.choice(["HOTLINE", "HALL_OWN", "APP"]),
        )
        for _ in range(300)
    ]


def naive(rows: list[Interaction], at: datetime) -> dict[int, str]:
    """The verdicts by going through all contacts again and again."""
    counted = [row for row in rows if row.customer_id and row.direction == "INBOUND"]
    found = {}
    for row in counted:
        if row.kind not in ("CONSULT", "COMPLAINT", "FAULT"):
            continue
        same = [o for o in counted if o.customer_id == row.customer_id and o.topic_id == row.topic_id and o is not row]
        good = (
            row.result == "RESOLVED" or (row.result, row.kind) == ("ANSWERED", "CONSULT")
        ) and row.agreed is not False
        came = any(o.started_at >= row.started_at and o.started_at <= row.ended_at + WEEK for o in same)
        was = any(o.started_at <= row.started_at and o.ended_at >= row.started_at - WEEK for o in same)
        if not good or came or was:
            found[row.pk] = "NOT_SOLVED"
        else:
            found[row.pk] = "PENDING" if row.ended_at + WEEK > at else "SOLVED"
    return found
