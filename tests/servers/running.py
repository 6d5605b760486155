"""What every server here stands on: a thread, a loop, and a behaviour per connection."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class Server:
    """A running server: where it is and what it has seen."""

    host: str
    port: int
    scheme: str = "http"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    """What clients sent, per request (HTTP) or per connection's first bytes (`tcp_*`)."""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/"


@dataclass(slots=True)
class Peer:
    """One client's connection, as a behaviour sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: Server

    async def request(self) -> bytes:
        """Read one HTTP request, its body included; empty when the client is gone."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return b""
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        whole = head + (await self.reader.readexactly(length) if length else b"")
        self.server.requests.append(whole)
        return whole

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close so that the client sees a reset, not an end."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Behaviour = Callable[[Peer], Awaitable[None]]


async def for_ever() -> None:
    await asyncio.Event().wait()


@contextmanager
def serve(
    behaviour: Behaviour, *, host: str = LOOPBACK, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Run `behaviour` for every connection; the connection is closed when it returns."""
    server = Server(host, port, "https" if tls else "http")
    writers: set[asyncio.StreamWriter] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        writers.add(writer)
        try:
            with suppress(ConnectionError, ssl.SSLError):
                if tls is not None:
                    await writer.start_tls(tls)
                await behaviour(Peer(reader, writer, server))
                await writer.drain()
        finally:
            writer.close()
            writers.discard(writer)

    async def start() -> Stop:
        listening = await asyncio.start_server(connected, host, port, limit=2**20)
        server.port = listening.sockets[0].getsockname()[1]

        def stop() -> None:
            listening.close()
            for writer in writers:
                writer.transport.abort()

        return stop

    with loop_in_thread(start):
        yield server


Stop = Callable[[], None]


@contextmanager
def loop_in_thread(start: Callable[[], Coroutine[None, None, Stop]]) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    # A client that gives up in the middle of a handshake is what these servers are for.
    loop.set_exception_handler(lambda _loop, _context: None)
    thread = threading.Thread(target=loop.run_forever, name="test-server", daemon=True)
    thread.start()

    async def end(stop: Stop) -> None:
        for _ in range(5):
            await asyncio.sleep(0)  # a connection that was just accepted gets its transport, to be closed
        stop()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.001)  # transports close one turn of the loop later

    try:
        stop = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(end(stop), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
