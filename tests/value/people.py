"""Customers with a past drawn by chance: lines of all kinds, bills and use with holes, contacts, refusals."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from customers.models import Consent, ConsentEvent, Customer, Plan, Subscription, TimelineLine, UsageMonth
from customers.timeline import add_line
from foundation.calendars.working_time import add_months
from foundation.common import clock
from staff.models import OrgUnit
from tests.factories import CustomerFactory, PlanFactory, SubscriptionFactory

MONTH = date(2026, 10, 1)
STATUSES = ["ACTIVE"] * 6 + ["PENDING", "SUSPENDED_REQUEST", "PRE_TERMINATION"]
LINES = ["MOBILE", "MOBILE", "BROADBAND", "FIXED", "VAS", "ICT"]


def plans() -> list[Plan]:
    return [
        PlanFactory(voice_minutes=100, data_mb=1_000),
        PlanFactory(voice_minutes=0, data_mb=None),
        PlanFactory(voice_minutes=None, data_mb=20_000),
    ]


def drawn(draw: random.Random, unit: OrgUnit, offers: list[Plan], month: date = MONTH) -> Customer:
    """A customer as `draw` has it, with everything the judgement of `month` looks at and some it must not."""
    company = draw.random() < 0.2
    born = None if company or draw.random() < 0.1 else month - timedelta(days=draw.randrange(5_000, 25_000))
    row: Customer = CustomerFactory(
        unit=unit,
        customer_type="ENTERPRISE" if company else "PERSON",
        segment="ENTERPRISE" if company else draw.choice(["PERSON", "PERSON", "STUDENT", "FAMILY"]),
        birth_date=draw.choice([born, date(2004, 2, 29)]) if born else None,
        status=draw.choice(["ACTIVE"] * 8 + ["FORMER", "ANONYMISED"]),
    )
    for _n in range(draw.randrange(4)):
        line(draw, row, offers, month)
    for _n in range(draw.randrange(3)):
        contact(row, draw, month)
    if draw.random() < 0.3:
        consent(row, draw)
    return row


def line(draw: random.Random, row: Customer, offers: list[Plan], month: date) -> Subscription:
    as_of = add_months(month, 1)
    begun = draw.choice([None, *(as_of - timedelta(days=days) for days in (-20, 0, 1, 40, 1_095, 1_096, 1_097, 2_000))])
    ended = draw.choice([None, None, None, as_of - timedelta(days=1), as_of, as_of + timedelta(days=9)])
    if ended and begun and ended < begun:
        ended = None
    made: Subscription = SubscriptionFactory(
        customer=row,
        product_line=draw.choice(LINES),
        plan=draw.choice([None, *offers]),
        status=draw.choice(STATUSES),
        activated_on=begun,
        terminated_on=ended,
        contract_end=draw.choice([None, add_months(as_of, 6), add_months(as_of, 6) + timedelta(days=1), as_of]),
    )
    level = draw.randrange(400)
    for back in range(-2, 15):
        if draw.random() < 0.2:
            continue
        UsageMonth.objects.create(
            subscription=made,
            customer_id=row.pk,
            month=add_months(month, -back),
            voice_minutes=draw.choice([None, 0, 90, 91, level, level + back]),
            data_mb=draw.choice([None, 900, 901, 18_001, level * 100, 25_000]),
            roaming_days=draw.choice([None, 0, 0, 4, 9]),
            net_revenue=draw.choice(
                [None, Decimal("0"), Decimal(level) / 4, Decimal("59.99"), Decimal("59.99"), Decimal("-3.35")]
            ),
        )
    return made


def contact(row: Customer, draw: random.Random, month: date) -> TimelineLine:
    as_of = clock.business_midnight(add_months(month, 1))
    days = draw.choice([-1, 0, 1, 30, 89, 90, 91, 150, 179, 181])
    at: datetime = as_of - timedelta(days=days) + timedelta(seconds=draw.choice([-1, 0, 1]))
    kind = draw.choice(["contact.logged", "contact.logged", "contact.started"])
    return add_line(row.pk, kind, params={"kind": draw.choice(["CONSULT", "COMPLAINT"])}, at=at)


def consent(row: Customer, draw: random.Random) -> None:
    purpose, channel = draw.choice([("PROFILING", ""), ("MARKETING", "SMS"), ("SURVEY", "CALL")])
    state = draw.choice(["GRANTED", "DENIED", "WITHDRAWN"])
    event = ConsentEvent.objects.create(
        customer_id=row.pk,
        purpose=purpose,
        channel=channel,
        old="GRANTED" if state == "WITHDRAWN" else "UNKNOWN",
        new=state,
        evidence_kind="FORM",
        source="DESK",
    )
    lapses = draw.choice([None, add_months(MONTH, 1), add_months(MONTH, 1) - timedelta(days=1)])
    Consent.objects.create(
        customer=row,
        purpose=purpose,
        channel=channel,
        state=state,
        event=event,
        expires_on=lapses if state == "GRANTED" else None,
    )


def merge(absorbed: Customer, survivor: Customer) -> None:
    """What a merge leaves: the lines are the survivor's, append-only rows stay with the absorbed archive."""
    Subscription.objects.filter(customer=absorbed).update(customer=survivor)
    Customer.objects.filter(pk=absorbed.pk).update(merged_into=survivor, status=Customer.Status.MERGED)
    absorbed.refresh_from_db()
