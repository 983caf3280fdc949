"""The product's settings with the benchmark's bare view in front."""

from crm.settings import *  # noqa: F403  all of them, with other URLs

ROOT_URLCONF = "bench.urls"
