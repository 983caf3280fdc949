"""`manage gate_try FILE.jsonl`: ask the gate about written cases; nothing is written to the database."""

from __future__ import annotations

from foundation.common.trying import TryCommand
from outreach.trying import try_gate


class Command(TryCommand):
    help = "Ask the gate about cases, one JSON object a line (format: docs/try.md); '-' reads standard input."
    answer = staticmethod(try_gate)
