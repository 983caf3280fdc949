"""Keys of policies in code, and values as people type them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from foundation.calendars.windows import Window
from foundation.common.errors import BadSetting, RuleBroken
from foundation.policies.kinds import as_text, from_text
from foundation.policies.queries import policy_history
from foundation.policies.reading import policy
from foundation.policies.registry import define, definition, definitions
from foundation.policies.services import set_policy
from tests.policies.making import ADMIN

pytestmark = pytest.mark.usefixtures("keys")


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
