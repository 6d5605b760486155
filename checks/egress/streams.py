"""TCP and TLS streams to judged addresses."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence

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
    sock, address = await _first_of(addresses[:MAX_TRIES], port, host)
    connected = time.perf_counter()
    place = shown(host, address, port)
    phases = {"connect": (connected - began) * 1000}
    try:
        reader, writer = await asyncio.open_connection(
            sock=sock, ssl=tls, server_hostname=server_hostname if tls else None
        )
    except BaseException as error:
        sock.close()
        if isinstance(error, OSError):
            raise _handshake_fault(error, place) from None
        raise
    if tls is not None:
        phases["tls"] = (time.perf_counter() - connected) * 1000
    return Connection(reader=reader, writer=writer, ip=str(address), port=port, phases_ms=phases)


def _handshake_fault(error: OSError, place: str) -> CheckError:
    if not isinstance(error, ssl.SSLError):
        error = ssl.SSLError(error.errno or 0, "reset" if error.errno else "unexpected eof")
    return tls_fault(error, place)


async def _first_of(addresses: Sequence[Address], port: int, host: str) -> tuple[socket.socket, Address]:
    """Try the addresses in order, each with a head start over the next; the first open socket wins."""
    if len(addresses) == 1:
        return await _connect(addresses[0], port, host), addresses[0]
    tries: dict[asyncio.Task[socket.socket], Address] = {}
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


def _drop(task: asyncio.Task[socket.socket]) -> None:
    """A connection that came about after another had won."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connect(address: Address, port: int, host: str) -> socket.socket:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise dial_fault(error, shown(host, address, port)) from None
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, socket_address(address, port))
    except OSError as error:
        sock.close()
        raise dial_fault(error, shown(host, address, port)) from None
    except BaseException:
        sock.close()
        raise
    return sock


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
