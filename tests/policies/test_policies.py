"""Policies: keys in code, decisions as rows, which one wins, and who sees a change when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signals import request_started
from django.db import Error, IntegrityError, connection, connections, transaction
from django.utils import translation

from foundation.audit.models import AuditEntry
from foundation.calendars.windows import Window
from foundation.common.errors import BadSetting, RuleBroken
from foundation.policies import reading, registry
from foundation.policies.kinds import as_text, from_text
from foundation.policies.models import PolicySetting
from foundation.policies.queries import effective, list_policies, policy_history
from foundation.policies.reading import policy
from foundation.policies.registry import define, definition, definitions
from foundation.policies.services import set_policy, withdraw_policy

ADMIN = SimpleNamespace(pk=77)
HALL = SimpleNamespace(path_ids=[31, 7, 1])  # a hall, its branch, the company
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def two_columns(table: Any) -> None:
    if not isinstance(table, list) or any(len(row) != 2 for row in table):
        raise RuleBroken("test.table", "each row has two columns.")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of every kind, known during one test."""
    monkeypatch.setattr(registry, "_definitions", {})
    define("care.tries", type="int", unit="tries", default=3, source="P15", help="How often.", low=1, high=9)
    define("care.share", type="decimal", unit="%", default=Decimal("12.5"), source="D", help="Share.", low=0, high=100)
    define(
        "care.wait",
        type="duration",
        unit="hours",
        default=timedelta(hours=48),
        source="P6",
        help="Wait.",
        low=timedelta(hours=1),
        high=timedelta(days=30),
    )
    define("care.on", type="bool", default=True, source="D", help="Whether.")
    define("care.tone", type="text", default="warm", source="D", help="Tone.", choices=["warm", "formal"])
    define("care.hours", type="windows", default=[(540, 1200)], source="D", help="When.")
    define("care.steps", type="table", default=[["a", 1]], source="D", help="Steps.", check=two_columns)


@pytest.fixture
def frozen(travel: Any) -> Iterator[None]:
    with travel(NOW):
        yield


def nothing_happened() -> None:
    assert not PolicySetting.objects.exists()
    assert not AuditEntry.objects.exists()


# Keys.


def test_the_shipped_value_holds_in_its_own_type(db: None) -> None:
    assert policy("care.tries") == 3
    assert policy("care.share") == Decimal("12.5")
    assert policy("care.wait") == timedelta(hours=48)
    assert policy("care.on") is True
    assert policy("care.hours") == (Window(540, 1200),)
    assert policy("care.steps") == [["a", 1]]


def test_a_table_is_a_copy_nobody_can_spoil(db: None) -> None:
    policy("care.steps").append("spoilt")
    assert policy("care.steps") == [["a", 1]]
    set_policy("care.steps", [["b", 2]], actor=ADMIN)
    policy("care.steps").append("spoilt")
    assert policy("care.steps") == [["b", 2]]


def test_an_unknown_key_is_refused(db: None) -> None:
    for act in (
        lambda: policy("care.none"),
        lambda: set_policy("care.none", 1, actor=ADMIN),
        lambda: policy_history("x"),
    ):
        with pytest.raises(RuleBroken) as no:
            act()
        assert no.value.code == "policies.unknown"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "care.tries"},  # twice
        {"key": "nodot"},
        {"key": "Care.Tries"},
        {"source": " "},
        {"help": ""},
        {"default": 10},
        {"default": "3"},
        {"type": "duration", "default": timedelta(hours=1), "unit": "fortnights"},
        {"type": "table", "default": []},
        {"low": "a"},
        {"type": "integer"},
    ],
)
def test_a_wrong_definition_stops_the_start(wrong: dict) -> None:
    given = {
        "key": "care.new",
        "type": "int",
        "default": 3,
        "source": "D",
        "help": "Help.",
        "low": 1,
        "high": 9,
        **wrong,
    }
    if wrong.get("type"):
        given.update(low=None, high=None)
    with pytest.raises(BadSetting):
        define(given.pop("key"), **given)
    assert "care.new" not in [one.key for one in definitions()]


