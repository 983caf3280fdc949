"""Each kind of search: what the page costs, what its statements cost beside the raw select, and their plans."""

from __future__ import annotations

import random
import secrets
import statistics
import time
from collections.abc import Callable

from django.db import connection

from bench import raw, world
from bench.server import Server, csrf_of, signed_in
from bench.table import Figure
from customers.finding import search
from customers.models import FindName, FindNumber, SearchLink
from customers.sample import words_zh as words
from foundation.common.ids import to_text
from staff.models import User

ROUNDS = 300
PAGE_SIZE = 26


def measure(server: Server, customers: int) -> list[Figure]:
    """Figures of every kind of search, for a branch agent and for one who sees everything."""
    chance = random.Random(7)
    numbers = [world.mobile(chance.randrange(customers)) for _ in range(ROUNDS)]
    foreign = _numbers_seen_by("agent", seen=False)
    pairs = _common_pairs()
    queries: dict[str, Callable[[], str]] = {
        "full number of another unit": lambda: chance.choice(foreign),
        "last 4 digits": lambda: f"{chance.randrange(10_000):04d}",
        "number prefix": lambda: chance.choice(numbers)[:7],
        "two characters of a name": lambda: chance.choice(pairs),
        "name prefix": lambda: chance.choice(list(words.SURNAMES)[:20]) + chance.choice(pairs)[0],
        "initials": lambda: "".join(chance.choices("wzlcyhx", k=3)),
        "pinyin": lambda: chance.choice(["wangwei", "lina", "zhang", "chenjie", "liuyang"]),
        "city": lambda: chance.choice(words.CITIES)[0],
    }
    figures = _look_up(server)
    for name, make in queries.items():
        texts = [make() for _ in range(ROUNDS)]
        figures += _page(server, name, texts)
        figures += [_plan(name, texts[0], username) for username in ("agent", "gm")]
    figures += _raw_lookup(numbers)
    return figures


def _common_pairs() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gram FROM customer_name_gram GROUP BY gram ORDER BY count(*) DESC LIMIT 20")
        return [gram for (gram,) in cursor.fetchall()]


def _numbers_seen_by(username: str, *, seen: bool) -> list[str]:
    """Some line numbers of customers inside or outside a user's branch."""
    unit = User.objects.get(username=username).unit
    rows = FindNumber.objects.filter(kind="LINE", value__startswith="13").order_by("-customer_id")
    inside = {"unit_no__range": (unit.no, unit.last_no)}
    rows = rows.filter(**inside) if seen else rows.exclude(**inside)
    return list(rows.values_list("value", flat=True)[:ROUNDS])


def _look_up(server: Server) -> list[Figure]:
    """A full number typed into the search box, until the browser is sent to the customer."""
    headers = signed_in("agent")
    token = csrf_of(server, headers)
    numbers = _numbers_seen_by("agent", seen=True)
    cost = server.measure(
        [("POST", "/search/", f"csrfmiddlewaretoken={token}&q={number}") for number in numbers], headers
    )
    bare = server.measure([("GET", "/bench/bare/", "")] * ROUNDS, headers)
    return [
        Figure("look-up: full number", "CPU a request", cost.cpu, 4, "ms", note=f"bare view {bare.cpu:.1f} ms"),
        Figure("look-up: full number", "p50", cost.p50, 10, "ms"),
        Figure("look-up: full number", "p95 to bare view", cost.p95 / bare.p95, 4, "x", note=f"bare {bare.p95:.1f} ms"),
    ]


def _page(server: Server, name: str, texts: list[str]) -> list[Figure]:
    user = User.objects.get(username="agent")
    links = [SearchLink(token=secrets.token_urlsafe(16)[:22], user_id=user.pk, query=text) for text in texts]
    SearchLink.objects.bulk_create(links)
    headers = signed_in("agent")
    cost = server.measure([("GET", f"/search/{link.token}/", "") for link in links], headers)
    return [
        Figure(f"search: {name}", "CPU a request", cost.cpu, 5, "ms"),
        Figure(f"search: {name}", "p95", cost.p95, 10, "ms", note=f"p50 {cost.p50:.1f} ms"),
    ]


def _plan(name: str, text: str, username: str) -> Figure:
    """Every SELECT the search sends, explained: no sequential scan, at most 10 rows visited a row shown."""
    user = User.objects.get(username=username)
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(execute, sql, params, many, context):
        seen.append((sql, tuple(params or ())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        hits = search(user, text, PAGE_SIZE)
    faults = [
        fault
        for sql, params in seen
        if "customer_" in sql or "customers_customer" in sql or sql.startswith("EXECUTE")
        for fault in raw.plan_faults(sql, params, PAGE_SIZE)
    ]
    return Figure(
        f"search: {name} as {username}",
        "plan faults",
        len(faults),
        0,
        "",
        note="; ".join(faults)[:120] or f"{len(hits)} hits",
    )


def _raw_lookup(numbers: list[str]) -> list[Figure]:
    """Our statement for a full number against a bare prepared select of the same row."""
    limit = raw.prepared(
        "SELECT c.id, c.name FROM customer_find_number f JOIN customers_customer c ON c.id = f.customer_id"
        " WHERE f.value = $1 LIMIT 26",
        ["text"],
        [(number,) for number in numbers],
    )
    with connection.cursor() as cursor:
        times = []
        for number in numbers:
            start = time.perf_counter()
            cursor.execute(
                "SELECT customer_id, value, unit_no, manager_id FROM customer_find_number"
                " WHERE value = ANY(%s) AND kind <> 'EMAIL' ORDER BY customer_id DESC LIMIT %s",
                [[number], PAGE_SIZE],
            )
            cursor.fetchall()
            times.append((time.perf_counter() - start) * 1_000)
    ours = statistics.median(times)
    return [Figure("search: full number", "SQL to raw select", ours / limit, 2, "x", note=f"raw {limit:.2f} ms")]


def some_refs(count: int) -> list[str]:
    """URL references of customers spread over the table, visible to the branch agent."""
    low, high = User.objects.get(username="agent").unit.no, User.objects.get(username="agent").unit.last_no
    ids = (
        FindName.objects.filter(unit_no__range=(low, high))
        .order_by("-customer_id")
        .values_list("customer_id", flat=True)
    )
    return [to_text(pk) for pk in ids[:count]]
