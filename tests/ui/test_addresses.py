"""Addresses made without a search are those `reverse` makes."""

from __future__ import annotations

import pytest
from django.urls import NoReverseMatch, reverse

from foundation.ui.addresses import place, row_address


@pytest.mark.parametrize("row_id", [0, 1, 35, 36, 134731316330496000, 36**12 - 1, 2**63 - 1])
@pytest.mark.parametrize("name", ["customers:customer-detail", "outreach:followup-row", "outreach:followup-detail"])
def test_the_address_of_a_row(name: str, row_id: int) -> None:
    assert row_address(name, row_id) == reverse(name, args=[row_id])


def test_the_address_of_a_place() -> None:
    assert place("outreach:followup-list") == reverse("outreach:followup-list")
    assert place("nowhere:at-all") == ""
    with pytest.raises(NoReverseMatch):
        row_address("nowhere:at-all", 1)
