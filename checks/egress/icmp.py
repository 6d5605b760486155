"""Echo requests, without privileges where the system permits it."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time

from checks.egress.addresses import Address
from checks.egress.messages import PingReply
from checks.egress.streams import socket_address
from checks.errors import CheckError, ProbeUnable

PAYLOAD = b"breakwater health probe"
SECONDS_BETWEEN = 0.2
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_HEADER = struct.Struct("!BBHHH")


async def ping(address: Address, count: int) -> PingReply:
    """
    Send `count` echo requests to `address`, which is judged, and wait until all are answered.

    Raises:
        CheckError: The network says that the address cannot be reached.
        ProbeUnable: The system lets us send no echo requests; the sentence names the mend.
    """
    sock, raw = _open(address)
    with sock:
        sock.setblocking(False)
        try:
            sock.connect(socket_address(address, 0))
            return await _exchange(sock, address, count, raw=raw)
        except OSError as error:
            raise CheckError(
                f"{address} cannot be reached: {(error.strerror or str(error)).lower()}"
            ) from None


async def _exchange(sock: socket.socket, address: Address, count: int, *, raw: bool) -> PingReply:
    loop = asyncio.get_running_loop()
    identifier = secrets.randbelow(65_536)
    fastest_ms: float | None = None
    received = 0
    for sequence in range(1, count + 1):
        began = time.perf_counter()
        await loop.sock_sendall(sock, _packet(address.version, identifier, sequence))
        while not _answers(await loop.sock_recv(sock, 2048), address.version, identifier, sequence, raw=raw):
            pass
        took_ms = (time.perf_counter() - began) * 1000
        fastest_ms = took_ms if fastest_ms is None else min(fastest_ms, took_ms)
        received += 1
        if sequence < count:
            await asyncio.sleep(SECONDS_BETWEEN)
    best = fastest_ms or 0.0
    return PingReply(
        ip=str(address), sent=count, received=received, round_trip_ms=best, phases_ms={"first_byte": best}
    )


def _open(address: Address) -> tuple[socket.socket, bool]:
    """An echo socket, and whether it is a raw one, which sees everybody's packets."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if address.version == 6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, protocol), kind == socket.SOCK_RAW
        except PermissionError:
            continue
        except OSError as error:
            raise ProbeUnable(f"this machine has no ICMP socket: {error.strerror}") from None
    raise ProbeUnable(
        "this system permits no echo requests: let sysctl net.ipv4.ping_group_range include our group, "
        "or give the worker the capability CAP_NET_RAW"
    )


def _packet(version: int, identifier: int, sequence: int) -> bytes:
    head = _HEADER.pack(_REQUEST[version], 0, 0, identifier, sequence)
    # The kernel fills in the checksum of ICMPv6, which covers addresses, and the identifier of
    # unprivileged sockets.
    checksum = _checksum(head + PAYLOAD) if version == 4 else 0
    return _HEADER.pack(_REQUEST[version], 0, checksum, identifier, sequence) + PAYLOAD


def _answers(packet: bytes, version: int, identifier: int, sequence: int, *, raw: bool) -> bool:
    if raw and version == 4 and packet:
        packet = packet[(packet[0] & 0x0F) * 4 :]  # a raw IPv4 socket gives the IP header too
    if len(packet) < _HEADER.size:
        return False
    kind, _, _, its_identifier, its_sequence = _HEADER.unpack_from(packet)
    if kind != _REPLY[version] or its_sequence != sequence or packet[_HEADER.size :] != PAYLOAD:
        return False
    return not raw or its_identifier == identifier


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
