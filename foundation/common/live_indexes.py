"""Indexes added while people work: on big tables, month by month on partitioned ones, and safe to try again."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently

from foundation.common.partitions import existing_partitions


class AddIndexLive(AddIndexConcurrently):
    """`AddIndexConcurrently` for plain and for partitioned tables; its migration says `atomic = False`.

    PostgreSQL cannot build an index on a partitioned table concurrently: each month gets its own first, so that the
    statement on the parent only ties them together. What an interrupted try left invalid is dropped and built anew,
    what it finished stays.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        table, name = model._meta.db_table, self.index.name
        months = existing_partitions(table)
        for month in months:
            self._build(schema_editor, model, month, f"{month}_{name.removeprefix(f'{table}_')}", live=True)
        self._build(schema_editor, model, table, name, live=not months)

    def _build(self, schema_editor: Any, model: Any, table: str, name: str, *, live: bool) -> None:
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [f'"{name}"'])
            if (left := cursor.fetchone()) and left[0]:
                schema_editor.execute(f'DROP INDEX {"CONCURRENTLY" if live else ""} "{name}"')
        create = str(self.index.create_sql(model, schema_editor, concurrently=live))
        create = create.replace(f'"{self.index.name}"', f'IF NOT EXISTS "{name}"', 1)
        schema_editor.execute(create.replace(f' ON "{model._meta.db_table}" ', f' ON "{table}" ', 1))

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drops the index; of a partitioned table with those of its months, which cannot be done concurrently."""
        model = from_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            live = "" if existing_partitions(model._meta.db_table) else "CONCURRENTLY"
            schema_editor.execute(f'DROP INDEX {live} IF EXISTS "{self.index.name}"')
