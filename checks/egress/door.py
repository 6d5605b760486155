"""The door itself: look up, judge, dial the judged address."""

from __future__ import annotations

import ssl

from checks.egress.addresses import Address, literal
from checks.egress.lookup import Lookup, SystemLookup, ascii_name
from checks.egress.messages import Connection, DnsAnswer, HttpRequest, HttpResponse, PingReply
from checks.egress.policy import Policy
from checks.errors import EgressBlocked, NameNotResolved, ProbeUnable


class Egress:
    """
    The one way out. One object serves a whole process and any number of event loops.

    Every method looks up, judges and only then dials, all inside the caller's deadline: cancelling
    the awaiting task closes what was opened at once.

    All of them raise `NameNotResolved`, `EgressBlocked`, `ProbeUnable` or, for a target that
    fails, `CheckError` with a sentence for people.
    """

    def __init__(self, policy: Policy, lookup: Lookup | None = None) -> None:
        self.policy = policy
        self._lookup: Lookup = lookup or SystemLookup()

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """
        The addresses of `host`, all of them judged: one bad address refuses them all.

        Args:
            port: Where it is going to be dialled; 0 for protocols without ports.
        """
        address = literal(host)
        name = host
        if address is None:
            name = ascii_name(host)
            address = literal(name)
        addresses = (address,) if address is not None else tuple(await self._lookup(name))
        if not addresses:
            raise NameNotResolved(f"the name {host} has no address")
        await self._refuse_own_names(addresses, port)
        for address in addresses:
            self.policy.judge(address, port, name)
        return addresses

    async def address_for(self, host: str, port: int) -> str:
        """One judged address, for a library that dials by itself when given an address."""
        return str((await self.resolve(host, port))[0])

    async def _refuse_own_names(self, addresses: tuple[Address, ...], port: int) -> None:
        for own in self.policy.never_names:
            if own.port != port:
                continue
            try:
                ours = await self._lookup(own.host)
            except NameNotResolved:
                raise ProbeUnable(
                    f"cannot tell whether this is our own {own.host}:{own.port}: that name has no address now"
                ) from None
            for address in addresses:
                if address in ours:
                    raise EgressBlocked(
                        f"{address} port {port} is a service of Breakwater itself ({own.host}:{own.port}), "
                        "which no setting opens"
                    )

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, server_hostname: str | None = None
    ) -> Connection:
        raise NotImplementedError

    async def http(self, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError

    async def dns(
        self, name: str, record_type: str, *, resolver: str | None = None, port: int = 53
    ) -> DnsAnswer:
        raise NotImplementedError

    async def ping(self, host: str, *, count: int = 1) -> PingReply:
        raise NotImplementedError
