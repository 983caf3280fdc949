"""The pages staff open all day, and what an idle installation takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.searches import some_refs
from bench.server import Cost, Server, signed_in
from bench.table import Figure

ROUNDS = 300


def customer_page(server: Server) -> Cost:
    """The cost of the customer page for a branch agent, over many customers."""
    refs = some_refs(ROUNDS)
    return server.measure(
        [("GET", f"/customers/{refs[i % len(refs)]}/", "") for i in range(ROUNDS)], signed_in("agent")
    )


def measure(server: Server, before: Cost, small: int, customers: int) -> list[Figure]:
    """Customer page, home, the follow-up queue, and a manager's list."""
    agent = signed_in("agent")
    page = customer_page(server)
    home = server.measure([("GET", "/", "")] * ROUNDS, agent)
    bare = server.measure([("GET", "/bench/bare-page/", "")] * ROUNDS, agent)
    lists = ["?view=mine", "?view=mine&due=overdue", "?view=mine&kind=CALLBACK", "?view=all&due=today", "?view=all"]
    queue = server.measure(
        [("GET", f"/follow-ups/{lists[n % len(lists)]}", "") for n in range(ROUNDS)],
        agent | {"HX-Request": "true", "HX-Target": "results"},
    )
    whole = server.measure([("GET", "/follow-ups/?view=all", "")] * ROUNDS, agent)
    book = _book(server)
    return [
        Figure("customer page", "CPU a request", page.cpu, 15, "ms"),
        Figure("customer page", "p95", page.p95, 200, "ms"),
        Figure(
            "customer page",
            f"p95 at {customers:,} to {small:,}",
            page.p95 / before.p95,
            1.3,
            "x",
            note=f"{before.p95:.1f} -> {page.p95:.1f} ms",
        ),
        Figure("home", "CPU a request", home.cpu, 15, "ms"),
        Figure("home", "p95", home.p95, 200, "ms"),
        Figure("follow-up queue, filtered", "CPU a request", queue.cpu, 5, "ms", note=f"bare page {bare.cpu:.1f} ms"),
        Figure(
            "follow-up queue, filtered",
            "p95 to bare page",
            queue.p95 / bare.p95,
            3,
            "x",
            note=f"bare {bare.p95:.1f} ms",
        ),
        Figure("follow-up queue, whole page", "CPU a request", whole.cpu, 15, "ms"),
        Figure("a manager's list, filtered", "CPU a request", book.cpu, 5, "ms"),
        Figure("a manager's list, filtered", "p95 to bare page", book.p95 / bare.p95, 3, "x"),
    ]


def _book(server: Server) -> Cost:
    """The orders and filters of the list of a branch's account manager."""
    views = ["", "?sort=contract", "?sort=name", "?quiet=90", "?complete=low"]
    return server.measure(
        [("GET", f"/my-customers/{views[n % len(views)]}", "") for n in range(ROUNDS)],
        signed_in("m0") | {"HX-Request": "true", "HX-Target": "results"},
    )


def footprint(server: Server) -> list[Figure]:
    """Seconds until the web answers, and the memory of the master and its two idle workers."""
    pids = [
        server.process.pid,
        *map(
            int,
            subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True, check=True
            ).stdout.split(),
        ),
    ]
    shares = sum(_proportional_kb(pid) for pid in pids)
    return [
        Figure("web", "start", server.started_in, 2, "s"),
        Figure("web", "memory of two workers", shares / 1_024, 160, "MB"),
    ]


def _proportional_kb(pid: int) -> int:
    """Memory of a process with shared pages counted in parts."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise SystemExit(f"no memory figure for process {pid}")
