"""
The thin front: what must be cheap or must stay open is answered here, the rest by Django's pages.

A Django view costs five times more under ASGI than under WSGI, so Django runs as WSGI in a bounded
pool of threads, and live streams never occupy one of them. `dashboard.asgi` puts it together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dashboard.api.prerendered import PrerenderedStatus

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LIVE = "/live/"


class Streams:
    """
    Answers that stay open, until the client leaves or we stop.

    A server waits for its open answers before it stops, so these must be ended first.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.running: set[asyncio.Task[None]] = set()
        self.ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noticing_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if self.ending:
            return await _say_stopping(send)
        # In a task of its own, so that ending the stream does not cancel the server's task.
        stream = asyncio.ensure_future(self.app(scope, receive, noticing_send))
        self.running.add(stream)
        try:
            await stream
        except asyncio.CancelledError:
            if not self.ending:
                stream.cancel()
                raise
            if not started:
                return await _say_stopping(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self.running.discard(stream)

    def end(self) -> None:
        """End every open stream and refuse new ones. To be called on the event loop's thread."""
        self.ending = True
        for stream in self.running:
            stream.cancel()


class Front:
    """
    Chooses who answers a request.

    Args:
        streams: Answers `/live/`.
        status: Answers the public status document, unless a request wants more than that.
        pages: Answers everything else.
    """

    def __init__(self, streams: Streams, status: PrerenderedStatus, pages: App) -> None:
        self.streams = streams
        self.status = status
        self.pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.live(receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1000})
        if scope["path"] == LIVE:
            return await self.streams(scope, receive, send)
        if not await self.status.answer(scope, send):
            await self.pages(scope, receive, send)

    async def live(self, receive: Receive, send: Send) -> None:
        """Follow the server's start and stop."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.status.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def end_streams(self) -> None:
        self.streams.end()


async def _say_stopping(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"5")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"Breakwater is stopping.\n", "more_body": False})
