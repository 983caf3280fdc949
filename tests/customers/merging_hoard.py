"""A pool of archives with rows in every table that names a customer, and a quick look at all of them at once."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta
from typing import Any

from django.db import connection

from billing.models import BillingAccount, CreditChange, CreditScore
from complaints.models import ComplainerFlag, Complaint
from customers.finding import rebuild_find_rows
from customers.imports.models import ImportChild, ImportRow, StagedRow
from customers.models import (
    ChangeRequest,
    ConsentEvent,
    ConsentEvidence,
    ContactTime,
    Customer,
    DeathNote,
    DuplicatePair,
    FieldChange,
    IdentityCheck,
    RelationshipReview,
    Retention,
    Subscription,
    UsageMonth,
    ValueDraft,
    ValueMonth,
)
from customers.quality import refresh_all
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock, crypto
from foundation.common.merging import customer_keys
from foundation.rest.clients import make_client
from foundation.rest.models import ApiClient, KeptAnswer
from interactions.models import Interaction, Matter, RightsRequest, Suggestion
from outreach.models import ManagerTransfer, MessageText, OutMessage, SmsReply
from staff.models import Draft, OrgUnit, Reveal, User
from tests.customers.merging_world import COUNTED, archive, relate

MONTH = date(2026, 10, 1)
# Written by merges alone: a pool that was never merged has none.
BY_MERGING = {"customers.Customer.merged_into", "customers.Merge.survivor", "customers.Merge.absorbed"}
# Grow with each act; what stood there before stays as it was.
APPENDED = {"timeline", "audit_entry", "audit_personal", "customers_fieldchange", "customers_consent_event"}
APPENDED |= {"customers_consent_evidence"}
OWN = {"customers_merge"}  # the merge itself
# Reckoned anew with each change: what is said counts, not which row says it.
RECKONED = {"customers_quality_item": ("id", "since")}


def hoard(draw: random.Random, unit: OrgUnit, staff: list[User], many: int) -> list[Customer]:
    """Archives with a bit of everything, related to one another; none of them was merged yet."""
    people = [archive(draw, unit, staff[0], number) for number in range(1, many + 1)]
    for number, row in enumerate(people, start=1):
        for fill in FILLS:
            if number <= 2 or draw.random() < 0.5:  # two of them have all there is, so that no table is empty
                fill(draw, row, staff, number)
    for row in people[many // 2 :]:
        if draw.random() < 0.3:
            row.parent = draw.choice(people[: many // 2])
            row.save(update_fields=["parent"])
    relate(draw, people)
    for low, high in itertools.pairwise(people):
        pair = DuplicatePair(low=low, high=high, score=70, band="REVIEW")
        if draw.random() < 0.5:
            pair.state, pair.decided_by, pair.decided_at, pair.why = "SET_ASIDE", staff[0], clock.now(), "brothers"
        pair.save()
    rebuild_find_rows([row.pk for row in people])
    deque(refresh_all(), maxlen=0)
    return people


def _wishes(draw: random.Random, row: Customer, staff: list[User], number: int) -> None:
    ContactTime.objects.create(customer=row, wish="AVOID", days="EVERY", starts=time(12), ends=time(14))
    at = clock.now()
    how = {"how": "IN_PERSON", "document": "ID_CARD"}
    IdentityCheck.objects.create(customer=row, old="UNVERIFIED", new="VERIFIED", reason=f"look {number}", **how)
    IdentityCheck(
        customer=row, old="VERIFIED", new="RECHECK", acting_role="AGENT", acting_name="Li", acting_last4="1234"
    ).save()
    taken_back = draw.choice([None, at])
    DeathNote.objects.create(customer=row, evidence=f"paper {number}", taken_back_at=taken_back)
    ManagerTransfer.objects.create(customer=row, kind="CLAIM", to_manager=staff[1], asked_by=staff[1])
    refused: dict[str, Any] = {"state": "REFUSED", "decided_at": at, "reason": f"busy {number}"}
    ManagerTransfer.objects.create(customer=row, kind="OFFER", to_manager=staff[1], asked_by=staff[0], **refused)


def _change_requests(draw: random.Random, row: Customer, staff: list[User], number: int) -> None:
    at, card = clock.now(), "330102199203151234"
    more: dict[str, Any] = {"customer": row, "channel": "HALL", "asked_by": "self", "verified": "DOCUMENT"}
    more |= {"due_at": at + timedelta(days=1), "taken_by": staff[0]}
    for place, field in enumerate(draw.sample(["name", "id_number", "owner", "name"], draw.randrange(1, 4))):
        request = ChangeRequest(number=f"DU{number:04d}{place}", field=field, new=f"new {number}", **more)
        request.taken_at = at - timedelta(hours=draw.randrange(100))
        if field == "id_number":
            request.new, request.new_sealed = "****1234", crypto.encrypt(card, row_id=request.pk)
        if field == "owner":
            line = Subscription.objects.filter(customer=row).first()
            request.subscription = line
            request.new_owner = Customer.objects.exclude(pk=row.pk).order_by("pk").first()
        request.save()
    ChangeRequest.objects.create(number=f"DU{number:04d}9", field="name", state="APPLIED", closed_at=at, **more)
    owner = Customer.objects.exclude(pk=row.pk).order_by("pk").first()
    ChangeRequest.objects.create(number=f"DU{number:04d}8", field="owner", new_owner=owner, **more)


def _history(draw: random.Random, row: Customer, staff: list[User], number: int) -> None:
    line = Subscription.objects.filter(customer=row).first()
    if line is None:
        line = Subscription.objects.create(customer=row, service_no=f"189{number:08d}", product_line="MOBILE")
    UsageMonth.objects.create(subscription=line, month=MONTH, customer_id=row.pk, data_mb=draw.randrange(9_999))
    ValueDraft.objects.create(month=MONTH, customer_id=row.pk, kind="PERSON", category="PERSON")
    judged = {"value_class": "3", "potential": draw.randrange(100), "cell": "BASIC"}
    ValueMonth.objects.create(month=MONTH, customer_id=row.pk, kind="PERSON", category="PERSON", **judged)
    RelationshipReview.objects.create(customer_id=row.pk, month=MONTH, score=50, band="STEADY")
    today = clock.today()
    Retention.objects.create(customer_id=row.pk, ended_on=today, identity_until=today, evidence_until=today)
    FieldChange.objects.create(customer_id=row.pk, entity="customer", entity_id=row.pk, field="name", old="a", new="b")
    add_line(row.pk, "customer.created", ref_id=row.pk, params={"source": "hand"})
    kept = {"why": f"because {number}"}
    record("customer.revealed", target=row, actor=staff[0], customer_id=row.pk, unit_id=row.unit_id, personal=kept)
    event = ConsentEvent.objects.filter(customer_id=row.pk).first()
    if event is None:
        event = ConsentEvent.objects.create(
            customer_id=row.pk, purpose="MARKETING", channel="SMS", old="UNKNOWN", new="DENIED", source="DESK"
        )
    ConsentEvidence.objects.create(event_id=event.pk, customer_id=row.pk, text=f"form {number}")
    done = {"import_id": 1, "customer_id": row.pk}
    ImportRow.objects.create(**done, line=number, action="UPDATED", version=1, before={"name": "x"}, kept="")
    ImportChild.objects.create(**done, entity="address", entity_id=number)
    parts: dict[str, Any] = {part: [] for part in ("data", "defaults", "points", "addresses", "lines")}
    StagedRow.objects.create(**done, line=number, last_line=number, source_no=f"S{number}", **parts)


def _contacts(draw: random.Random, row: Customer, staff: list[User], number: int) -> None:
    at, unit_no = clock.now(), row.unit_no
    mine: dict[str, Any] = {"customer": row, "unit_no": unit_no}
    message = OutMessage.objects.create(
        customer=row, message_class="SERVICE", channel="SMS", template="callback_promised", not_before=at
    )
    MessageText.objects.create(
        message_id=message.pk, customer_id=row.pk, template_version=1, language="en", address="138", body="hello"
    )
    contacts = [
        Interaction.objects.create(
            number=f"IX{number}-{place}",
            channel="HOTLINE",
            staff=staff[0],
            first_ask_owner=staff[0],
            caller="CUSTOMER",
            opens_until=at,
            **mine,
        )
        for place in range(2)
    ]
    who: dict[str, Any] = {"owner": staff[0], "handler": staff[1]}
    Matter.objects.create(
        number=f"MA{number}", contact=contacts[0], kind="CONSULT", subject="x", due_at=at, **who, **mine
    )
    Suggestion.objects.create(number=f"SU{number}", contact=contacts[1], text="x", owner=staff[0], **mine)
    asked: dict[str, Any] = {"channel": "HALL", "raised_by": staff[0], "owner": staff[1], "working_days": 15}
    asked |= {"calendar_code": "x", "calendar_version": 1}
    for place, kind in enumerate(draw.sample(["ACCESS", "DELETE", "EXPLAIN"], 2)):
        due = at + timedelta(days=draw.randrange(1, 20))
        RightsRequest.objects.create(number=f"RR{number}-{place}", kind=kind, due_at=due, **asked, **mine)
    ended: dict[str, Any] = {"state": "WITHDRAWN", "closed_at": at, "received_at": at, "owner": staff[0]}
    case = Complaint.objects.create(
        number=f"CPX{number}",
        channel="HOTLINE",
        text="x",
        work_unit_id=row.unit_id,
        work_unit_no=unit_no,
        **ended,
        **mine,
    )
    ComplainerFlag.objects.create(complaint=case, customer=row, until=clock.today())
    BillingAccount.objects.create(external_id=f"A{number}", party=f"P{number}", **mine)
    _credit(row)
    came: dict[str, Any] = {"number": f"138{number:08d}", "text": f"yes {number}", "at": at}
    SmsReply.objects.create(customer=row, state="TAKEN", taken_by="followup", **came)
    calls = ApiClient.objects.first() or make_client(actor=None, user_id=1, name="x", scopes=["personal:read"]).client
    KeptAnswer.objects.create(client=calls, key=f"{number}", request=b"1", customer_id=row.pk)
    Reveal.objects.create(user=staff[0], customer_id=row.pk, field="phone", reason="call", until=at)


def _credit(row: Customer) -> None:
    day = clock.today()
    CreditScore.objects.get_or_create(
        customer_id=row.pk,
        account_id=0,
        month=day.replace(day=1),
        defaults={
            **dict.fromkeys(("due", "on_time", "late", "suspensions", "score", "credit_limit", "grace_days"), 0),
            **dict.fromkeys(("auto_debit", "identity", "written_off", "two_way", "fraud"), False),
            **dict.fromkeys(("score_grade", "by_score", "grade"), "E"),
            "day": day,
            "basis": "NO_BILLS",
        },
    )
    CreditChange.objects.create(
        customer=row, from_grade="C", to_grade="B", begins=day, until=day, reason="Asked for it.", actor_id=1
    )


def _drafts(draw: random.Random, row: Customer, staff: list[User], number: int) -> None:
    for user in staff[:2]:
        for place in ("interactions.note", "customers.need"):
            if number <= 2 or draw.random() < 0.6:
                Draft.objects.create(
                    user=user,
                    place=place,
                    customer_id=row.pk,
                    text=f"half a word {number}",
                    replaced=draw.choice(["", "other words"]),
                    stamp=number,
                    saved_at=clock.now() - timedelta(minutes=draw.randrange(100)),
                )


FILLS: list[Callable[[random.Random, Customer, list[User], int], None]] = [
    _wishes,
    _change_requests,
    _history,
    _contacts,
    _drafts,
]


def rows_by_key() -> dict[str, int]:
    """How many rows name a customer in each key there is."""
    found = {}
    with connection.cursor() as cursor:
        for key in customer_keys():
            cursor.execute(f'SELECT count("{key.column}") FROM "{key.table}"')
            found[str(key)] = cursor.fetchone()[0]
    return found


class Look:
    """All tables that name a customer, each as one digest of its rows, by one statement planned once. What is reckoned
    from the archive has been reckoned for all of it before."""

    def __init__(self) -> None:
        self.tables = sorted({key.table for key in customer_keys()} - APPENDED - OWN)
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
            cursor.execute(f"PREPARE merge_look AS {' UNION ALL '.join(_digest(table) for table in self.tables)}")
        self.start, self.marks = self.now(), self._marks()
        self.past = self._before()

    def now(self) -> dict[str, Any]:
        """The digest of each table, but for counters; the documents, opened."""
        with connection.cursor() as cursor:
            cursor.execute("EXECUTE merge_look")
            found: dict[str, Any] = dict(cursor.fetchall())
        rows = Customer.objects.exclude(id_sealed=None).only("pk", "id_sealed")
        found["documents"] = {row.pk: row.id_number() for row in rows}
        return found

    def changed(self) -> list[str]:
        """The tables that are not as they were at the start; of append-only ones the rows of then."""
        return sorted(unequal(self.start, self.now()) + unequal(self.past, self._before()))

    def _before(self) -> dict[str, Any]:
        found = {}
        with connection.cursor() as cursor:
            for table, key in self._appended():
                cursor.execute(_digest(table, f'WHERE t."{key}" <= {self.marks[table]}'))
                found.update(dict(cursor.fetchall()))
        return found

    def _marks(self) -> dict[str, int]:
        found = {}
        with connection.cursor() as cursor:
            for table, key in self._appended():
                cursor.execute(f'SELECT coalesce(max("{key}"), 0) FROM "{table}"')
                found[table] = cursor.fetchone()[0]
        return found

    def _appended(self) -> Iterable[tuple[str, str]]:
        keys = {key.table: str(key.model._meta.pk.column) for key in customer_keys() if key.table in APPENDED}
        return sorted(keys.items())

    def close(self) -> None:
        """Forget the statement: the connection serves other tests."""
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE merge_look; RESET jit")


def unequal(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The tables that differ."""
    return sorted(table for table in before if before[table] != now[table])


def _digest(table: str, where: str = "") -> str:
    less = "".join(f" - '{column}'" for column in (*sorted(COUNTED), "id_sealed", *RECKONED.get(table, ())))
    row = f"hashtextextended((to_jsonb(t){less})::text, 0)"
    return f"SELECT '{table}', count(*) || ' ' || coalesce(sum({row}), 0) FROM \"{table}\" t {where}"
