"""Complaints taken a second: the whole intake by its page, each one committed to disk, beside a bare view that inserts
one row for a signed-in user."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from bench.searches import some_refs
from bench.server import Server, csrf_of, signed_in
from bench.table import Figure

ROUNDS = 300


def measure(server: Server) -> list[Figure]:
    """CPU of one intake, and its rate beside the bare insert, one client."""
    agent = signed_in("agent")
    token = csrf_of(server, agent)
    refs = some_refs(ROUNDS)
    bodies = [
        {
            "csrfmiddlewaretoken": token,
            "token": secrets.token_urlsafe(18),
            "customer": refs[n % len(refs)],
            "text": "No signal at home since Sunday, nobody calls back.",
            "topic": "NETWORK.COVERAGE",
            "channel": "HOTLINE",
            "grade": "ORDINARY",
            "fact_where": "West Lake Road 3",
            "fact_since": "Sunday",
        }
        for n in range(ROUNDS + 20)
    ]
    # Those that warm it up are sent once: a form sent twice is one complaint.
    server.measure([("POST", "/complaints/new/", urlencode(body)) for body in bodies[:20]], agent, warm=0)
    intake = server.measure([("POST", "/complaints/new/", urlencode(body)) for body in bodies[20:]], agent, warm=0)
    bare = server.measure([("POST", "/bench/bare-insert/", f"csrfmiddlewaretoken={token}")] * ROUNDS, agent)
    return [
        Figure("intake of a complaint", "CPU a request", intake.cpu, 5, "ms", note=f"bare insert {bare.cpu:.1f} ms"),
        Figure(
            "intake of a complaint",
            "rate to the bare insert",
            100 * bare.p50 / intake.p50,
            20,
            "%",
            at_least=True,
            note=f"{1_000 / intake.p50:.0f} a second, p95 {intake.p95:.1f} ms; bare {1_000 / bare.p50:.0f}",
        ),
    ]
