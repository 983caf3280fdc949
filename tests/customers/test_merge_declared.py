"""Each model with a customer key says what a merge does with its rows."""

from __future__ import annotations

from foundation.common.merging import OnMerge, customer_keys, keys_of, stray_declarations


def test_each_customer_key_says_what_a_merge_does() -> None:
    silent = [str(key) for key in customer_keys() if not isinstance(key.rule, OnMerge)]
    assert not silent, f"no on_merge (foundation/common/merging.py) for: {', '.join(silent)}"


def test_nothing_is_declared_of_a_column_that_is_not_there() -> None:
    assert stray_declarations() == []


def test_keys_are_found_by_what_they_point_to_and_by_their_name() -> None:
    moved = {str(key) for key in keys_of(OnMerge.MOVE)}
    assert {
        "customers.ContactPoint.customer",
        "customers.Customer.parent",
        "interactions.Interaction.customer",
    } <= moved
    assert "audit.AuditEntry.customer_id" in {str(key) for key in keys_of(OnMerge.READ_THROUGH)}
