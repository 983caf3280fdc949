"""Mapping files: those that ship, and what a wrong one is told."""

from __future__ import annotations

import pytest

from customers.imports.contents import mapping_keys, mapping_of
from customers.imports.mapping import LINE_FIELDS, parse
from foundation.common.errors import BadSetting

GOOD = {"title": "t", "source": "s", "key": "id", "customer": {"name": "n"}}


def test_five_ship_and_the_two_of_telco_share_a_source():
    assert mapping_keys() == ["careline", "comcast", "complaints", "telco-classic", "telco-full"]
    assert mapping_of("telco-classic").source == mapping_of("telco-full").source == "telco"
    assert mapping_of("careline").required_columns() == ["customer_no"]
    assert set(LINE_FIELDS) <= {spec.target for block in mapping_of("careline").lines for spec in block.specs}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"customer": {"nmae": "n"}}, "nmae is no field"),
        ({"customer": {"name": {"colum": "n"}}}, "colum"),
        ({"customer": {"name": {}}}, "needs a column, a constant or a template"),
        ({"line": [{"status": "s"}]}, "product_line, service_no must be given"),
        ({"key": None, "source": None, "title": None, "contact": 5}, "cannot be used"),
    ],
)
def test_a_wrong_mapping_names_its_fault(change, words):
    with pytest.raises(BadSetting, match=words):
        parse("mine", GOOD | change)
    assert parse("mine", GOOD).columns() == ["id", "n"]
