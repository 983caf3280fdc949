"""How long the sample operator takes: who tries the product waits for it once."""

from __future__ import annotations

import time

from django.db import transaction

from bench.table import Figure
from workspace.sample import make_sample_operator

LIMIT_SECONDS = 15.0


def measure() -> list[Figure]:
    """Make it in an empty database, and take it back."""
    with transaction.atomic():
        begun = time.monotonic()
        made = make_sample_operator("password-of-the-benchmark")
        took = time.monotonic() - begun
        transaction.set_rollback(True)
    return [Figure("sample operator", f"{made.customers:,} customers", took, LIMIT_SECONDS, "s")]
