"""Find rows of what an import wrote."""

from __future__ import annotations

from django.db import connection

from customers.sample.find_rows import rebuild_find_rows


def refresh_find_rows(ids_sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(ids_sql)
        ids = [row[0] for row in cursor.fetchall()]
        for table in ("customer_find_name", "customer_find_number", "customer_name_gram"):
            cursor.execute(f"DELETE FROM {table} WHERE customer_id = ANY(%s)", [ids])
    rebuild_find_rows(ids)
