"""The product's settings with the benchmark's bare view in front."""

from crm.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
