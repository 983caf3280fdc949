"""Traditional and variant characters of names, each with the simplified one it is found by.

One character for one, for comparing only: what is stored and shown stays as it is. The table (variants.txt) holds the
characters of surnames, given names, companies and places; pairs whose simplification loses a difference names keep are
left out (for one that is read otherwise, and for two living characters).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def variants() -> dict[int, str]:
    """Code point -> the character it is found by."""
    text = files("customers.finding").joinpath("variants.txt").read_text(encoding="utf-8")
    return {ord(pair[0]): pair[1] for pair in text.split()}


def simplified(text: str) -> str:
    """`text` with the simplified character in the place of each traditional one."""
    return text if text.isascii() else text.translate(variants())
