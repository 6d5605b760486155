"""TCP and TLS streams to judged addresses."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Sequence
from typing import cast

from checks.egress.addresses import Address
from checks.egress.faults import dial_fault, tls_fault
from checks.egress.messages import Connection
from checks.errors import CheckError

MAX_TRIES = 4
HEAD_START_SECONDS = 0.25
"""How long an address is waited for before the next one is tried beside it."""


async def dial(
    addresses: Sequence[Address],
    port: int,
    *,
    tls: ssl.SSLContext | None,
    server_hostname: str | None,
    host: str,
) -> Connection:
    """
    Open a stream to the first of `addresses` that answers, at most `MAX_TRIES` of them.

    Raises:
        CheckError: None answered, or TLS did not come about.
    """
    began = time.perf_counter()
    held, address = await _first_of(addresses[:MAX_TRIES], port, host)
    connected = time.perf_counter()
    phases = {"connect": (connected - began) * 1000}
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    if tls is None:
        transport = held.hand_over(protocol)
    else:
        place = shown(host, address, port)
        transport = await _secure(held, protocol, tls, server_hostname, place)
        phases["tls"] = (time.perf_counter() - connected) * 1000
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    return Connection(reader=reader, writer=writer, ip=str(address), port=port, phases_ms=phases)


class _Held(asyncio.Protocol):
    """
    A new connection that nobody reads yet, so that what comes first is left to who takes it over.

    uvloop begins to read before it can be told not to; what came by then is kept.
    """

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.early = b""
        self.ended = False
        self.lost = False
        self.error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.early += data

    def eof_received(self) -> bool:
        self.ended = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost, self.error = True, exc

    def hold(self) -> None:
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def hand_over(self, protocol: asyncio.StreamReaderProtocol) -> asyncio.Transport:
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if self.early:
            protocol.data_received(self.early)
        if self.lost:
            protocol.connection_lost(self.error)
        elif self.ended:
            protocol.eof_received()
        if not self.transport.is_closing():
            self.transport.resume_reading()
        return self.transport


async def _secure(
    held: _Held,
    protocol: asyncio.StreamReaderProtocol,
    tls: ssl.SSLContext,
    server_hostname: str | None,
    place: str,
) -> asyncio.Transport:
    """Shake hands. A server that spoke before it was greeted, or left, does not speak TLS."""
    if held.early:
        held.transport.abort()
        raise CheckError(f"{place} does not speak TLS")
    if held.error is not None:
        raise _handshake_fault(ConnectionResetError(errno.ECONNRESET, "reset"), place)
    if held.ended or held.lost:
        held.transport.abort()
        raise CheckError(f"{place} closed the connection during the TLS handshake")
    loop = asyncio.get_running_loop()
    try:
        transport = await loop.start_tls(held.transport, protocol, tls, server_hostname=server_hostname)
    except BaseException as error:
        held.transport.abort()
        if isinstance(error, OSError):
            raise _handshake_fault(error, place) from None
        raise
    # A connection that ends at the wrong moment passes as secured, but it has agreed on no version.
    if transport is None or transport.get_extra_info("ssl_object").version() is None:
        held.transport.abort()
        raise CheckError(f"{place} closed the connection during the TLS handshake")
    protocol.connection_made(transport)
    return transport


def _handshake_fault(error: OSError, place: str) -> CheckError:
    if not isinstance(error, ssl.SSLError):
        error = ssl.SSLError(error.errno or 0, "reset" if error.errno else "unexpected eof")
    return tls_fault(error, place)


async def _first_of(addresses: Sequence[Address], port: int, host: str) -> tuple[_Held, Address]:
    """Try the addresses in order, each with a head start over the next; the first to open wins."""
    if len(addresses) == 1:
        return await _connect(addresses[0], port, host), addresses[0]
    tries: dict[asyncio.Task[_Held], Address] = {}
    waiting = list(addresses)
    fault: BaseException | None = None
    try:
        while waiting or tries:
            if waiting:
                address = waiting.pop(0)
                tries[asyncio.create_task(_connect(address, port, host))] = address
            done, _ = await asyncio.wait(
                tries,
                timeout=HEAD_START_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                address = tries.pop(task)
                if (error := task.exception()) is None:
                    return task.result(), address
                fault = fault or error
        raise fault or CheckError(f"{host} has no address to connect to")
    finally:
        for task in tries:
            task.cancel()
            task.add_done_callback(_drop)


def _drop(task: asyncio.Task[_Held]) -> None:
    """A connection that came about after another had won."""
    if not task.cancelled() and task.exception() is None:
        task.result().transport.abort()


async def _connect(address: Address, port: int, host: str) -> _Held:
    try:
        _, held = await asyncio.get_running_loop().create_connection(_Held, str(address), port)
    except OSError as error:
        raise dial_fault(error, shown(host, address, port)) from None
    held.hold()
    return held


def socket_address(address: Address, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """The address as the socket calls want it; none of them looks anything up for it."""
    if address.version == 4:
        return str(address), port
    scope = address.scope_id or "0"
    number = int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)
    return str(address).partition("%")[0], port, 0, number


def shown(host: str, address: Address, port: int) -> str:
    """Who is spoken to, for people: the address, and the name that led there."""
    place = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    return place if host.strip("[]") == str(address) else f"{host} ({place})"
