"""Business numbers (D§1.8): prefix + yyyymmdd + digits, never reused, gaps allowed, no hot row (recipes §4).

Two cycling sequences per prefix, for even and odd days; the day is the business day. At noon the clock resets
tomorrow's sequence, when nobody draws from it. Resetting today's at midnight would double numbers.
"""

from __future__ import annotations

from datetime import date, timedelta

from django.db import connection

from foundation.common import clock
from foundation.common.prepared import prepared

DIGITS = {"CU": 6, "CB": 6, "IN": 9, "IM": 6, "EX": 6, "FA": 6, "SG": 6, "RR": 6, "MG": 6, "DU": 6, "CP": 6}
EPOCH_DAY = date(2000, 1, 1)


def sequence_name(prefix: str, day: date) -> str:
    return f"number_{prefix.lower()}_{(day - EPOCH_DAY).days % 2}"


def next_number(prefix: str, day: date | None = None) -> str:
    """The next number of `prefix` on `day` (default: today in the business zone), e.g. "CB20261122000017"."""
    digits, day = DIGITS[prefix], day or clock.today()
    with connection.cursor() as cursor:
        cursor.execute(*prepared("SELECT nextval(%s::regclass)", [sequence_name(prefix, day)]))
        drawn = cursor.fetchone()[0]
    return f"{prefix}{day:%Y%m%d}{drawn:0{digits}d}"


def sql_number(prefix: str, day: date) -> str:
    """SQL expression giving the next number for each row of an INSERT … SELECT."""
    return (
        f"'{prefix}{day:%Y%m%d}' ||"
        f" lpad(nextval('{sequence_name(prefix, day)}'::regclass)::text, {DIGITS[prefix]}, '0')"
    )


def reset_tomorrow() -> None:
    """Set tomorrow's sequences back to 1. Safe to run at any hour, twice, or not at all."""
    tomorrow = clock.today() + timedelta(days=1)
    with connection.cursor() as cursor:
        for prefix in DIGITS:
            cursor.execute("SELECT setval(%s::regclass, 1, false)", [sequence_name(prefix, tomorrow)])


def create_sequences_sql(prefix: str) -> str:
    """DDL for a migration that introduces `prefix`; a new database has it from the first migration on."""
    top = 10 ** DIGITS[prefix] - 1
    return "".join(
        f"CREATE SEQUENCE IF NOT EXISTS number_{prefix.lower()}_{odd} MINVALUE 1 MAXVALUE {top} CYCLE;"
        for odd in (0, 1)
    )
