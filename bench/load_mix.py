"""A mixed load at a fixed rate, client and server on the same machine (design §7)."""

from __future__ import annotations

import http.client
import queue
import random
import threading
import time
from dataclasses import dataclass, field

from bench import world
from bench.searches import some_refs
from bench.server import Server, csrf_of, signed_in
from bench.table import Figure

RATE = 135
CLIENTS = 16
# Of 135 requests a second: look-ups, customer pages, lists, saves, refreshes.
MIX = {"look-up": 22, "customer": 22, "list": 44, "save": 22, "refresh": 25}


@dataclass
class _Answers:
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def measure(server: Server, minutes: float, customers: int) -> list[Figure]:
    """135 requests a second of a hundred agents for `minutes`; latencies count from the moment a request was due."""
    desks = [(headers, csrf_of(server, headers)) for headers in (signed_in(f"a{n}") for n in range(world.AGENTS))]
    refs = some_refs(2_000)
    chance = random.Random(3)
    kinds = list(MIX)
    due: queue.Queue[tuple[float, dict[str, str], tuple[str, str, str]] | None] = queue.Queue()
    answers = _Answers()
    threads = [threading.Thread(target=_client, args=(server.port, due, answers)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    begin, count = time.perf_counter() + 0.5, int(RATE * 60 * minutes)
    for number in range(count):
        kind = chance.choices(kinds, weights=list(MIX.values()))[0]
        at = begin + number / RATE
        time.sleep(max(0.0, at - time.perf_counter()))
        headers, token = desks[number % len(desks)]
        due.put((at, headers, _request(kind, chance, refs, token, customers)))
    for _thread in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begin
    times = sorted(answers.times)
    p95 = times[int(len(times) * 0.95)] if times else float("inf")
    note = f"{len(times):,} answers in {spent:.0f} s; median {times[len(times) // 2]:.1f} ms" if times else "no answer"
    return [
        Figure("mixed load, 135/s", "p95", p95, 50, "ms", note=note),
        Figure("mixed load, 135/s", "errors", len(answers.errors), 0, "", note="; ".join(answers.errors[:2])[:120]),
        Figure("mixed load, 135/s", "kept rate", len(times) / spent, RATE * 0.98, "/s", at_least=True),
    ]


def _request(kind: str, chance: random.Random, refs: list[str], token: str, customers: int) -> tuple[str, str, str]:
    ref = chance.choice(refs)
    if kind == "look-up":
        return "POST", "/search/", f"csrfmiddlewaretoken={token}&q={world.mobile(chance.randrange(customers))}"
    if kind == "customer":
        return "GET", f"/customers/{ref}/", ""
    if kind == "list":
        return "GET", chance.choice(["/follow-ups/", "/customers/", "/work/"]), ""
    if kind == "save":
        return "POST", f"/interactions/note/{ref}/", f"csrfmiddlewaretoken={token}&summary=bench"
    return "GET", "/bell/menu/", ""


def _client(port: int, due: queue.Queue, answers: _Answers) -> None:
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    while (item := due.get()) is not None:
        at, headers, (method, path, body) = item
        more = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        try:
            link.request(method, path, body.encode(), headers | more)
            answer = link.getresponse()
            answer.read()
            taken = (time.perf_counter() - at) * 1_000
            with answers.lock:
                answers.times.append(taken)
                if answer.status >= 400:
                    answers.errors.append(f"{method} {path.split('/')[1]} {answer.status}")
        except OSError as error:
            link.close()
            with answers.lock:
                answers.errors.append(type(error).__name__)
    link.close()
