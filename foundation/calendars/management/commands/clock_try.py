"""`manage clock_try FILE.jsonl`: ask a clock how it stands in written cases; the database is not touched."""

from __future__ import annotations

from foundation.calendars.trying import try_clock
from foundation.common.trying import TryCommand


class Command(TryCommand):
    help = "Ask clocks how they stand, one JSON object a line (format: docs/try.md); '-' reads standard input."
    answer = staticmethod(try_clock)