# Decisions.


def test_a_decision_holds_from_its_beginning_and_keeps_what_was_before(frozen: None, db: None) -> None:
    later = NOW + timedelta(days=10)
    set_policy("care.tries", 5, actor=ADMIN, note="trial")
    set_policy("care.tries", 7, actor=ADMIN, effective_from=later)
    assert policy("care.tries") == 5
    assert policy("care.tries", at=NOW - timedelta(seconds=1)) == 3
    assert policy("care.tries", at=later - timedelta(seconds=1)) == 5
    assert policy("care.tries", at=later) == 7
    first, second = PolicySetting.objects.order_by("pk")
    assert (first.old_value, first.value, first.created_by_id, first.created_at, first.note) == (3, 5, 77, NOW, "trial")
    assert (second.old_value, second.value, second.effective_from) == (5, 7, later)
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "actor_id", "detail")) == [
        (
            "policy.set",
            77,
            {
                "key": "care.tries",
                "scope": "GLOBAL",
                "scope_ref": "",
                "old": 3,
                "new": 5,
                "effective_from": NOW.isoformat(),
            },
        ),
        (
            "policy.set",
            77,
            {
                "key": "care.tries",
                "scope": "GLOBAL",
                "scope_ref": "",
                "old": 5,
                "new": 7,
                "effective_from": later.isoformat(),
            },
        ),
    ]


def test_a_later_decision_for_the_same_moment_wins(frozen: None, db: None) -> None:
    set_policy("care.tries", 5, actor=ADMIN, effective_from=NOW + timedelta(days=1))
    set_policy("care.tries", 6, actor=ADMIN, effective_from=NOW + timedelta(days=1))
    assert policy("care.tries", at=NOW + timedelta(days=1)) == 6


def test_unit_over_segment_over_global_over_shipped(db: None) -> None:
    def read() -> int:
        return policy("care.tries", unit=HALL, segment="VIP")

    assert read() == 3
    set_policy("care.tries", 4, actor=ADMIN)
    assert read() == 4
    set_policy("care.tries", 5, actor=ADMIN, scope="SEGMENT", scope_ref="VIP")
    assert read() == 5
    set_policy("care.tries", 6, actor=ADMIN, scope="UNIT", scope_ref=1)
    assert read() == 6
    set_policy("care.tries", 7, actor=ADMIN, scope="UNIT", scope_ref=31)
    assert read() == 7
    set_policy("care.tries", 8, actor=ADMIN, scope="UNIT", scope_ref=7)
    assert read() == 7
    assert policy("care.tries", unit=[7, 1]) == 8
    assert policy("care.tries", unit=1) == 6
    assert policy("care.tries", unit=99, segment="VIP") == 5
    assert policy("care.tries", segment="OTHER") == 4
    assert policy("care.tries") == 4


def test_a_withdrawn_value_lets_the_next_wider_one_hold(frozen: None, db: None) -> None:
    set_policy("care.tries", 4, actor=ADMIN)
    set_policy("care.tries", 7, actor=ADMIN, scope="UNIT", scope_ref=31)
    row = withdraw_policy("care.tries", actor=ADMIN, scope="UNIT", scope_ref=31, effective_from=NOW + timedelta(days=1))
    assert (row.value, row.old_value, row.withdrawn) == (None, 7, True)
    assert policy("care.tries", unit=HALL) == 7
    assert policy("care.tries", unit=HALL, at=NOW + timedelta(days=1)) == 4
    withdraw_policy("care.tries", actor=ADMIN)
    assert policy("care.tries") == 3
    assert AuditEntry.objects.filter(verb="policy.withdrawn").count() == 2
    with pytest.raises(RuleBroken) as no:
        withdraw_policy("care.tries", actor=ADMIN)
    assert no.value.code == "policies.nothing_to_withdraw"
    assert PolicySetting.objects.count() == 4


def test_the_same_value_again_writes_nothing(db: None) -> None:
    first = set_policy("care.tries", 5, actor=ADMIN)
    assert set_policy("care.tries", 5, actor=ADMIN) == first
    assert PolicySetting.objects.count() == AuditEntry.objects.count() == 1


