"""Databases beside the test's own."""

from __future__ import annotations

from typing import Any


def drop_database(cursor: Any, name: str) -> None:
    """Not by force, which is refused while a cleaner of the server is at work there: a plain drop ends that one."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user", [name]
    )
    cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
