"""Archives to be merged and taken apart: generated ones, and what of the whole database a merge may touch."""

from __future__ import annotations

import itertools
import random
from collections import deque
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from customers.finding import rebuild_find_rows
from customers.models import (
    Address,
    Consent,
    ConsentEvent,
    ContactBlock,
    ContactPoint,
    Customer,
    CustomerFacts,
    Household,
    HouseholdMember,
    Need,
    ProfileField,
    ProtectiveHold,
    QualityItem,
    Relation,
    Subscription,
)
from customers.models.consent import CONTACTS, ConsentChannel
from customers.quality import refresh_all
from foundation.common import clock, crypto
from foundation.common.merging import OnMerge, customer_keys
from interactions.models import Interaction
from outreach.models import FollowUp, OutMessage
from staff.models import OrgUnit, User
from tests.factories import CustomerFactory

CARDS = ["110101199003070011", "110101198001010018", "330102199203151234"]
NAMES = ["王小明", "李娜", "张伟", "欧阳明", "Ann Lee"]
# What a merge and its undo leave behind for good, and what only counts them.
HISTORY = {"timeline", "audit_entry", "audit_personal", "customers_fieldchange", "customers_merge"}
HISTORY |= {"customers_duplicate_pair", "customers_consent_event", "customers_consent_evidence"}
HISTORY |= {"customers_quality_item"}  # reckoned anew after each change
COUNTED = {"version", "updated_at"}


def archive(draw: random.Random, unit: OrgUnit, staff: User, number: int) -> Customer:
    """A customer with a bit of everything that hangs on one."""
    start = clock.now()
    row: Customer = CustomerFactory(
        unit=unit,
        number=f"CU2026{number:012d}",
        name=draw.choice(NAMES),
        source=draw.choice(["", "old"]),
        source_no=f"S{number}" if draw.random() < 0.5 else "",
        status=draw.choice(["ACTIVE", "ACTIVE", "DORMANT", "FORMER"]),
        gender=draw.choice(["", "F", "M"]),
        birth_date=draw.choice([None, date(1990, 3, 7), date(1980, 1, 1)]),
        home_city=draw.choice(["", "杭州", "宁波"]),
        created_at=start - timedelta(days=draw.randrange(1, 900)),
    )
    if draw.random() < 0.6:
        card = draw.choice(CARDS)
        row.id_type, row.id_hash, row.id_last4 = "ID_CARD", crypto.blind_index(card), card[-4:]
        row.id_sealed = crypto.encrypt(card, row_id=row.pk)
        row.identity_status = draw.choice(["VERIFIED", "UNVERIFIED"])
        row.save()
    facts = {"contacts_total": draw.randrange(9), "tier": draw.choice(["", "GOLD"])}
    facts |= {"last_contact_at": draw.choice([None, start - timedelta(days=draw.randrange(90))])}
    facts |= {"mean_revenue": draw.choice([None, Decimal("59.50")])}
    CustomerFacts.objects.filter(customer=row).update(**facts)
    for value in draw.sample(["13800000001", "13800000002", "13800000003"], draw.randrange(3)):
        ContactPoint.objects.create(
            customer=row,
            kind="MOBILE",
            value=value,
            is_primary=not row.contact_points.filter(is_primary=True).exists(),
            verified_at=draw.choice([None, start]),
            do_not_use=draw.choice(["", "", "returned"]),
        )
    for kind in draw.sample(Address.Kind.values, draw.randrange(3)):
        Address.objects.create(customer=row, kind=kind, city="杭州", street=draw.choice(["文一路1号", "文二路2号"]))
    for key in draw.sample(["INTERESTS", "EDUCATION", "SPENDING"], draw.randrange(3)):
        ProfileField.objects.create(
            customer=row,
            key=key,
            value=f"{key}-{number}",
            source="desk",
            purpose="care",
            consent_evidence="form",
            as_of=date(2026, 1, draw.randrange(1, 28)),
        )
    for _n in range(draw.randrange(3)):
        Need.objects.create(customer=row, text=f"need {number}")
        Subscription.objects.create(
            customer=row, service_no=f"17{number:05d}{draw.randrange(10_000):04d}{_n}", product_line="VAS"
        )
    for channel in draw.sample(ConsentChannel.values, draw.randrange(4)):
        _consent(draw, row, CONTACTS[0], channel)
    if draw.random() < 0.4:
        ContactBlock.objects.create(customer=row, reason="ASKED", classes=["REMINDER"])
    if draw.random() < 0.4:
        ProtectiveHold.objects.create(customer=row, reason="REPORTED")
    if draw.random() < 0.5:
        FollowUp.objects.create(
            number=f"CB{number}", kind="TASK", customer=row, subject="x", owner=staff, unit_no=unit.no, due_at=start
        )
        OutMessage.objects.create(
            customer=row, message_class="SERVICE", channel="SMS", template="callback_promised", not_before=start
        )
        Interaction.objects.create(
            number=f"IN{number}",
            customer=row,
            channel="HOTLINE",
            staff=staff,
            first_ask_owner=staff,
            unit_no=unit.no,
            caller="CUSTOMER",
            opens_until=start,
        )
    rebuild_find_rows([row.pk])
    return row


