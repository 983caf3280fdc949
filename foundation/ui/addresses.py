"""Addresses without the search through the URL table, for pages that name the same view many times."""

from __future__ import annotations

from functools import cache

from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse

from foundation.common.ids import to_text

_MARK = 36**12 - 1  # twelve times z: no word of a path


def row_address(name: str, row_id: int) -> str:
    """`reverse(name, args=[row_id])` for a view with one `<id:pk>`."""
    before, after = _around(name, get_urlconf(), get_script_prefix())
    return f"{before}{to_text(row_id)}{after}"


def place(name: str) -> str:
    """`reverse(name)`; "" for a name nobody has."""
    return _place(name, get_urlconf(), get_script_prefix())


@cache
def _around(name: str, _urlconf: str | None, _prefix: str) -> tuple[str, str]:
    before, _sign, after = reverse(name, args=[_MARK]).rpartition(to_text(_MARK))
    return before, after


@cache
def _place(name: str, _urlconf: str | None, _prefix: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