REFUSED = [
    ({"value": 0}, "policies.value", "must not be below 1"),
    ({"value": 10}, "policies.value", "must not be above 9"),
    ({"value": "5"}, "policies.value", "whole number"),
    ({"value": True}, "policies.value", "whole number"),
    ({"value": None}, "policies.value", "whole number"),
    ({"key": "care.share", "value": 1.5}, "policies.value", "must be a number"),
    ({"key": "care.share", "value": Decimal("NaN")}, "policies.value", "must be a number"),
    ({"key": "care.share", "value": Decimal("100.01")}, "policies.value", "above 100"),
    ({"key": "care.wait", "value": timedelta(minutes=59)}, "policies.value", "below 1"),
    ({"key": "care.wait", "value": timedelta(days=31)}, "policies.value", "above 720"),
    ({"key": "care.wait", "value": 48}, "policies.value", "length of time"),
    ({"key": "care.on", "value": 1}, "policies.value", "yes or no"),
    ({"key": "care.tone", "value": "rude"}, "policies.value", "one of warm, formal"),
    ({"key": "care.tone", "value": "warm\x00"}, "policies.value", "cannot be shown"),
    ({"key": "care.tone", "value": "x" * 501}, "policies.value", "longer than 500"),
    ({"key": "care.hours", "value": [(540, 700), (600, 800)]}, "policies.value", "overlap"),
    ({"key": "care.hours", "value": 5}, "policies.value", "list of pairs"),
    ({"key": "care.steps", "value": [["a"]]}, "policies.value", "two columns"),
    ({"key": "care.steps", "value": {1, 2}}, "policies.value", "plain values"),
    ({"key": "care.steps", "value": [["a", float("nan")]]}, "policies.value", "plain values"),
    ({"key": "care.steps", "value": [["a", "x" * 70_000]]}, "policies.value", "too large"),
    ({"key": "care.steps", "value": [["a", "\x00"]]}, "policies.value", "cannot be stored"),
    ({"scope": "UNIT"}, "policies.scope", "Name the"),
    ({"scope": "UNIT", "scope_ref": "hall"}, "policies.scope", "Name the"),
    ({"scope": "SEGMENT", "scope_ref": "x" * 41}, "policies.scope", "Name the"),
    ({"scope_ref": "VIP"}, "policies.scope", "Name the"),
    ({"scope": "PLANET", "scope_ref": "1"}, "policies.scope", "everywhere"),
    ({"effective_from": NOW - timedelta(seconds=1)}, "policies.past", "in the past"),
    ({"note": "x" * 201}, "policies.note", "200"),
]


@pytest.mark.parametrize(("wrong", "code", "words"), REFUSED)
def test_wrong_decisions_are_refused_with_words_and_nothing_happens(
    frozen: None, db: None, wrong: dict, code: str, words: str
) -> None:
    given = {"key": "care.tries", "value": 5, **wrong}
    with translation.override("en"), pytest.raises(RuleBroken) as no:
        set_policy(given.pop("key"), given.pop("value"), actor=ADMIN, **given)
    assert no.value.code == code
    assert words in no.value.message
    nothing_happened()


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("care.tries", " 5 ", 5),
        ("care.share", "33.30", Decimal("33.30")),
        ("care.wait", "1.5", timedelta(minutes=90)),
        ("care.on", "No", False),
        ("care.tone", "formal", "formal"),
        ("care.hours", "09:00-12:00, 22:00-06:00", (Window(540, 720), Window(1320, 1800))),
        ("care.steps", '[["b", 2]]', [["b", 2]]),
    ],
)
def test_values_as_people_type_them_are_stored_and_read_again(db: None, key: str, text: str, value: Any) -> None:
    read = from_text(definition(key), text)
    assert read == value
    set_policy(key, read, actor=ADMIN)
    assert policy(key) == value
    assert from_text(definition(key), as_text(definition(key), value)) == value


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("care.tries", "five"),
        ("care.tries", "5.0"),
        ("care.tries", "9" * 999),
        ("care.share", "1e999999"),
        ("care.share", "1,5"),
        ("care.share", "Infinity"),
        ("care.wait", "-1"),
        ("care.wait", "999999999999"),
        ("care.on", "maybe"),
        ("care.hours", "from nine"),
        ("care.steps", "[["),
        ("care.steps", "[" * 100_000),
    ],
)
def test_words_that_are_no_value_are_refused(key: str, text: str) -> None:
    with pytest.raises(RuleBroken) as no:
        from_text(definition(key), text)
    assert no.value.code == "policies.value"


