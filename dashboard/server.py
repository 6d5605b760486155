"""The web server inside our own process."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from checks.errors import BreakwaterError
from dashboard.protocol import HTTP

GRACE_SECONDS = 2  # for answers that are being written when we stop


class PortBusy(BreakwaterError):
    """Someone else listens there, or we may not."""


def listen(host: str, port: int, setting: str) -> socket.socket:
    """
    Take `port` now, so that nothing else is started in vain when it is busy.

    Raises:
        PortBusy: With a sentence that names the port and `setting`, the variable that changes it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(
                f"Port {port} on {host} is in use: stop the other program, "
                f"or choose another port with {setting}=."
            ) from error
        raise PortBusy(f"Cannot listen on {host}, port {port}: {error.strerror}. See {setting}.") from error
    listener.setblocking(False)
    return listener


class Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to us and sleeps when nothing happens."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HTTP,
                log_config=None,
                access_log=False,
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self.listener = listener
        self.stopping = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise the signal again after its own end, and so kill what is still stopping.
        yield

    async def run_until_stopped(self) -> None:
        await self.serve(sockets=[self.listener])

    def stop(self) -> None:
        """To be called on the event loop's thread."""
        self.should_exit = True
        self.stopping.set()

    async def main_loop(self) -> None:
        """Renew the Date header once a second; uvicorn's own loop would wake ten times."""
        while not await self.on_tick(0):
            try:
                await asyncio.wait_for(self.stopping.wait(), timeout=1)
            except TimeoutError:
                continue
