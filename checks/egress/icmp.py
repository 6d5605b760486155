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
PATIENCE_SECONDS = 1.0
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_HEADER = struct.Struct("!BBHHH")


async def ping(address: Address, count: int) -> PingReply:
    """
    Send `count` echo requests to `address`, which is judged, and gather what comes back.

    Once one has been answered, the others are lost `PATIENCE_SECONDS` after the last was sent; as
    long as none is, this waits on, for the caller's deadline to end it.

    Raises:
        CheckError: The network says that the address cannot be reached.
        ProbeUnable: The system lets us send no echo requests; the sentence names the mend.
    """
    try:
        sock, raw = _open(address)
        with sock:
            took_ms = await _exchange(sock, address.version, count, raw=raw)
    except OSError as error:
        raise CheckError(f"{address} cannot be reached: {(error.strerror or str(error)).lower()}") from None
    fastest = min(took_ms)
    return PingReply(
        ip=str(address),
        sent=count,
        received=len(took_ms),
        round_trip_ms=fastest,
        phases_ms={"first_byte": fastest},
    )


async def _exchange(sock: socket.socket, version: int, count: int, *, raw: bool) -> list[float]:
    """The milliseconds that each answered request took; at least one."""
    loop = asyncio.get_running_loop()
    identifier = secrets.randbelow(65_536)
    sent_at: dict[int, float] = {}
    took_ms: dict[int, float] = {}

    async def receive() -> None:
        while len(took_ms) < count:
            packet = await loop.sock_recv(sock, 2048)
            sequence = _answered(packet, version, identifier, raw=raw)
            if sequence in sent_at:
                took_ms.setdefault(sequence, (time.perf_counter() - sent_at[sequence]) * 1000)

    receiver = asyncio.create_task(receive())
    try:
        for sequence in range(1, count + 1):
            sent_at[sequence] = time.perf_counter()
            await loop.sock_sendall(sock, _packet(version, identifier, sequence))
            if sequence < count:
                await asyncio.wait({receiver}, timeout=SECONDS_BETWEEN)
        await asyncio.wait({receiver}, timeout=PATIENCE_SECONDS)
        if not took_ms or receiver.done():
            await receiver
    finally:
        receiver.cancel()
        # The loop must have let go of the socket before it is closed.
        await asyncio.gather(receiver, return_exceptions=True)
    return list(took_ms.values())


def _open(address: Address) -> tuple[socket.socket, bool]:
    """A connected echo socket, and whether it is a raw one, which sees everybody's packets."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if address.version == 6 else socket.IPPROTO_ICMP
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = socket.socket(family, kind, protocol)
        except PermissionError:
            continue
        except OSError as error:
            raise ProbeUnable(f"this machine has no ICMP socket: {error.strerror}") from None
        sock.setblocking(False)
        try:
            sock.connect(socket_address(address, 0))
        except OSError:
            sock.close()
            raise
        return sock, kind == socket.SOCK_RAW
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


def _answered(packet: bytes, version: int, identifier: int, *, raw: bool) -> int | None:
    """The number of the request that `packet` answers; None when it answers none of ours."""
    if raw and version == 4 and packet:
        packet = packet[(packet[0] & 0x0F) * 4 :]  # a raw IPv4 socket gives the IP header too
    if len(packet) < _HEADER.size:
        return None
    kind, _, _, its_identifier, sequence = _HEADER.unpack_from(packet)
    if kind != _REPLY[version] or packet[_HEADER.size :] != PAYLOAD or (raw and its_identifier != identifier):
        return None
    return int(sequence)


def _checksum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
