"""How often one network address may use the public pages: counted in the cache, for a time."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta

from django.core.cache import cache


def source_of(address: str | None) -> str:
    """What counts as one source: an IPv4 address, of IPv6 the network a household gets. Never stored as it is."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        found = ipaddress.ip_address("0.0.0.0")  # noqa: S104  (a name for "unknown", nothing listens there)
    if isinstance(found, ipaddress.IPv6Address):
        found = ipaddress.IPv6Address(int(found) >> 64 << 64)
    return hashlib.sha256(str(found).encode()).hexdigest()[:24]


def count(what: str, address: str | None, within: timedelta) -> int:
    """Count one more use of `what` from this address; how many there were within the time, which begins with the
    first."""
    key = _key(what, address)
    cache.add(key, 0, timeout=int(within.total_seconds()))
    try:
        return cache.incr(key)
    except ValueError:  # it ended between the two
        return 1


def counted(what: str, address: str | None) -> int:
    """How many there were, without counting."""
    return int(cache.get(_key(what, address)) or 0)


def _key(what: str, address: str | None) -> str:
    return f"complaints.{what}.{source_of(address)}"
