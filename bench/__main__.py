"""`./careline bench [--customers N] [--minutes M] [--only WORD …]`: what the product costs, beside its limits.

Loads a generated operator of 10,000 customers, measures the growth figures, loads up to N (default 1,000,000),
measures everything, prints one table, and ends with 1 when a budget is broken. The database must be empty.
"""

from __future__ import annotations

import argparse
import sys
import time

import django


def main() -> int:
    parser = argparse.ArgumentParser(prog="./careline bench", description=__doc__.split("\n\n")[1])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=1.0, help="length of the mixed load (the budget's is 10)")
    options = parser.parse_args()
    django.setup()

    from bench import everybody, exports, imports, load_mix, nights, pages, searches, world
    from bench.server import serve
    from bench.table import Figure, render
    from customers.models import Customer

    if Customer.objects.exists():
        print("The database already holds customers; the benchmark needs an empty one.", file=sys.stderr)
        return 2
    begun = time.monotonic()

    def say(words: str) -> None:
        print(f"[{time.monotonic() - begun:7.1f} s] {words}", flush=True)

    small = min(10_000, options.customers)
    figures: list[Figure] = []
    say(f"loading {small:,} customers")
    world.organisation()
    world.load_customers(0, small, world.cores(), say)
    with serve() as server:
        before = pages.customer_page(server)
    say(f"loading up to {options.customers:,} customers")
    world.load_customers(small, options.customers, world.cores(), say)
    with serve() as server:
        say("web start and memory")
        figures += pages.footprint(server)
        say("searches")
        figures += searches.measure(server, options.customers)
        say("pages")
        figures += pages.measure(server, before, small, options.customers)
        say(f"mixed load, {options.minutes:g} min")
        figures += load_mix.measure(server, options.minutes, options.customers)
    say("jobs over everybody")
    figures += everybody.measure()
    say("jobs by night")
    figures += nights.measure()
    say("import")
    figures += imports.measure()
    say("export")
    figures += exports.measure()
    say("done")
    print()
    print(render(figures))
    return int(any(not figure.kept for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
