"""Taking personal data away, for one customer who asked or for all whose time is over: one way for both (D§5.12).

Everything happens in one transaction for a batch, under the locks of its customers; killed before the commit nothing
has happened but files being gone, and the next run does it all. Partitioned tables are opened in every month, for a
datum must not survive in an old one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.erasure.keeping import EVIDENCE, IDENTITY, Fate, fate_of, holds_on, lengths, measure
from customers.erasure.statements import ORDINARY, Statement, statements
from customers.models import ContactBlock, Customer, Retention
from customers.timeline import add_lines_sql
from foundation.audit.models import AuditPersonal
from foundation.audit.services import record
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import first_id_at
from foundation.common.personal import steps
from foundation.policies.reading import policy
from staff.models import Reveal, User

ENDED = (Customer.Status.FORMER, Customer.Status.DECEASED)
STORAGE_ONLY = ContactBlock.Reason.STORAGE_ONLY
AGAIN = timedelta(days=1)
BATCH = 500


@dataclass
class Report:
    """What an erasure did: customers erased and made anonymous, rows by table, and why customers were left."""

    erased: int = 0
    anonymised: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Put another report's figures to these."""
        self.erased += other.erased
        self.anonymised += other.anonymised
        self.rows += other.rows
        self.left += other.left


@dataclass(frozen=True)
class Preview:
    """What would go of one customer, by table, beside what stays and what forbids it."""

    fate: Fate
    rows: dict[str, int]


@transaction.atomic
def preview(customer_id: int, *, at: datetime | None = None) -> Preview:
    """What an erasure now would change, counted by table; nothing is erased."""
    now = at or clock.now()
    ids = with_merged([customer_id])
    fate = fate_of(customer_id, now)
    phases = _phases([fate.retention], now, asked=True)
    members = {phase: ids if found else [] for phase, found in phases.items()}
    asked: list[tuple[str, str, Any]] = [
        (statement.table, statement.count, {"ids": members[statement.phase], **statement.params})
        for statement in statements()
        if members[statement.phase] and (fate.may_erase or statement.optional)
    ]
    rows: Counter[str] = Counter()
    for step in steps() if fate.may_erase else ():
        for table, found in step.find(ids).items():
            if isinstance(found, int):
                rows[table] += found
            else:
                try:
                    sql, params = found.order_by().values("pk").query.sql_with_params()
                except EmptyResultSet:  # known without asking: there are none
                    continue
                asked.append((table, f"SELECT count(*) FROM ({sql}) AS counted", params))
    rows.update(_counted(asked))
    transaction.set_rollback(True)  # nothing was decided: the measured times are not kept
    return Preview(fate, {table: count for table, count in sorted(rows.items()) if count})


def _counted(asked: list[tuple[str, str, Any]]) -> Counter[str]:
    """The counts of all these statements by table, in one question to the database."""
    if not asked:
        return Counter()
    with connection.cursor() as cursor:
        parts = [cursor.mogrify(sql, params).decode() for _table, sql, params in asked]
        cursor.execute(" UNION ALL ".join(f"SELECT {place}, ({part})" for place, part in enumerate(parts)))
        counted: Counter[str] = Counter()
        for place, count in cursor.fetchall():
            counted[asked[place][0]] += count
        return counted


@transaction.atomic
def ask_for_erasure(customer_id: int, *, actor: User) -> tuple[Fate, Report]:
    """The customer asked for deletion: all that nothing demands goes now, the rest by itself when its time is over.

    Returns what stays and what was done; `Fate.holds` says what forbids any deletion: then nothing has gone, the rest
    is tried every night. Raises RuleBroken "erasure.anonymised" when nothing is left, "erasure.busy" while a contact
    or a message is under way.
    """
    now = clock.now()
    customer = Customer.objects.select_for_update(no_key=True).get(pk=customer_id)
    if customer.status == Customer.Status.ANONYMISED:
        raise RuleBroken("erasure.anonymised", _("This customer was made anonymous already."))
    fate = fate_of(customer_id, now)
    Retention.objects.filter(pk=customer_id).update(asked_at=now, due_on=clock.today(now))
    report = erase_batch([customer_id], now)
    if report.left["busy"]:
        raise RuleBroken("erasure.busy", _("A contact or a message of this customer is under way. Try again later."))
    record(
        "customer.erased",
        target=customer,
        actor=actor,
        customer_id=customer_id,
        unit_id=customer.unit_id,
        detail={"rows": dict(report.rows), "held": [held.hold.code for held in fate.holds]},
    )
    return fate, report


