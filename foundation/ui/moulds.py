"""Templates rendered once with holes: what stands around every page costs a join instead of a rendering."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from foundation.ui.widgetry import said

_HOLE = re.compile("\x02([a-z-]+)\x03")
MOST = 2_048  # of some kilobytes each; a thousand staff in the same role share theirs
_moulds: dict[Hashable, list[str]] = {}


def hole(name: str) -> SafeString:
    """What stands in a mould where the value called `name` will go."""
    return SafeString(f"\x02{name}\x03")


def forget() -> None:
    """Cast everything anew, after a setting that shows in a mould was changed."""
    _moulds.clear()


def pour(
    template: str, looks: Hashable, context: Callable[[], dict[str, Any]], values: Mapping[str, Any]
) -> SafeString:
    """`template`, rendered once for all equal `looks` with `context()`, its holes filled with `values` (escaped unless
    safe). Raises KeyError for a hole without a value."""
    mould = _moulds.get((template, looks))
    if mould is None:
        if len(_moulds) >= MOST:
            forget()
        mould = _moulds[template, looks] = _HOLE.split(render_to_string(template, context()))
    pieces = mould.copy()
    pieces[1::2] = [said(values[name]) for name in pieces[1::2]]
    return SafeString("".join(pieces))
