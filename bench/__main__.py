"""`./careline bench [--customers N] [--cases N] [--minutes M] [--only PART …]`: what the product costs.

Loads a generated operator of 10,000 customers, measures the growth figures, loads up to N (default 1,000,000),
measures everything (or the parts named), prints each part as it comes and then one table, each figure beside its
limit, and ends with 1 when a budget is broken. The
database must be empty.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import django

PARTS = (
    "sample",
    "web",
    "searches",
    "pages",
    "intake",
    "load",
    "everybody",
    "killed",
    "nights",
    "complaints",
    "credit",
    "import",
    "export",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./careline bench", description=__doc__.split("\n\n")[1])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=1.0, help="length of the mixed load (the budget's is 10)")
    parser.add_argument("--cases", type=int, help="complaints, one in ten open (default: as customers, to a million)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    django.setup()

    from bench import (
        complaints,
        credit_ranks,
        everybody,
        exports,
        imports,
        intake,
        killed,
        load_mix,
        nights,
        pages,
        samples,
        searches,
        world,
    )
    from bench.server import serve
    from bench.table import Figure, render
    from customers.models import Customer

    if Customer.objects.exists():
        print("The database already holds customers; the benchmark needs an empty one.", file=sys.stderr)
        return 2
    begun = time.monotonic()

    def say(words: str) -> None:
        print(f"[{time.monotonic() - begun:7.1f} s] {words}", flush=True)

    figures: list[Figure] = []

    def part(name: str, words: str, measure: Callable[[], list[Figure]]) -> None:
        if name not in options.only:
            return
        say(words)
        found = measure()
        print(render(found), flush=True)
        figures.extend(found)

    part("sample", "the sample operator", samples.measure)
    small = min(10_000, options.customers)
    say(f"loading {small:,} customers")
    world.organisation()
    world.load_customers(0, small, world.cores(), say)
    with serve() as server:
        before = pages.customer_page(server)
    say(f"loading up to {options.customers:,} customers")
    world.load_customers(small, options.customers, world.cores(), say)
    with serve() as server:
        part("web", "web start and memory", lambda: pages.footprint(server))
        part("searches", "searches", lambda: searches.measure(server, options.customers))
        part("pages", "pages", lambda: pages.measure(server, before, small, options.customers))
        part("intake", "intake of complaints", lambda: intake.measure(server))
        minutes = options.minutes
        part("load", f"mixed load, {minutes:g} min", lambda: load_mix.measure(server, minutes, options.customers))
    part("everybody", "jobs over everybody", everybody.measure)
    part("killed", "jobs killed half-way", killed.measure)
    part("nights", "jobs by night", nights.measure)
    many = options.cases or min(1_000_000, options.customers)
    part("complaints", f"{many:,} complaints", lambda: complaints.measure(many))
    part("import", "import", imports.measure)
    part("credit", "credit scorecard on real files", credit_ranks.measure)
    part("export", "export", exports.measure)
    say("done")
    print()
    print(render(figures))
    return int(any(not figure.kept for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
