"""`manage value_try FILE.jsonl`: judge written customers; nothing is read from or written to the archive."""

from __future__ import annotations

from customers.value.trying import try_value
from foundation.common.trying import TryCommand


class Command(TryCommand):
    help = (
        "Judge the value of written customers, one JSON object a line (format: docs/try.md); '-' reads standard input."
    )
    answer = staticmethod(try_value)
