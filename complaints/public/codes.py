"""The code that opens the status page of a case together with its number."""

from __future__ import annotations

import re
import secrets

# Without letters and digits that are mistaken for one another when read out.
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
LENGTH = 10
_NOISE = re.compile(r"[\s\-–—_.]+")


def new_code() -> str:
    """A new code, one of 30^10, so that none is guessed."""
    return "".join(secrets.choice(_LETTERS) for _one in range(LENGTH))


def said_code(code: str) -> str:
    """The code as it is written and read out: in two halves."""
    return f"{code[:5]}-{code[5:]}"


def typed_code(text: str) -> str:
    """A code as it was typed or pasted, in its one spelling; whether it is one shows when it is compared."""
    return _NOISE.sub("", text[:60]).upper()[:24]
