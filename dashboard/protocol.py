"""
HTTP as our own server reads it, with limits on what a client may keep busy without asking anything.

uvicorn takes httptools where it is installed and h11 else. Neither minds a connection on which no
request comes, and every one takes a file descriptor from the probes. h11 refuses a long head;
httptools collects a header without end, in a time that grows with the square of its length, on the
loop that serves everybody.
"""

from __future__ import annotations

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
except ImportError:
    HttpToolsProtocol = None

MAX_UNREAD_BYTES = 65_536
HEAD_WITHIN = 20.0  # seconds
OPEN_FILES = 10_240


class Bounded:
    """What both protocols share: a head in time, and descriptors left for others."""

    most_connections = OPEN_FILES // 2
    head_within = HEAD_WITHIN
    _waiting: asyncio.TimerHandle | None = None
    _begun = False
    """Whether there are bytes of a request that is not whole yet."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)  # type: ignore[misc]
        if len(self.connections) > self.most_connections:
            transport.abort()
        else:
            self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)  # type: ignore[misc]
        self._begun = not self._answering()
        if self._begun and self._waiting is None:
            self._wait()

    def connection_lost(self, error: Exception | None) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        super().connection_lost(error)  # type: ignore[misc]

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.head_within, self._waited)

    def _waited(self) -> None:
        self._waiting = None
        # Between two requests uvicorn's own timer closes what is idle.
        if self.cycle is None or (self._begun and not self._answering()):
            self.transport.close()

    cycle: Any
    connections: set[Any]
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport


class BoundedH11(Bounded, H11Protocol):
    pass


if HttpToolsProtocol is None:
    HTTP: type[asyncio.Protocol] = BoundedH11
else:

    class BoundedHttpTools(Bounded, HttpToolsProtocol):
        """Closes a connection that sends much of which no request comes: head, chunk's head, trailers."""

        unread_bytes = 0

        def data_received(self, data: bytes) -> None:
            if self.unread_bytes > MAX_UNREAD_BYTES:
                if not self.transport.is_closing():
                    self.send_400_response("The request's head is too long.")
                return
            self.unread_bytes += len(data)
            super().data_received(data)

        def on_headers_complete(self) -> None:
            self.unread_bytes = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self.unread_bytes = 0
            super().on_body(body)

    HTTP = BoundedHttpTools


def share_open_files() -> None:
    """Raise this process's limit of open files, and leave at least half of them to the probes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    Bounded.most_connections = min(soft if soft > 0 else OPEN_FILES, OPEN_FILES) // 2
