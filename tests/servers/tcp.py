"""Plain TCP: servers that speak, say nothing, close, reset, and ports without any."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from tests.servers.running import LOOPBACK, Behaviour, Peer, for_ever


def tcp_banner(banner: bytes) -> Behaviour:
    """Speak first, then wait for the client to leave."""

    async def behave(peer: Peer) -> None:
        await peer.send(banner)
        peer.server.requests.append(await peer.reader.read(65_536))

    return behave


def tcp_reply(replies: Mapping[bytes, bytes]) -> Behaviour:
    """Answer what the table knows, byte for byte; say nothing to the rest."""

    async def behave(peer: Peer) -> None:
        while data := await peer.reader.read(65_536):
            peer.server.requests.append(data)
            await peer.send(replies.get(data, b""))

    return behave


def tcp_silent() -> Behaviour:
    """Accept and say nothing."""

    async def behave(peer: Peer) -> None:
        await for_ever()

    return behave


def tcp_close() -> Behaviour:
    """Accept and close."""

    async def behave(peer: Peer) -> None:
        return

    return behave


def tcp_reset() -> Behaviour:
    """Accept and reset."""

    async def behave(peer: Peer) -> None:
        peer.reset()

    return behave


def refused_port(host: str = LOOPBACK) -> int:
    """A port where nothing listens."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def deaf_port(host: str = LOOPBACK) -> Iterator[int]:
    """A port whose connections neither open nor fail: its queue is full and nobody takes from it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((host, 0))
        listening.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket(family)
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(listening.getsockname()[:2])
                fillers.append(filler)
            yield listening.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


def hang_in_handshake() -> Behaviour:
    """For a client that speaks TLS: read its hello, never answer."""

    async def behave(peer: Peer) -> None:
        peer.server.requests.append(await peer.reader.read(4096))
        await for_ever()

    return behave
