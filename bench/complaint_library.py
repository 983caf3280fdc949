"""The library of complaints at size: searching common, middling and rare words, and several at once, among all closed
cases, for who sees a branch and who sees everything (CMP-15)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import connection

from bench.server import Cost, Server, signed_in
from bench.table import Figure
from complaints.models import LibraryEntry
from customers.models import SearchLink
from foundation.common import clock
from staff.models import User

WORDS, A_CASE, ROUNDS = 10_000, 12, 200
# Words that fill a page with few cases already, and rare ones; from one of two cases to one of some thousands.
COMMON = ("woordaa", "woordbk", "woordaa woordab")
RARE = ("woordzz", "woordup9999", "woordaa woordzz")

# Words are drawn by the cube of an even number: the first stands in nearly half of the cases, the last in very few.
_WORD = """'woord' || chr(97 + (w / 26) % 26) || chr(97 + w % 26) || CASE WHEN w < 676 THEN '' ELSE w::text END"""
_FILL = f"""
INSERT INTO complaints_libraryword (complaint_id, word)
SELECT DISTINCT c.id, {_WORD} FROM complaints_complaint c CROSS JOIN generate_series(1, {A_CASE}) AS k
CROSS JOIN LATERAL (SELECT floor({WORDS} * power(
  ((hashint8(c.id + k * 7919)::bigint + 2147483648) / 4294967296.0)::float8, 3))::int AS w) drawn
WHERE NOT EXISTS (SELECT FROM complaints_libraryentry e WHERE e.complaint_id = c.id)
"""


def fill() -> int:
    """Give every case without them its words; how many cases stand in the library then."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL)
        cursor.execute(
            "INSERT INTO complaints_libraryentry (complaint_id, closed_at, read_at)"
            " SELECT id, closed_at, %s FROM complaints_complaint ON CONFLICT DO NOTHING",
            [clock.now()],
        )
        cursor.execute("ANALYZE complaints_libraryword")
    return LibraryEntry.objects.count()


def cost(server: Server, people: Sequence[str], asked: Sequence[str] = COMMON) -> dict[str, Cost]:
    """What a search costs each of the people."""
    found = {}
    for name in people:
        user = User.objects.get(username=name)
        links = [
            SearchLink.objects.create(token=secrets.token_urlsafe(24), user_id=user.pk, query=words) for words in asked
        ]
        paths = [f"/complaints/library/?words={link.token}" for link in links]
        found[name] = server.measure([("GET", paths[n % len(paths)], "") for n in range(ROUNDS)], signed_in(name))
    return found


def figures(server: Server, before: dict[str, Cost], few: int, many: int) -> list[Figure]:
    """Pages within their budget, rare words too; common ones no dearer with many cases than with few."""
    rows = []
    people = list(before)
    after, rare = cost(server, people), cost(server, people, RARE)
    for name, now in after.items():
        then, what = before[name], f"library of complaints as {name}"
        worst = max(now.p95, rare[name].p95)
        rows.append(Figure(what, "p95", worst, 200, "ms", note=f"rare words {rare[name].p95:.1f} ms"))
        note = f"{then.cpu:.1f} -> {now.cpu:.1f} ms"
        rows.append(Figure(what, f"CPU at {many:,} to {few:,}", now.cpu / then.cpu, 1.5, "x", note=note))
    return rows
