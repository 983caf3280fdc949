"""The copy of a row a form was opened with, sealed into the form: what was on file when the person began.

A save is made on a copy. When the row has changed meanwhile, the page shows field by field what was, what the person
wrote and what is on file now; and what was masked in the form is not in it in clear either, so the copy is encrypted.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from foundation.common import crypto
from foundation.common.errors import BadSetting


def sealed(row_id: int, values: Mapping[str, Any]) -> str:
    """`values` (field -> text, number, bool or None; dates as text) bound to the row, for a hidden input."""
    return urlsafe_b64encode(crypto.encrypt(json.dumps(values), row_id=row_id)).decode()


def opened(row_id: int, token: str) -> dict[str, Any]:
    """What `sealed` was given; nothing for a token that was not made for the row."""
    try:
        values: dict[str, Any] = json.loads(crypto.decrypt(urlsafe_b64decode(token), row_id=row_id))
    except (ValueError, BadSetting):
        return {}
    return values


def plain(value: Any) -> Any:
    """A value as a copy holds it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def copy_of(row: Any, fields: Iterable[str]) -> dict[str, Any]:
    """The fields of a row as a copy holds them."""
    return {field: plain(getattr(row, field)) for field in fields}