def test_a_row_can_be_neither_changed_nor_deleted_nor_half_made(db: None) -> None:
    row = set_policy("care.tries", 5, actor=ADMIN)
    mine = PolicySetting.objects.filter(pk=row.pk)
    for act in (lambda: mine.update(note="x"), lambda: mine.delete()):
        with pytest.raises(Error, match="append"), transaction.atomic():
            act()
    given = {"key": "care.tries", "effective_from": NOW, "created_at": NOW, "source": "x"}
    for wrong in (
        {"value": None},
        {"value": 1, "withdrawn": True},
        {"value": 1, "scope": "UNIT"},
        {"value": 1, "scope_ref": "1"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PolicySetting.objects.create(**given, **wrong)
    assert PolicySetting.objects.count() == 1


# Pages.


def test_the_list_shows_value_overrides_and_next_change_in_one_query(
    frozen: None, db: None, django_assert_num_queries: Any
) -> None:
    set_policy("care.tries", 5, actor=ADMIN)
    set_policy("care.tries", 6, actor=ADMIN, scope="UNIT", scope_ref=31)
    set_policy("care.tries", 7, actor=ADMIN, effective_from=NOW + timedelta(days=1))
    set_policy("care.wait", timedelta(hours=9), actor=ADMIN, scope="SEGMENT", scope_ref="VIP")
    withdraw_policy("care.wait", actor=ADMIN, scope="SEGMENT", scope_ref="VIP")
    with django_assert_num_queries(1):
        lines = {line.policy.key: line for line in list_policies()}
    assert sorted(lines) == [one.key for one in definitions()]
    tries, wait = lines["care.tries"], lines["care.wait"]
    assert (tries.value, tries.is_shipped, tries.overrides, tries.next_change.value) == (5, False, 1, 7)
    assert (wait.value, wait.text, wait.is_shipped, wait.overrides, wait.next_change) == (
        timedelta(hours=48),
        "48",
        True,
        0,
        None,
    )
    assert tries.app == "care"


def test_the_history_has_old_and_new_the_newest_first(frozen: None, db: None) -> None:
    set_policy("care.wait", timedelta(hours=9), actor=ADMIN)
    set_policy("care.wait", timedelta(hours=5), actor=ADMIN, scope="UNIT", scope_ref=31)
    withdraw_policy("care.wait", actor=ADMIN)
    assert [(change.setting.scope, change.old, change.new) for change in policy_history("care.wait")] == [
        ("GLOBAL", "9", None),
        ("UNIT", None, "5"),
        ("GLOBAL", "48", "9"),
    ]


def test_why_a_value_holds_is_told_place_by_place(frozen: None, db: None) -> None:
    set_policy("care.tries", 5, actor=ADMIN, scope="UNIT", scope_ref=7)
    with translation.override("en"):
        found = effective("care.tries", unit=HALL, segment="VIP")
        assert (found.value, found.setting.scope_ref) == (5, "7")
        assert found.explanation.in_words() == [
            "Unit 31 has no value of its own.",
            "Unit 7 has 5 since 2026-03-02 12:00.",
        ]
        shipped = effective("care.wait", segment="VIP")
        assert (shipped.value, shipped.setting) == (timedelta(hours=48), None)
        assert shipped.explanation.in_words() == [
            "Segment VIP has no value of its own.",
            "No value was set for everybody.",
            "The shipped value 48 holds.",
        ]
        assert shipped.explanation.steps[-1].source == "P6"


def test_why_and_the_value_agree(frozen: None, db: None) -> None:
    set_policy("care.tries", 4, actor=ADMIN)
    set_policy("care.tries", 5, actor=ADMIN, scope="SEGMENT", scope_ref="VIP")
    set_policy("care.tries", 6, actor=ADMIN, scope="UNIT", scope_ref=1, effective_from=NOW + timedelta(days=1))
    withdraw_policy("care.tries", actor=ADMIN, scope="SEGMENT", scope_ref="VIP", effective_from=NOW + timedelta(days=2))
    for days in range(-1, 4):
        for unit in (None, HALL, 7):
            for segment in (None, "VIP"):
                asked = {"at": NOW + timedelta(days=days), "unit": unit, "segment": segment}
                assert effective("care.tries", **asked).value == policy("care.tries", **asked)


# Freshness.


def in_another_thread(act: Any) -> Any:
    """What `act` returns in a thread with its own connection."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(act())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    return found[0]


def another_process_sets(value: int) -> None:
    """A row committed by a process that cannot tell this one."""
    in_another_thread(
        lambda: PolicySetting.objects.create(
            key="care.tries", value=value, effective_from=NOW, created_at=NOW, source="x"
        )
    )


@pytest.mark.django_db(transaction=True)
def test_reads_ask_the_database_at_most_once_in_two_seconds(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    ticks = [1_000.0]
    monkeypatch.setattr(reading.time, "monotonic", lambda: ticks[0])
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 2.0)
    reading.forget()
    with django_assert_num_queries(1):
        assert policy("care.tries") == 3
    another_process_sets(5)
    ticks[0] += 1.9
    with django_assert_num_queries(0):
        assert policy("care.tries") == 3
    ticks[0] += 0.2
    with django_assert_num_queries(2):
        assert policy("care.tries") == 5
    ticks[0] += 3
    with django_assert_num_queries(1):
        assert [policy("care.tries") for _ in range(9)] == [5] * 9


@pytest.mark.django_db(transaction=True)
def test_a_transaction_sees_equal_values_and_the_next_request_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RECHECK_SECONDS", 0.0)
    reading.forget()
    with transaction.atomic():
        assert policy("care.tries") == 3
        another_process_sets(5)
        assert policy("care.tries") == 3
    request_started.send(sender=None)
    with transaction.atomic():
        assert policy("care.tries") == 5


@pytest.mark.django_db(transaction=True)
def test_a_writer_sees_its_own_change_nobody_else_before_the_commit_everybody_after() -> None:
    assert policy("care.tries") == 3
    with transaction.atomic():
        set_policy("care.tries", 5, actor=ADMIN)
        assert policy("care.tries") == 5
        assert in_another_thread(lambda: policy("care.tries")) == 3
    assert policy("care.tries") == 5
    assert in_another_thread(lambda: policy("care.tries")) == 5


@pytest.mark.django_db(transaction=True)
def test_a_roll_back_leaves_nothing_behind() -> None:
    with transaction.atomic():
        set_policy("care.tries", 4, actor=ADMIN)
        with transaction.atomic():
            set_policy("care.tries", 5, actor=ADMIN)
            assert policy("care.tries") == 5
            transaction.set_rollback(True)
        assert policy("care.tries") == 4
        transaction.set_rollback(True)
    with transaction.atomic():
        assert policy("care.tries") == 3
    assert policy("care.tries") == 3
    nothing_happened()


@pytest.mark.django_db(transaction=True)
def test_two_writers_take_turns_and_each_keeps_the_value_it_replaced() -> None:
    start = threading.Barrier(2)

    def write(value: int) -> None:
        try:
            connection.ensure_connection()
            start.wait(10)
            set_policy("care.tries", value, actor=ADMIN)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write, args=(value,)) for value in (5, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    first, second = PolicySetting.objects.order_by("pk")
    assert (first.old_value, second.old_value) == (3, first.value)
    assert {first.value, second.value} == {5, 6}
    assert policy("care.tries") == second.value
