"""Pieces of sentences that every app needs, the lowest included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _


def join_words(words: Iterable[Any]) -> str:
    """A list as people read it in the active language: `a, b, c`. Empty words are left out; lazy ones are spelled."""
    return _(", ").join(word for word in map(str, words) if word)
