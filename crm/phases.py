"""Migrations in two phases, so that the old and the new version can run side by side during an upgrade.

Expand (before the new code starts): everything that adds. Contract (after the old code has ended): migrations
marked `careline_phase = "contract"`, which drop or tighten, and what depends on them. Each runs alone with a lock
time-out, so that it never makes the users' queries queue behind it; when a lock is not to be had it tries again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal

import structlog
from django.apps import apps
from django.core.management.sql import emit_post_migrate_signal
from django.db import OperationalError, connections
from django.db.migrations import AddField
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from foundation.common.errors import RuleBroken

log = structlog.get_logger(__name__)
Phase = Literal["expand", "contract"]
Node = tuple[str, str]
LOCK_SECONDS = 3.0
WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"


def pending(alias: str) -> tuple[list[Node], list[Node]]:
    """The migrations not applied yet, in order: those of the expand phase, and those that must wait for contract."""
    executor = MigrationExecutor(connections[alias])
    graph = executor.loader.graph
    expand: list[Node] = []
    contract: list[Node] = []
    for migration, _backwards in executor.migration_plan(graph.leaf_nodes()):
        node = (migration.app_label, migration.name)
        marked = getattr(migration, "careline_phase", "expand") == "contract"
        blocked = marked or any(before in contract for before in graph.forwards_plan(node))
        (contract if blocked else expand).append(node)
    return expand, contract


def migrate_phase(
    phase: Phase, *, alias: str, pause: Any, lock_seconds: float = LOCK_SECONDS, waits: tuple[float, ...] = WAITS
) -> Iterator[Node]:
    """Apply one phase, yielding each migration when it is done. `pause(seconds)` waits between two tries.

    Raises RuleBroken: "migrations.expand_first" when contract is asked while something of expand is left,
    "migrations.locked" when a lock could not be had in all tries (what was done before stays done).
    """
    connection = connections[alias]
    with connection.cursor() as cursor:
        # Two deployments at once: the second waits here and then finds nothing to do.
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT pg_advisory_lock(hashtext('careline.migrate'))")
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{int(lock_seconds * 1000)}ms"])
    try:
        expand, contract = pending(alias)
        if phase == "contract" and expand:
            raise RuleBroken("migrations.expand_first", f"{len(expand)} migrations of the expand phase are left")
        nodes = expand if phase == "expand" else contract
        for node in nodes:
            _apply(node, alias, pause, waits)
            yield node
        analyse_grown(nodes, alias=alias)
        emit_post_migrate_signal(verbosity=0, interactive=False, db=alias)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext('careline.migrate'))")
            cursor.execute("RESET lock_timeout")


def analyse_grown(nodes: list[Node], *, alias: str) -> list[str]:
    """ANALYZE the tables to which migrations added a column; returns their names.

    Of a column without statistics the planner takes any condition for rare; the database itself looks only after many
    changes. Waits for its lock as long as need be: no reader or writer queues behind it.
    """
    migrations = MigrationLoader(None).disk_migrations or {}
    tables = set()
    for node in nodes:
        for step in migrations[node].operations:
            if isinstance(step, AddField):
                with suppress(LookupError):  # a model a later version took away
                    tables.add(apps.get_model(node[0], step.model_name)._meta.db_table)
    with connections[alias].cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        for table in sorted(tables):
            cursor.execute(f'ANALYZE "{table}"')
    return sorted(tables)


def _apply(node: Node, alias: str, pause: Any, waits: tuple[float, ...]) -> None:
    for wait in (*waits, None):
        try:
            MigrationExecutor(connections[alias]).migrate([node])
        except OperationalError as error:
            code = getattr(error.__cause__, "pgcode", None)
            if code not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                raise
            if wait is None:
                words = f"{node[0]}.{node[1]} could not get its lock in {len(waits) + 1} tries; try again later"
                raise RuleBroken("migrations.locked", words) from error
            log.warning("migration_waits_for_lock", migration=".".join(node), seconds=wait)
            pause(wait)
        else:
            return