def relate(draw: random.Random, people: list[Customer]) -> None:
    """Some of them belong together: relations of every direction, two households."""
    for one, other in itertools.combinations(sorted(people, key=lambda row: row.pk), 2):
        if draw.random() < 0.5:
            Relation.objects.create(customer=one, other=other, kind="FAMILY")
        if draw.random() < 0.3:
            Relation.objects.create(customer=other, other=one, kind="INTRODUCER")
    homes = [Household.objects.create(), Household.objects.create()]
    for one in draw.sample(people, len(people) - 1):
        HouseholdMember.objects.create(household=draw.choice(homes), customer=one)


def _consent(draw: random.Random, row: Customer, purpose: str, channel: str) -> None:
    state = draw.choice(["GRANTED", "GRANTED", "DENIED", "WITHDRAWN"])
    event = ConsentEvent.objects.create(
        customer_id=row.pk,
        purpose=purpose,
        channel=channel,
        old="UNKNOWN",
        new=state,
        evidence_kind="FORM" if state == "GRANTED" else "",
        source="DESK",
    )
    ends = draw.choice([None, date(2027, 1, 1)]) if state == "GRANTED" else None
    Consent.objects.create(
        customer=row, purpose=purpose, channel=channel, state=state, since=event.at, expires_on=ends, event=event
    )


def snapshot() -> dict[str, list[Any]]:
    """Every row of every table with a customer key, but for histories and counters; ID numbers opened.

    What is to be mended follows from the archive, so it is reckoned anew first.
    """
    deque(refresh_all(), maxlen=0)
    found: dict[str, list[Any]] = {}
    tables = {key.table for key in customer_keys() if key.rule in set(OnMerge)} - HISTORY
    with connection.cursor() as cursor:
        for table in sorted(tables):
            cursor.execute(f'SELECT to_jsonb(t) FROM "{table}" t')
            rows = [{name: value for name, value in row.items() if name not in COUNTED} for (row,) in _json(cursor)]
            for row in rows:
                row.pop("id_sealed", None)
                if table == QualityItem._meta.db_table:
                    del row["id"], row["since"]
            found[table] = sorted(rows, key=str)
    found["documents"] = sorted((row.pk, row.id_number()) for row in Customer.objects.all())
    return found


def differences(before: dict[str, list[Any]], now: dict[str, list[Any]]) -> dict[str, Any]:
    """The rows of two snapshots that are not in both, by table."""
    pairs = ((table, before[table], now[table]) for table in before)
    return {
        table: ([row for row in old if row not in new], [row for row in new if row not in old])
        for table, old, new in pairs
        if old != new
    }


def _json(cursor: Any) -> list[tuple[Any]]:
    import json

    return [(json.loads(row) if isinstance(row, str) else row,) for (row,) in cursor.fetchall()]
