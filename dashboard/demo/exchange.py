"""
One HTTP exchange, spoken by hand: a demo target must also be able to hang up in the middle, which a
well-behaved server does not do.
"""

from __future__ import annotations

import asyncio

import h11

BODY_LIMIT = 65_536  # bytes of a request
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
HEADERS = [
    ("Connection", "close"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
]


class Exchange:
    """One request on one connection, and what becomes of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.protocol = h11.Connection(h11.SERVER)

    async def receive(self) -> h11.Request | None:
        """
        Read the request to its end; None when the client left without one.

        Raises:
            RemoteProtocolError: What came is no HTTP, or too much.
        """
        request: h11.Request | None = None
        size = 0
        while True:
            event = self.protocol.next_event()
            if event is h11.NEED_DATA:
                self.protocol.receive_data(await self.reader.read(BODY_LIMIT))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                size += len(event.data)
                if size > BODY_LIMIT:
                    raise h11.RemoteProtocolError("The request is too large.")
            else:
                return request

    async def send(
        self, status: int, body: bytes, content_type: str = "text/plain; charset=utf-8", location: str = ""
    ) -> None:
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body))), *HEADERS]
        if location:
            headers.append(("Location", location))
        for event in (h11.Response(status_code=status, headers=headers), h11.Data(body), h11.EndOfMessage()):
            self.writer.write(self.protocol.send(event) or b"")
        await self.writer.drain()
        self.writer.close()
        await self.writer.wait_closed()

    async def wait_until_client_leaves(self) -> None:
        while await self.reader.read(BODY_LIMIT):
            pass

    async def promise_and_hang_up(self) -> None:
        """Announce more than is sent, then cut the connection."""
        head = h11.Response(status_code=200, headers=[("Content-Length", "1000")])
        self.writer.write(self.protocol.send(head) or b"")
        await self.writer.drain()
        self.writer.transport.abort()
