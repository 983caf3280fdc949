"""`manage credit_try FILE.jsonl`: judge the credit of written customers; nothing is written to the database."""

from __future__ import annotations

from billing.credit.trying import try_credit
from foundation.common.trying import TryCommand


class Command(TryCommand):
    help = "Judge the credit of cases, one JSON object a line (format: docs/try.md); '-' reads standard input."
    answer = staticmethod(try_credit)
