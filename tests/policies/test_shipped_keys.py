"""Every key the product ships says where its value comes from and what it does."""

from __future__ import annotations

import re

from django.apps import apps
from django.utils import translation

from foundation.policies.kinds import Kind, as_text, checked, from_stored, from_text, stored
from foundation.policies.registry import definitions

# A tag of the rulebook (D§28), several joined by a comma.
SOURCE = re.compile(r"(D|G|R\d{1,2}|P\d{1,2}[a-z]?|S[0-4])(, ?(D|G|R\d{1,2}|P\d{1,2}[a-z]?|S[0-4]))*")


def test_every_key_has_a_source_tag_a_short_title_and_a_help_text() -> None:
    with translation.override("en"):
        for policy in definitions():
            assert SOURCE.fullmatch(policy.source), policy.key
            assert len(str(policy.help)) >= 10, policy.key
            assert str(policy.title) != str(policy.help) and len(str(policy.title)) <= 40, policy.key


def test_every_key_belongs_to_an_installed_app() -> None:
    labels = {config.label for config in apps.get_app_configs()}
    assert [policy.key for policy in definitions() if policy.key.partition(".")[0] not in labels] == []


def test_every_number_has_its_unit() -> None:
    numbers = (Kind.INT, Kind.DECIMAL, Kind.DURATION)
    assert [policy.key for policy in definitions() if policy.kind in numbers and not policy.unit] == []


def test_every_shipped_value_keeps_its_own_rule_and_can_be_stored_and_typed() -> None:
    for policy in definitions():
        assert checked(policy, policy.default) == policy.default
        assert from_stored(policy, stored(policy, policy.default)) == policy.default
        assert from_text(policy, as_text(policy, policy.default)) == policy.default
