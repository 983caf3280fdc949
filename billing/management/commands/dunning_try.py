"""`manage dunning_try FILE.jsonl`: the ladder for written accounts; nothing is read from or written to the mirror."""

from __future__ import annotations

from billing.dunning.trying import try_dunning
from foundation.common.trying import TryCommand


class Command(TryCommand):
    help = (
        "Where written accounts stand on the ladder of arrears, one JSON object a line (format: docs/try.md); "
        "'-' reads standard input."
    )
    answer = staticmethod(try_dunning)
