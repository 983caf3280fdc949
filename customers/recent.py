"""Recently viewed customers of a person (ui-guide §12.2): one statement to note one, one to read them.

Looking is no change of the archive: nothing of it is in the audit, and the list is the person's own.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from customers import visibility
from customers.models import Customer, RecentlyViewed
from staff.models import User

_NOTE = """
INSERT INTO customers_recentlyviewed AS kept (user_id, customer_ids) VALUES (%(user)s, ARRAY[%(customer)s]::bigint[])
ON CONFLICT (user_id) DO UPDATE
SET customer_ids = (%(customer)s || array_remove(kept.customer_ids, %(customer)s))[1:%(most)s]
WHERE kept.customer_ids[1] <> %(customer)s"""
_READ = """
SELECT c.*, {opened} AS is_opened
FROM (SELECT coalesce(m.merged_into_id, m.id) AS id, min(s.place) AS place FROM customers_recentlyviewed r
  CROSS JOIN LATERAL unnest(r.customer_ids) WITH ORDINALITY AS s (id, place)
  JOIN customers_customer m ON m.id = s.id WHERE r.user_id = %s GROUP BY 1) v
JOIN customers_customer c ON c.id = v.id ORDER BY v.place"""


def note_viewed(user: User, customer_id: int) -> None:
    """The user has opened the page of this customer now."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"user": user.pk, "customer": customer_id, "most": RecentlyViewed.KEPT})


def recently_viewed(user: User, *, most: int) -> list[Customer]:
    """Up to `most` customers the user opened last and may still see (D§3.1), the newest first: one query. For one
    who was merged into another that one is named, once."""
    opened, params = visibility.opens("c.id", user)
    rows: Any = Customer.objects.raw(_READ.format(opened=opened), [*params, user.pk])
    seen = [row for row in rows if row.is_visible_to(user, {row.pk} if row.is_opened else ())]
    return seen[:most]
