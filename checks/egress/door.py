"""The door itself: look up, judge, dial the judged address."""

from __future__ import annotations

import asyncio

from checks.egress.addresses import Address, literal
from checks.egress.exchange import exchange
from checks.egress.http import Bridge
from checks.egress.lookup import Lookup, SystemLookup, ascii_name
from checks.egress.messages import HttpRequest, HttpResponse
from checks.egress.policy import Policy
from checks.egress.urls import Target
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
        self._bridges: dict[asyncio.AbstractEventLoop, Bridge] = {}

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

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP exchange; every redirect passes the door again."""
        return await exchange(self._bridge(), self.resolve, self._explain, request)

    def _bridge(self) -> Bridge:
        loop = asyncio.get_running_loop()
        bridge = self._bridges.get(loop)
        if bridge is None:
            for gone in [each for each in self._bridges if each.is_closed()]:
                self._bridges.pop(gone).close()
            bridge = self._bridges[loop] = Bridge(loop)
        return bridge

    def close(self) -> None:
        """Let go of the running loop; what is under way there is cancelled."""
        if bridge := self._bridges.pop(asyncio.get_running_loop(), None):
            bridge.close()

    async def _explain(self, target: Target) -> str:
        return ""
