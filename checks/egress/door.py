"""The door itself: look up, judge, dial the judged address."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import replace
from datetime import UTC, datetime

from checks.egress.addresses import Address, forms, literal
from checks.egress.certificates import expired_since
from checks.egress.dns import ask, system_resolver
from checks.egress.exchange import exchange
from checks.egress.http import Bridge
from checks.egress.icmp import ping
from checks.egress.lookup import Lookup, SystemLookup, ascii_name
from checks.egress.messages import Connection, DnsAnswer, HttpRequest, HttpResponse, PingReply
from checks.egress.policy import Policy
from checks.egress.streams import dial
from checks.egress.urls import Target
from checks.errors import CheckError, EgressBlocked, NameNotResolved, ProbeUnable


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
        self._judged: dict[tuple[str, int], tuple[Address, ...]] = {}
        self._bridges: dict[asyncio.AbstractEventLoop, Bridge] = {}

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """
        The addresses of `host`, all of them judged: one bad address refuses them all.

        Args:
            port: Where it is going to be dialled; 0 for protocols without ports.
        """
        if (judged := self._judged.get((host, port))) is not None:
            return judged
        address = literal(host)
        name = host
        if address is None:
            name = ascii_name(host)
            address = literal(name)
        addresses = (address,) if address is not None else tuple(await self._lookup(name))
        if not addresses:
            raise NameNotResolved(f"the name {host} has no address")
        ours = await self._refuse_own_names(addresses, port)
        for each in addresses:
            self.policy.judge(each, port, name)
        if address is not None and not ours and len(self._judged) < 10_000:
            # An address stays what it is, and so does the policy; a name is looked up every time.
            self._judged[host, port] = addresses
        return addresses

    async def address_for(self, host: str, port: int) -> str:
        """One judged address, for a library that dials by itself when given an address."""
        return str((await self.resolve(host, port))[0])

    async def _refuse_own_names(self, addresses: tuple[Address, ...], port: int) -> bool:
        """Whether a service of our own that is known by name has this port; raises when it is meant."""
        same_port = False
        for own in self.policy.never_names:
            if own.port != port:
                continue
            same_port = True
            try:
                ours = await self._lookup(own.host)
            except NameNotResolved:
                raise ProbeUnable(
                    f"cannot tell whether this is our own {own.host}:{own.port}: that name has no address now"
                ) from None
            for address in addresses:
                if not frozenset(forms(address)).isdisjoint(ours):
                    raise EgressBlocked(
                        f"{address} port {port} is a service of Breakwater itself ({own.host}:{own.port}), "
                        "which no setting opens"
                    )
        return same_port

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None = None, server_hostname: str | None = None
    ) -> Connection:
        """
        Open a stream.

        Args:
            tls: Speak TLS at once, by this context.
            server_hostname: The name for SNI and certificate; `host` unless given.
        """
        began = time.perf_counter()
        addresses = await self.resolve(host, port)
        looked_up_ms = (time.perf_counter() - began) * 1000
        name = server_hostname or host.strip("[]").rstrip(".")
        connection = await dial(addresses, port, tls=tls, server_hostname=name, host=host)
        connection.phases_ms = {"dns": looked_up_ms, **connection.phases_ms}
        return connection

    async def http(self, request: HttpRequest) -> HttpResponse:
        """One HTTP exchange; every redirect passes the door again."""
        return await exchange(self._bridge(), self.resolve, self._expired_since, request)

    async def dns(
        self, name: str, record_type: str, *, resolver: str | None = None, port: int = 53, tcp: bool = False
    ) -> DnsAnswer:
        """
        Ask a resolver one question.

        Args:
            resolver: Its name or address; this machine's own when None, which every policy permits.
            tcp: Ask over TCP from the start, and not only when the answer over UDP was cut.
        """
        began = time.perf_counter()
        address = system_resolver() if resolver is None else (await self.resolve(resolver, port))[0]
        found_ms = (time.perf_counter() - began) * 1000
        answer = await ask(name, record_type, address, 53 if resolver is None else port, tcp=tcp)
        return replace(answer, phases_ms={"dns": found_ms, **answer.phases_ms})

    async def ping(self, host: str, *, count: int = 1) -> PingReply:
        """Send `count` echo requests and gather the answers; without any it waits on."""
        began = time.perf_counter()
        address = (await self.resolve(host, 0))[0]
        looked_up_ms = (time.perf_counter() - began) * 1000
        reply = await ping(address, count)
        return replace(reply, phases_ms={"dns": looked_up_ms, **reply.phases_ms})

    async def _expired_since(self, target: Target) -> str:
        """
        When the certificate at `target` expired, to follow "has expired".

        libcurl hangs up before it can tell, so this looks once more, sends nothing, and rather
        says nothing than let a clear finding end as a timeout.
        """
        unverified = ssl.create_default_context()
        unverified.check_hostname = False
        unverified.verify_mode = ssl.CERT_NONE
        try:
            async with (
                asyncio.timeout(1),
                await self.connect(target.host, target.port, tls=unverified) as peer,
            ):
                certificate = peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        except (CheckError, TimeoutError):
            return ""
        return expired_since(certificate, datetime.now(UTC))

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
