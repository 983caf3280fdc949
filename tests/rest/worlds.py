"""Rows of each resource within units 10..19, the newest last, for the tests of all resources."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from billing.models import BillingAccount
from customers.models import Address, Customer, CustomerFacts
from foundation.common import clock, crypto
from interactions.models import Interaction, Topic
from outreach.models import MessageText, OutMessage
from staff.models import OrgUnit
from tests.factories import ContactPointFactory, CustomerFactory, UnitFactory, UserFactory


def unit_ten() -> OrgUnit:
    """The branch 10..19."""
    return OrgUnit.objects.filter(no=10).first() or UnitFactory(no=10, last_no=19)


def make_contacts(count: int = 12) -> list[Interaction]:
    """Contacts of two of ours with three customers and with unknown callers."""
    unit, now = unit_ten(), clock.now()
    staff = [UserFactory(role="AGENT", unit=unit) for _number in range(2)]
    customers = [CustomerFactory(unit=unit, name="王小明") for _number in range(3)]
    topics = list(Topic.objects.order_by("pk")[:2])
    made = []
    for number in range(count):
        begun, logged = now - timedelta(hours=count - number), number % 2 == 0
        known = number % 6 != 5
        made.append(
            Interaction.objects.create(
                number=f"IN20251231{number:06d}",
                customer=customers[number % 3] if known else None,
                caller="CUSTOMER" if known else "UNKNOWN",
                channel=("HOTLINE", "WEB", "HALL_OWN")[number % 2 + number % 3 // 2],
                direction="OUTBOUND" if number % 4 == 3 else "INBOUND",
                kind=("CONSULT", "COMPLAINT", "FAULT")[number % 5 % 3],
                staff=staff[number % 2],
                first_ask_owner=staff[number % 2],
                unit_no=unit.no,
                topic=topics[number % 2],
                started_at=begun,
                opens_until=begun + timedelta(days=1),
                ended_at=begun + timedelta(minutes=5) if logged else None,
                logged_at=begun + timedelta(minutes=6) if logged else None,
                result="ANSWERED" if logged else "",
                summary=f"asked {number}",
            )
        )
    return made


def make_messages(count: int = 12) -> list[OutMessage]:
    """Messages to three customers, waiting, on their way, sent, held back and failed."""
    unit, now = unit_ten(), clock.now()
    customers = [CustomerFactory(unit=unit, name="王小明") for _number in range(3)]
    states = ("queued", "sent", "suppressed", "failed", "delivered")
    made = []
    for number in range(count):
        state = states[number % 5]
        made.append(
            OutMessage.objects.create(
                customer=customers[number % 3],
                unit_no=unit.no,
                message_class="SERVICE",
                channel="EMAIL" if number % 4 == 1 else "SMS",
                template="program_notice",
                params={"words": f"said {number}"},
                state=state,
                reason={"suppressed": "no_consent", "failed": "refused"}.get(state, ""),
                not_before=now,
                sent_at=now - timedelta(minutes=number) if state in ("sent", "delivered") else None,
            )
        )
        if state in ("sent", "delivered"):
            MessageText.objects.create(
                message_id=made[-1].pk,
                customer_id=made[-1].customer_id,
                template_version=1,
                language="en",
                address="13900001111" if made[-1].channel == "SMS" else "li@example.test",
                body=f"said {number}",
            )
    return made


def make_customers(count: int = 12, *, kind: str = "PERSON") -> list[Customer]:
    """Customers of one kind with a number, an address, facts and an account."""
    unit, made = unit_ten(), []
    statuses = ("ACTIVE", "PROSPECT", "DORMANT", "DECEASED")
    for number in range(count):
        customer = CustomerFactory(
            unit=unit,
            name="王小明" if kind == "PERSON" else "杭州小明电器有限公司",
            short_name="" if kind == "PERSON" else "小明电器",
            customer_type=kind,
            status=statuses[number % (4 if kind == "PERSON" else 3)],
            identity_status="VERIFIED" if number % 3 == 1 else "UNVERIFIED",
            gender="F" if kind == "PERSON" else "",
            birth_date=date(1990, 2, 28) if kind == "PERSON" else None,
            created_at=clock.now() - timedelta(days=count - number),
        )
        paper = f"E1234{number:04d}"
        Customer.objects.filter(pk=customer.pk).update(
            id_type="PASSPORT" if kind == "PERSON" else "OTHER",
            id_sealed=crypto.encrypt(paper, row_id=customer.pk),
            id_hash=crypto.blind_index(paper + kind),
            id_last4=paper[-4:],
        )
        CustomerFacts.objects.filter(customer=customer).update(
            tier="GOLD", credit_grade="ABCDE"[number % 5], credit_month=date(2026, 10, 1), credit_limit=500
        )
        ContactPointFactory(customer=customer, value=f"1390000{number:04d}")
        Address.objects.create(customer=customer, kind="HOME", city="杭州", street="文三路 90 号")
        BillingAccount.objects.create(external_id=f"A-{customer.ref}", customer=customer, unit_no=unit.no)
        made.append(customer)
    return made


def make_companies() -> list[Customer]:
    return make_customers(kind="ENTERPRISE")


WORLDS: dict[str, Any] = {
    "partyInteraction": make_contacts,
    "communicationMessage": make_messages,
    "customer": make_customers,
    "individual": make_customers,
    "organization": make_companies,
}
