"""
What an address is, whatever form it comes in.

Python's own ``is_private`` and ``is_global`` differ between its versions and call multicast,
NAT64 and ``::127.0.0.1`` global, so the ranges stand here, from IANA's special-purpose registries.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Reach(StrEnum):
    """Where an address lies. The value completes the sentence "<address> is …"."""

    GLOBAL = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "a cloud metadata address"
    UNSPECIFIED = "unspecified"
    MULTICAST = "multicast"
    SHARED = "shared by carriers (100.64.0.0/10)"
    DOCUMENTATION = "for documentation"
    BENCHMARK = "for benchmarks"
    TUNNEL = "inside a tunnel or translation prefix"
    RESERVED = "reserved"


METADATA: frozenset[Address] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
    )
)
METADATA_NAMES = frozenset({"metadata.google.internal", "metadata.goog", "instance-data"})


def _table(*rows: tuple[str, Reach]) -> tuple[tuple[int, int, Reach], ...]:
    networks = ((ip_network(text), reach) for text, reach in rows)
    return tuple((int(net.network_address), int(net.broadcast_address), reach) for net, reach in networks)


# The first row that holds the address decides, so narrow rows stand before wide ones.
_V4 = _table(
    ("0.0.0.0/8", Reach.UNSPECIFIED),
    ("10.0.0.0/8", Reach.PRIVATE),
    ("100.64.0.0/10", Reach.SHARED),
    ("127.0.0.0/8", Reach.LOOPBACK),
    ("169.254.0.0/16", Reach.LINK_LOCAL),
    ("172.16.0.0/12", Reach.PRIVATE),
    ("192.0.0.0/24", Reach.RESERVED),
    ("192.0.2.0/24", Reach.DOCUMENTATION),
    ("192.88.99.0/24", Reach.TUNNEL),
    ("192.168.0.0/16", Reach.PRIVATE),
    ("198.18.0.0/15", Reach.BENCHMARK),
    ("198.51.100.0/24", Reach.DOCUMENTATION),
    ("203.0.113.0/24", Reach.DOCUMENTATION),
    ("224.0.0.0/4", Reach.MULTICAST),
    ("240.0.0.0/4", Reach.RESERVED),
    ("0.0.0.0/0", Reach.GLOBAL),
)
# Only 2000::/3 is given out as global unicast; what is not listed here is reserved.
_V6 = _table(
    ("::/128", Reach.UNSPECIFIED),
    ("::1/128", Reach.LOOPBACK),
    ("::/96", Reach.TUNNEL),
    ("::ffff:0:0:0/96", Reach.TUNNEL),
    ("64:ff9b::/32", Reach.TUNNEL),
    ("2001::/32", Reach.TUNNEL),
    ("2001:2::/48", Reach.BENCHMARK),
    ("2001::/23", Reach.RESERVED),
    ("2001:db8::/32", Reach.DOCUMENTATION),
    ("2002::/16", Reach.TUNNEL),
    ("3fff::/20", Reach.DOCUMENTATION),
    ("2000::/3", Reach.GLOBAL),
    ("fc00::/7", Reach.PRIVATE),
    ("fe80::/10", Reach.LINK_LOCAL),
    ("ff00::/8", Reach.MULTICAST),
    ("::/0", Reach.RESERVED),
)


@lru_cache(maxsize=4096)
def reach(address: Address) -> Reach:
    """Where this very address lies; what is embedded in it is `forms`' business."""
    if address in METADATA:
        return Reach.METADATA
    number = int(address)
    table = _V4 if address.version == 4 else _V6
    return next(kind for low, high, kind in table if low <= number <= high)


@lru_cache(maxsize=4096)
def forms(address: Address) -> tuple[Address, ...]:
    """
    The address and every address it carries: each could be where a packet ends.

    A mapped address (``::ffff:a.b.c.d``) is dialled as IPv4, so it is replaced by what it carries;
    tunnels and translations stay and are followed by it. Dialling an unspecified address reaches
    this machine, so loopback follows it.
    """
    if isinstance(address, IPv4Address):
        return (address,) if int(address) else (address, IPv4Address("127.0.0.1"))
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    number = int(address)
    # Built anew, because an address with a scope (fe80::1%eth0) equals none without.
    return (IPv6Address(number), *_embedded(number))


_COMPATIBLE, _TRANSLATED, _NAT64 = (
    int(ip_address(text)) >> 32 for text in ("::", "::ffff:0:0:0", "64:ff9b::")
)
_LOCAL_NAT64 = int(ip_address("64:ff9b:1::")) >> 80


def _embedded(number: int) -> Iterator[Address]:
    low = number & 0xFFFFFFFF
    upper = number >> 32
    if number == 0:
        yield IPv6Address(1)
    if upper in (_COMPATIBLE, _TRANSLATED, _NAT64) and number > 1:
        yield IPv4Address(low)
    elif number >> 80 == _LOCAL_NAT64:
        # RFC 6052: the last four bytes of a /96, or around the zero byte of a /48.
        yield IPv4Address(low or (number >> 64 & 0xFFFF) << 16 | (number >> 40 & 0xFFFF))
    elif number >> 112 == 0x2002:
        yield IPv4Address(number >> 80 & 0xFFFFFFFF)
    elif number >> 96 == 0x20010000:
        yield IPv4Address(number >> 64 & 0xFFFFFFFF)
        yield IPv4Address(low ^ 0xFFFFFFFF)
    if number >> 32 & 0xFDFFFFFF == 0x00005EFE:
        yield IPv4Address(low)


_DIALLED_AS_IPV4 = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE)


def literal(host: str) -> Address | None:
    """
    The address that `host` spells, as the C library would read it, or None for a name.

    Reads ``127.1``, ``0177.0.0.1``, ``0x7f000001`` and ``2130706433`` besides the usual forms, so
    that no spelling is judged as one thing and dialled as another.
    """
    text = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if ":" in text:
        try:
            return ip_address(text)
        except ValueError:
            return None
    text = text.removesuffix(".")
    if not _DIALLED_AS_IPV4.fullmatch(text):
        return None
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
