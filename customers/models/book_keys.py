"""The orders of a manager's list of customers, in the database: what an index holds and pages go by."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.db.models import Value
from django.db.models.functions import Coalesce

NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # the last contact of those who had none: they come first
NO_END = date(9999, 12, 31)  # the end of contract of those who have none: they come last


def contact_key(prefix: str = "") -> Coalesce:
    """The moment of the last contact, never null. `prefix`: the path to the facts."""
    return Coalesce(f"{prefix}last_contact_at", Value(NEVER))


def contract_key(prefix: str = "") -> Coalesce:
    """The day the next contract ends, never null."""
    return Coalesce(f"{prefix}contract_end", Value(NO_END))
