"""Moulds: rendered once, filled each time, never with another's value."""

from __future__ import annotations

from uuid import uuid4

import pytest

from foundation.ui.moulds import hole, pour

TEMPLATE = "interactions/_call_chip.html"


def test_a_mould_is_rendered_once_and_filled_each_time():
    looks, rendered = str(uuid4()), []

    def context():
        rendered.append(1)
        return {"call": None, "seen": hole("seen")}

    first, second = (pour(TEMPLATE, looks, context, {"seen": text}) for text in ("one", '"><b>two'))
    assert 'value="one"' in first
    assert 'value="&quot;&gt;&lt;b&gt;two"' in second and "one" not in second
    assert len(rendered) == 1
    pour(TEMPLATE, str(uuid4()), context, {"seen": ""})
    assert len(rendered) == 2


def test_a_hole_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="seen"):
        pour(TEMPLATE, str(uuid4()), lambda: {"call": None, "seen": hole("seen")}, {})
