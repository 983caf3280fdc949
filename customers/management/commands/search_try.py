"""`manage search_try FILE.jsonl`: search as somebody would; nothing is written to the database."""

from __future__ import annotations

from customers.finding.trying import try_search
from foundation.common.trying import TryCommand


class Command(TryCommand):
    help = "Search for texts as certain people, one JSON object a line (format: docs/try.md); '-' reads standard input."
    answer = staticmethod(try_search)
