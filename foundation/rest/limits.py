"""How often somebody may call: a count a minute in the cache."""

from __future__ import annotations

from django.core.cache import cache

from foundation.common import clock

MINUTE = 60


def seconds_to_wait(name: str, most: int) -> int | None:
    """Count a call of `name` in this minute: None while it is among the first `most`, else the seconds to wait."""
    now = int(clock.now().timestamp())
    key = f"calls-{name}-{now // MINUTE}"
    cache.add(key, 0, 2 * MINUTE)
    try:
        count = cache.incr(key)
    except ValueError:  # the key went between the two: the next minute began
        return None
    return None if count <= most else MINUTE - now % MINUTE
