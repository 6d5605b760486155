"""Where this installation may dial, as one value that judges addresses, never spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, cast, get_args

import psutil

from checks.egress.addresses import METADATA_NAMES, Address, Network, Reach, forms, literal, reach
from checks.errors import EgressBlocked, InvalidInput, Problem

Profile = Literal["lan", "public", "list"]
"""What may be dialled without being listed: public and private networks, public ones, nothing."""

_OPEN: dict[Profile, frozenset[Reach]] = {
    "lan": frozenset({Reach.GLOBAL, Reach.PRIVATE}),
    "public": frozenset({Reach.GLOBAL}),
    "list": frozenset(),
}
_ANY_PORT = (0, 65_535)


@dataclass(frozen=True, slots=True)
class Rule:
    """A network, or one address, on all ports or on some (first and last, both included)."""

    network: Network
    ports: tuple[int, int] = _ANY_PORT

    def covers(self, address: Address, port: int) -> bool:
        return self.ports[0] <= port <= self.ports[1] and address in self.network

    @property
    def names_one_address(self) -> bool:
        return self.network.num_addresses == 1

    def __str__(self) -> str:
        place = str(self.network.network_address if self.names_one_address else self.network)
        if self.ports == _ANY_PORT:
            return place
        first, last = self.ports
        place = f"[{place}]" if self.network.version == 6 else place
        return f"{place}:{first}" if first == last else f"{place}:{first}-{last}"


@dataclass(frozen=True, slots=True)
class OwnName:
    """A service of our own that settings give by name; its addresses are looked up when it matters."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What may be dialled.

    Attributes:
        profile: What is open without being listed.
        allow: What is open besides. Cloud metadata opens only to a rule that names the one address.
        never: Our own listeners, database and broker; no other rule opens them.
        never_names: Those of them that are known by name only.
    """

    profile: Profile = "lan"
    allow: tuple[Rule, ...] = ()
    never: tuple[Rule, ...] = ()
    never_names: tuple[OwnName, ...] = ()

    def judge(self, address: Address, port: int, host: str = "") -> None:
        """
        Return when `address` may be dialled at `port` (0 for protocols without ports).

        An address that carries another (mapped, NAT64, 6to4, Teredo …) passes only when both do.

        Args:
            host: The name that led here; it can only narrow, never widen.
        Raises:
            EgressBlocked: Naming the address, the rule and the setting.
        """
        metadata_name = host.lower().rstrip(".") in METADATA_NAMES
        for form in forms(address):
            if reason := self._objection(form, port, metadata_name=metadata_name):
                shown = _shown(address, port)
                carried = f" leads to {_shown(form, port)}, and that" if form != address else ""
                via = f" (for {host})" if host and literal(host) is None else ""
                raise EgressBlocked(f"{shown}{via}{carried} {reason}")

    def _objection(self, address: Address, port: int, *, metadata_name: bool) -> str | None:
        for rule in self.never:
            if rule.covers(address, port):
                return f"is a service of Breakwater itself ({rule}), which no setting opens"
        where = reach(address)
        if where is Reach.METADATA or metadata_name:
            if any(rule.names_one_address and rule.covers(address, port) for rule in self.allow):
                return None
            return f"is {Reach.METADATA}, which only an entry of its own in EGRESS_ALLOW opens"
        if where in _OPEN[self.profile] or any(rule.covers(address, port) for rule in self.allow):
            return None
        if self.profile == "list":
            return "is not listed in EGRESS_ALLOW, and EGRESS=list opens nothing else"
        if where is Reach.PRIVATE:
            return f"is {where}, which EGRESS={self.profile} does not open and EGRESS_ALLOW does not list"
        return f"is {where}, which EGRESS_ALLOW does not list"


def parse_policy(
    profile: str, allow: str | Iterable[str] = "", never: str | Iterable[str] = "", *, setting: str = "EGRESS"
) -> Policy:
    """
    Read a policy as settings spell it.

    Args:
        profile: ``lan``, ``public`` or ``list``.
        allow: Networks or addresses, each with ports or without, separated by commas or spaces:
            ``10.0.0.0/8``, ``127.0.0.1:8001``, ``127.0.0.1:8001-8010``, ``[::1]:8001``. Names are
            refused: a name says nothing about where its packets go.
        never: The same, and ``name:port``. ``0.0.0.0:8000`` and ``[::]:8000`` mean that port on
            every address of this machine.
    Raises:
        InvalidInput: A problem for every entry that cannot be read.
    """
    problems: list[Problem] = []
    if profile not in get_args(Profile):
        problems.append(Problem(setting, f"unknown profile {profile!r}; write lan, public or list"))
    allowed: list[Rule] = []
    forbidden: list[Rule] = []
    names: list[OwnName] = []
    for entry in _entries(allow):
        try:
            allowed.append(parse_rule(entry))
        except ValueError as error:
            problems.append(Problem(f"{setting}_ALLOW", str(error)))
    for entry in _entries(never):
        try:
            if (name := _NAME_AND_PORT.fullmatch(entry)) and literal(name["host"]) is None:
                names.append(OwnName(name["host"].lower(), _port(name["port"], entry)))
            else:
                forbidden.extend(_everywhere(parse_rule(entry)))
        except ValueError as error:
            problems.append(Problem(f"{setting}_NEVER", str(error)))
    if problems:
        raise InvalidInput(problems)
    return Policy(cast(Profile, profile), tuple(allowed), tuple(forbidden), tuple(names))


_ENTRY = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<four>[^:\[\]]+))(?::(?P<ports>[^:]+))?")
_NAME_AND_PORT = re.compile(r"(?P<host>[a-z0-9_.-]+):(?P<port>\d+)", re.IGNORECASE)


def parse_rule(entry: str) -> Rule:
    """Read one entry. Raises ValueError with a sentence for people."""
    found = _ENTRY.fullmatch(entry)
    place, ports = (found["six"] or found["four"], found["ports"]) if found else (entry, None)
    try:
        network = ip_network(place)
    except ValueError:
        raise ValueError(_why_not(entry, place)) from None
    if ports is None:
        return Rule(_plain(network))
    first, dash, last = ports.partition("-")
    span = (_port(first, entry), _port(last if dash else first, entry))
    if span[0] > span[1]:
        raise ValueError(f"{entry!r}: the first port is above the last")
    return Rule(_plain(network), span)


def _entries(text: str | Iterable[str]) -> list[str]:
    return (
        re.split(r"[,\s]+", text.strip(", \t\n"))
        if isinstance(text, str) and text.strip(", \t\n")
        else list(text)
    )


def _port(text: str, entry: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 65_535:
        raise ValueError(f"{entry!r}: {text!r} is not a port from 1 to 65535")
    return int(text)


def _why_not(entry: str, place: str) -> str:
    try:
        wide = ip_network(place, strict=False)
    except ValueError:
        return (
            f"{entry!r} is neither an address nor a network; write 10.0.0.0/8, 127.0.0.1:8001 "
            "or [::1]:8001. Names cannot be listed."
        )
    return f"{entry!r} is an address within {wide}; write the address alone or the network {wide}"


def _plain(network: Network) -> Network:
    """A network of mapped addresses as the IPv4 network that is dialled for it."""
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def _everywhere(rule: Rule) -> list[Rule]:
    """The rule itself; for an unspecified address, that port on all addresses of this machine."""
    if not rule.names_one_address or reach(rule.network.network_address) is not Reach.UNSPECIFIED:
        return [rule]
    local = [rule.network, *(ip_network(text) for text in ("127.0.0.0/8", "::1", "0.0.0.0/32", "::/128"))]
    for interface in psutil.net_if_addrs().values():
        found = (literal(each.address.partition("%")[0]) for each in interface)
        local.extend(ip_network(address) for address in found if address is not None)
    return [Rule(network, rule.ports) for network in dict.fromkeys(local)]


def _shown(address: Address, port: int) -> str:
    if not port:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
