"""Decisions as rows: which one wins, what was before, and why."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction
from django.utils import translation

from foundation.audit.models import AuditEntry
from foundation.common.errors import RuleBroken
from foundation.policies.models import PolicySetting
from foundation.policies.queries import effective, list_policies, policy_history
from foundation.policies.reading import policy
from foundation.policies.registry import definitions
from foundation.policies.services import set_policy, withdraw_policy
from tests.policies.making import ADMIN, NOW, nothing_happened

pytestmark = pytest.mark.usefixtures("keys")

HALL = SimpleNamespace(path_ids=[31, 7, 1])  # a hall, its branch, the company


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