def erase_due(day_ends: datetime, after: int = 0, *, most: int = BATCH) -> tuple[Report, int | None]:
    """Erase the next `most` customers whose time is over, in one transaction.

    Returns the report and the last id looked at, or None when no more are due. Run again it goes on where the last
    commit was: what is done is no longer due.
    """
    day = clock.today(day_ends)
    due = Retention.objects.filter(due_on__lte=day, pk__gt=after).order_by("pk")
    ids = list(due.values_list("pk", flat=True)[:most])
    if not ids:
        return Report(), None
    with transaction.atomic():
        report = erase_batch(ids, day_ends)
    return report, ids[-1]


def enrol_ended(after: int = 0, *, most: int = 10_000) -> int | None:
    """Begin the time of keeping for the next `most` customers who have ended; the last id, None when no more.

    An index holds those who are not active; the rest of the archive is not read.
    """
    ended = Customer.objects.filter(status__in=ENDED, pk__gt=after).order_by("pk")
    ids = list(ended.values_list("pk", flat=True)[:most])
    if not ids:
        return None
    known = set(Retention.objects.filter(pk__in=ids).values_list("pk", flat=True))
    with transaction.atomic():
        measure([pk for pk in ids if pk not in known])
    return ids[-1]


def forget_logs(now: datetime, *, most: int = 10_000) -> int:
    """Drop the personal parts of log entries past their time (D§5.12: 3 years), and the reasons of reveals."""
    before = months_before(now, policy("customers.access_logs_kept"))
    dropped = Reveal.objects.filter(at__lt=before).exclude(reason="").update(reason="")
    while True:
        old = AuditPersonal.objects.filter(pk__lt=first_id_at(before)).order_by("pk").values_list("pk", flat=True)
        gone = AuditPersonal.objects.filter(pk__in=list(old[:most])).delete()[0]
        dropped += gone
        if gone < most:
            return dropped


def months_before(now: datetime, months: int) -> datetime:
    """The same moment some months ago."""
    day = add_months(clock.today(now), -months)
    return datetime.combine(day, time.min, clock.BUSINESS_ZONE)


def erase_batch(ids: Iterable[int], now: datetime) -> Report:
    """Erase what may go of these customers now, in the caller's transaction, and set when the next is due."""
    locked = Customer.objects.select_for_update(no_key=True, skip_locked=False).filter(pk__in=list(ids)).order_by("pk")
    statuses = dict(locked.values_list("pk", "status"))
    report, day = Report(), clock.today(now)
    measure(statuses)
    rows = {row.pk: row for row in Retention.objects.filter(pk__in=statuses)}
    back = [pk for pk, row in rows.items() if statuses[pk] not in _GONE and row.asked_at is None]
    Retention.objects.filter(pk__in=back).delete()  # a customer again: the time begins anew at the next end
    free = [row for pk, row in rows.items() if pk not in back]
    held = holds_on([row.pk for row in free], day)
    _put_off(held, day, report)
    _stop_use([row for row in free if row.pk in held and row.asked_at is not None], now, report)
    free = _wait_for_the_ordinary_time([row for row in free if row.pk not in held], day)
    busy = _busy([row.pk for row in free])
    Retention.objects.filter(pk__in=busy).update(due_on=day + AGAIN)
    report.left["busy"] += len(busy)
    free = [row for row in free if row.pk not in busy]
    if free:
        _erase(free, now, report)
    return report


_GONE = {*ENDED, Customer.Status.ANONYMISED}


def _put_off(held: dict[int, list[Any]], day: Any, report: Report) -> None:
    for pk, reasons in held.items():
        codes = sorted({reason.hold.code for reason in reasons})
        Retention.objects.filter(pk=pk).update(held=codes, due_on=day + AGAIN)
        report.left.update(codes)


def _stop_use(rows: list[Retention], now: datetime, report: Report) -> None:
    """Deletion was asked for and something forbids it: what was kept by consent alone goes, the rest is only stored
    (R5 Art.47): whatever needs no contract leaves no more."""
    ids = [row.pk for row in rows]
    if not ids:
        return
    everybody = with_merged(ids)
    with connection.cursor() as cursor:
        for statement in statements():
            if statement.optional:
                report.rows[statement.table] += _run(cursor, statement, everybody)
    held = ContactBlock.objects.filter(customer__in=ids, reason=STORAGE_ONLY, ends_at=None)
    blocked = set(held.values_list("customer_id", flat=True))
    ContactBlock.objects.bulk_create(
        ContactBlock(customer_id=pk, reason=STORAGE_ONLY, classes=["CARE", "MARKETING", "SURVEY"], starts_at=now)
        for pk in ids
        if pk not in blocked
    )


