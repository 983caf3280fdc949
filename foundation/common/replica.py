"""Reading from a replica: only what is marked does, so that nobody misses on a page what he has just saved.

    with read_from_replica():
        …                               # QuerySets and reading_connection() ask the replica, when there is one

The mark is for work that reads much and may be some seconds behind: reports, exports, looks over everything. Settings
name the router when REPLICA_DATABASE_URL is set, and make that connection refuse to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

REPLICA = "replica"
_marked: ContextVar[bool] = ContextVar("careline_read_from_replica", default=False)


@contextmanager
def read_from_replica() -> Iterator[None]:
    """Reads inside the block may go to the replica; writes, and what is read to be written (row locks), never do."""
    token = _marked.set(True)
    try:
        yield
    finally:
        _marked.reset(token)


def reading_connection() -> Any:
    """The connection for SQL that only reads: the replica's inside `read_from_replica()`, if there is one."""
    return connections[REPLICA if _marked.get() and REPLICA in connections else DEFAULT_DB_ALIAS]


class ReplicaRouter:
    """Sends marked reads of models to the replica and everything else to the server itself."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return REPLICA if _marked.get() else DEFAULT_DB_ALIAS

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        # Also for objects that were read from the replica.
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        return True  # both hold the same rows

    def allow_migrate(self, db: str, _app: str, **_hints: Any) -> bool | None:
        return False if db == REPLICA else None
