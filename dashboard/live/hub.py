"""
One reader of the log for all open pages of this process.

The hub looks at the log only while somebody follows. Each client has a short queue of its own; who
reads too slowly for it is told to ask again (`resync`) and costs nobody else anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection

from checks.queries.log import head
from dashboard.live.fragments import frame, news

log = logging.getLogger(__name__)

LOOK_EVERY = 0.3  # seconds
RETRY_AFTER = 2.0  # seconds, when the database does not answer
QUEUE = 64
"""Frames that may wait for one client."""

P = ParamSpec("P")
T = TypeVar("T")


class Client:
    """
    One open stream.

    Attributes:
        ended: No more frames will come.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self.ended = False
        self._waiting: deque[bytes] = deque()
        self._something = asyncio.Event()

    def offer(self, frames: tuple[bytes, ...], position: int) -> None:
        if len(self._waiting) + len(frames) > QUEUE:
            self._waiting.clear()
            frames = (frame("resync", {}, position),)
        self._waiting.extend(frames)
        self._something.set()

    def end(self) -> None:
        self.ended = True
        self._something.set()

    async def frames(self) -> bytes:
        """What is waiting, at once; waits for the first. Empty when the stream has ended."""
        await self._something.wait()
        if not self.ended:
            self._something.clear()
        found = b"".join(self._waiting)
        self._waiting.clear()
        return found


class Hub:
    """
    Follows the log on behalf of its clients.

    Attributes:
        position: The newest position that has been seen.
    """

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.position = 0
        self._following: asyncio.Task[None] | None = None
        # Database connections belong to threads: one thread, one connection.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live")

    async def join(self, language: str) -> Client:
        """A new client; every change after `position` will reach it."""
        if self._following is None:
            newest = await self.on_thread(head)
            if self._following is None:
                self.position = newest
        client = Client(language)
        self.clients.add(client)
        if self._following is None:
            self._following = asyncio.create_task(self._follow(), name="live-hub")
            self._following.add_done_callback(self._stopped)
        return client

    def leave(self, client: Client) -> None:
        self.clients.discard(client)
        if not self.clients and self._following is not None:
            self._following.cancel()
            self._following = None

    async def on_thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run what reads the database on the hub's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            languages = {client.language for client in self.clients}
            try:
                found = await self.on_thread(news, self.position, languages, clients=len(self.clients))
            except DatabaseError as error:
                log.warning("live.database_away", extra={"error": str(error)})
                await self.on_thread(close_connection)
                await asyncio.sleep(RETRY_AFTER)
                continue
            self.position = found.position
            for client in self.clients:
                if frames := found.frames.get(client.language):
                    client.offer(frames, found.position)

    def _stopped(self, task: asyncio.Task[None]) -> None:
        """When following fails, end the streams: browsers come again, and following starts anew."""
        if task.cancelled() or task is not self._following:
            return
        log.error("live.stopped", exc_info=task.exception())
        self._following = None
        for client in self.clients:
            client.end()


def close_connection() -> None:
    """Close the calling thread's connection; the next question opens another."""
    connection.close()
