"""Where we may deliver to: hosts on the list, never into our own house (rest.md).

A name is looked up and every address it has must be allowed; the connection then goes to the very address that was
looked at, so that a name that changes its mind between two look-ups gains nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from foundation.common.errors import RuleBroken

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses that stand for others: what they lead to cannot be seen from them.
_STAND_INS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
LONGEST = 400


@dataclass(frozen=True)
class Target:
    """A callback with the addresses its name has now."""

    url: str
    scheme: str
    host: str
    addresses: tuple[str, ...]


def check_callback(url: str) -> str:
    """The host of a callback that may be registered. Raises RuleBroken "hub.callback"."""
    parts = urlsplit(url)
    try:
        host, port = (parts.hostname or "").lower().rstrip("."), parts.port
    except ValueError:
        host, port = "", None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= LONGEST
    if not plain or parts.scheme not in ("http", "https") or not host or port == 0:
        raise RuleBroken("hub.callback", "The callback must be an absolute http or https address.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise RuleBroken("hub.callback", "The callback must not hold a name, a password or a fragment.")
    if not _is_listed(host):
        raise RuleBroken("hub.callback", "The host of the callback is not on the list of those we deliver to.")
    return host


def target_of(url: str) -> Target:
    """Where a callback leads at this moment. Raises RuleBroken "hub.callback", "hub.no_address", "hub.internal"."""
    host, parts = check_callback(url), urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RuleBroken("hub.no_address", "The host of the callback has no address.") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(may_reach(address) for address in addresses):
        raise RuleBroken("hub.internal", "The callback leads to an internal address.")
    return Target(url, parts.scheme, host, tuple(dict.fromkeys(str(one) for one in addresses)))


def may_reach(address: Address) -> bool:
    """Whether we deliver to this address: public ones, and internal networks the operator named."""
    inner = getattr(address, "ipv4_mapped", None)
    address = inner if inner is not None else address
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False  # where clouds keep their secrets, and what is no host
    if any(address in network for network in _STAND_INS if network.version == address.version):
        return False
    named = (ipaddress.ip_network(text) for text in settings.CARELINE_HUB_NETWORKS)
    return address.is_global or any(address in network for network in named if network.version == address.version)


def _is_listed(host: str) -> bool:
    return any(
        host == entry or (entry.startswith(".") and host.endswith(entry))
        for entry in (one.strip().lower() for one in settings.CARELINE_HUB_HOSTS)
        if entry
    )
