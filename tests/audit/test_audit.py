"""The audit cannot be changed unseen."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Q

from foundation.audit import services as audit
from foundation.audit.models import AuditEntry, AuditPersonal, AuditSeal
from foundation.common import clock
from tests.jobs.processes import wait_until
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


def write(number: int, **more: object) -> AuditEntry:
    return audit.record("thing.done", target=("thing", number), actor=None, **more)  # type: ignore[arg-type]


def seal_until(expected: int) -> None:
    # The horizon is the whole server's: a long transaction in another worker's database holds it back.
    def sealed() -> bool:
        audit.seal()
        return sum(AuditSeal.objects.values_list("rows", flat=True)) == expected

    wait_until(sealed, 120, "all entries are sealed")


def change_behind_the_guard(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass FROM audit_entry LIMIT 1")
        table = cursor.fetchone()[0]
        with transaction.atomic():
            for guarded in ("audit_entry", table, "audit_seal"):
                cursor.execute(f"ALTER TABLE {guarded} DISABLE TRIGGER USER")
            cursor.execute(sql)
        for guarded in ("audit_entry", table, "audit_seal"):
            cursor.execute(f"ALTER TABLE {guarded} ENABLE TRIGGER USER")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET verb = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_seal SET rows = 0",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
    ],
)
def test_entries_and_seals_refuse_change(sql: str) -> None:
    write(1)
    seal_until(1)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEntry.objects.get().verb == "thing.done"


def test_each_partition_refuses_truncate() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_entry'::regclass")
        partitions = [name for (name,) in cursor.fetchall()]
    assert len(partitions) >= 14
    for name in partitions:
        with pytest.raises(DatabaseError, match="append-only"), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {name}")


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("UPDATE audit_entry SET verb = 'forged' WHERE target_id = '2'", "changed"),
        ("DELETE FROM audit_entry WHERE target_id = '2'", "3 entries were sealed, 2 are there"),
        (
            "INSERT INTO audit_entry (id, tick, at, verb, target_type, target_id, request_id, detail)"
            " SELECT id + 1, tick, at, 'forged', 'thing', '9', '', '{}' FROM audit_entry WHERE target_id = '3'",
            "3 entries were sealed, 4 are there",
        ),
        ("UPDATE audit_seal SET digest = sha256('x')", "changed"),
    ],
)
def test_verify_finds_tampering(sql: str, problem: str) -> None:
    for number in (1, 2, 3):
        write(number)
    seal_until(3)
    assert audit.verify() == []
    change_behind_the_guard(sql)
    faults = audit.verify()
    assert any(problem in fault.problem for fault in faults)
    with pytest.raises(CommandError, match="in the audit"):
        call_command("audit_verify")


def test_verify_finds_a_missing_seal() -> None:
    write(1)
    seal_until(1)
    write(2)
    seal_until(2)
    first = AuditSeal.objects.earliest("from_tick")
    change_behind_the_guard(f"DELETE FROM audit_seal WHERE id = {first.pk}")
    assert audit.verify()[0].problem == "a seal before this one is missing"


def test_a_slow_transaction_is_sealed_once_it_commits_and_not_before() -> None:
    started, finish = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            write(1)
            started.set()
            assert finish.wait(20)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert started.wait(20)
    write(2)
    audit.seal()
    assert not AuditSeal.objects.exists(), "an entry above a running transaction must wait"
    finish.set()
    thread.join(20)
    seal_until(2)
    assert audit.verify() == []


def test_sealers_and_writers_at_once_seal_each_entry_exactly_once() -> None:
    def writer() -> None:
        for number in range(20):
            with transaction.atomic():
                write(number)
                if number % 4 == 0:
                    transaction.set_rollback(True)

    def sealer() -> None:
        for _round in range(30):
            audit.seal(limit=7)

    outcomes = race(writer, writer, writer, sealer, sealer)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert AuditEntry.objects.count() == 45
    seal_until(45)
    assert audit.verify() == []


def test_personal_values_stay_out_of_the_entry_and_can_be_erased() -> None:
    entry = write(1, personal={"reason": "asked by 13900000000"}, customer_id=7)
    seal_until(1)
    entry.refresh_from_db()
    assert "139" not in str(entry.detail) and entry.personal_digest is not None
    AuditPersonal.objects.update(values={"reason": "something else"})
    assert [fault.problem for fault in audit.verify()] == [f"the personal part of entry {entry.pk} was changed"]
    AuditPersonal.objects.all().delete()
    assert audit.verify() == []


def test_after_a_restore_ticks_go_on_above_the_stored_ones() -> None:
    write(1)
    seal_until(1)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_era SET base = base - 1000000")  # what a fresh cluster looks like
    with pytest.raises(Exception, match="audit_new_era"):
        audit.seal()
    audit.new_era()
    write(2)
    seal_until(2)
    assert audit.verify() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_era SET base = 0")


def test_an_act_and_an_area_of_acts_are_found_by_index_among_all_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_entry (id, at, verb, target_type, target_id, request_id, detail)"
            " SELECT make_id(), at, CASE n WHEN 77 THEN 'policies.changed' ELSE 'staff.signed_in' END,"
            " 'thing', n, '', '{}' FROM generate_series(1, 4000) n, (SELECT %s::timestamptz AS at) m",
            [clock.now()],
        )
        cursor.execute("ANALYZE audit_entry")
        for asked in (Q(verb="policies.changed"), Q(verb__startswith="policies."), Q(verb="nothing.like_it")):
            rows = AuditEntry.objects.filter(asked, pk__gte=1).order_by("-id")[:51]
            sql, parameters = rows.query.sql_with_params()
            cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {sql}", parameters)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Rows Removed by Filter" not in plan, plan