def _wait_for_the_ordinary_time(rows: list[Retention], day: Any) -> list[Retention]:
    """Those whose time is really over; service may have gone on after the row was made."""
    early = [row.pk for row in rows if row.erased_at is None and row.asked_at is None and row.due_on is not None]
    if early:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE customers_retention SET due_on = (ended_on + %(former)s::interval)::date"
                " WHERE customer_id = ANY(%(ids)s) RETURNING customer_id, due_on",
                {"ids": early, "former": lengths()["former"]},
            )
            later = {pk for pk, due in cursor.fetchall() if due > day}
        return [row for row in rows if row.pk not in later]
    return rows


def _busy(ids: list[int]) -> set[int]:
    found: set[int] = set()
    everybody = with_merged(ids)
    for step in steps():
        found |= step.busy(everybody)
    return found & set(ids)


def _phases(rows: list[Retention], now: datetime, *, asked: bool = False) -> dict[str, list[int]]:
    """Which of the customers each kind of statement is for."""
    day = clock.today(now)
    last = {row.pk for row in rows if row.anonymised_at is None and row.identity_until <= day}
    return {
        # Once more with the identity: something may have been written down since.
        ORDINARY: [row.pk for row in rows if asked or row.erased_at is None or row.pk in last],
        IDENTITY: sorted(last),
        EVIDENCE: [row.pk for row in rows if row.evidence_until <= day],
    }


def _erase(rows: list[Retention], now: datetime, report: Report) -> None:
    phases = _phases(rows, now)
    members = {phase: with_merged(ids) for phase, ids in phases.items()}
    everybody = members[ORDINARY]
    _keep_decades(phases[IDENTITY])
    if everybody:
        for step in steps():
            report.rows.update(step.erase(everybody, now))
    with connection.cursor() as cursor:
        for statement in statements():
            if members[statement.phase]:
                report.rows[statement.table] += _run(cursor, statement, members[statement.phase])
    report.rows = Counter({table: count for table, count in report.rows.items() if count})
    _remember(phases, now, report)


def _run(cursor: Any, statement: Statement, members: list[int]) -> int:
    values = {"ids": members, **statement.params}
    if statement.files is not None:
        wanted, storage = statement.files
        cursor.execute(wanted, values)
        for (name,) in cursor.fetchall():
            storage.delete(name)
    cursor.execute(statement.sql, values)
    return int(cursor.rowcount)


def _keep_decades(ids: list[int]) -> None:
    """The age band survives the birth date (D§5.12): the decade of birth, for statistics."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_retention r SET birth_decade = extract(year FROM c.birth_date)::int / 10 * 10"
            " FROM customers_customer c WHERE c.id = r.customer_id AND r.customer_id = ANY(%s)"
            " AND c.birth_date IS NOT NULL",
            [ids],
        )


def _remember(phases: dict[str, list[int]], now: datetime, report: Report) -> None:
    """Status, the next due day, and a line each."""
    erased, gone = phases[ORDINARY], phases[IDENTITY]
    if gone:
        Customer.objects.filter(pk__in=with_merged(gone)).update(
            status=Customer.Status.ANONYMISED, updated_at=now, identity_status=Customer.IdentityStatus.UNVERIFIED
        )
    Retention.objects.filter(pk__in=erased).update(erased_at=now, held=[])
    Retention.objects.filter(pk__in=gone).update(anonymised_at=now)
    touched = [*erased, *gone, *phases[EVIDENCE]]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_retention SET due_on = CASE WHEN anonymised_at IS NULL THEN identity_until"
            " WHEN evidence_until > %(day)s THEN evidence_until END WHERE customer_id = ANY(%(ids)s)",
            {"day": clock.today(now), "ids": touched},
        )
    for kind, ids in (("customer.anonymised", gone), ("customer.erased", [pk for pk in erased if pk not in set(gone)])):
        add_lines_sql(
            "SELECT id, %s, id, '{}'::jsonb, NULL::bigint, unit_id, %s::timestamptz FROM customers_customer"
            " WHERE id = ANY(%s)",
            [kind, now, ids],
        )
    report.erased += len(erased)
    report.anonymised += len(gone)


def with_merged(ids: Iterable[int]) -> list[int]:
    """The customers and those merged into them, whose rows are theirs as well (design §4)."""
    own = list(ids)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM customers_customer WHERE merged_into_id = ANY(%s) ORDER BY id", [own])
        return [*own, *(pk for (pk,) in cursor.fetchall())]
