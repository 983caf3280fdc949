"""One loading process: `python -m bench.load LOW HIGH` (its own process, because COPY text is made in Python)."""

import sys

import django

django.setup()

from bench.world import load  # noqa: E402  (models need Django set up)

load(int(sys.argv[1]), int(sys.argv[2]))
