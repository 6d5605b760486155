"""The demo's web server: its targets, and the page to break and mend them."""

from __future__ import annotations

import asyncio
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import h11
from django.conf import settings
from django.template.loader import render_to_string

from dashboard.demo.exchange import Exchange
from dashboard.demo.targets import WORDING, State, Target, all_targets, answer

REQUEST_SECONDS = 5.0  # for a client to send its request
LOOPBACK = {"127.0.0.1", "localhost"}
STYLE = Path(settings.BASE_DIR) / "static" / "demo" / "targets.css"


class DemoServer:
    """Serves on `listener` from `start` to `stop`."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.targets = all_targets()
        self.connections: set[asyncio.Task[None]] = set()
        self.server: asyncio.Server | None = None
        self.stopping = False

    async def start(self) -> None:
        self.server = await asyncio.start_server(self.accept, sock=self.listener)

    async def stop(self) -> None:
        self.stopping = True
        if self.server is not None:
            self.server.close()
        for connection in self.connections:
            connection.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.stopping:
            return writer.transport.abort()
        # Not the stream's own task: asyncio would report its cancellation as an error.
        connection = asyncio.create_task(self.converse(Exchange(reader, writer)))
        self.connections.add(connection)
        connection.add_done_callback(self.connections.discard)

    async def converse(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await exchange.receive()
            if request is not None:
                await self.respond(request, exchange)
        except (TimeoutError, h11.RemoteProtocolError, ConnectionError):
            return  # the client was slow, spoke no HTTP or left: nobody is there to be told
        finally:
            exchange.writer.transport.abort()

    async def respond(self, request: h11.Request, exchange: Exchange) -> None:
        path = urlsplit(request.target.decode("ascii")).path
        target = next((target for target in self.targets if path in target.paths), None)
        if target is not None:
            await play(target, path, exchange)
        elif request.method == b"POST":
            await self.change(request, path, exchange)
        elif path == "/":
            await exchange.send(200, page(self.targets), "text/html; charset=utf-8")
        elif path == "/targets.css":
            await exchange.send(200, STYLE.read_bytes(), "text/css; charset=utf-8")
        else:
            await exchange.send(404, b"There is no such target.\n")

    async def change(self, request: h11.Request, path: str, exchange: Exchange) -> None:
        """Break or mend a target: ``POST /targets/<slug>/<state>``."""
        slug, _, wanted = path.removeprefix("/targets/").partition("/")
        target = next((target for target in self.targets if target.slug == slug), None)
        if target is None or wanted not in set(State):
            await exchange.send(404, b"There is no such target or state.\n")
        elif not comes_from_our_page(request):
            await exchange.send(403, b"Only the demo's own page may change its targets.\n")
        else:
            target.state = State(wanted)
            await exchange.send(303, b"", location=f"/#{slug}")


async def play(target: Target, path: str, exchange: Exchange) -> None:
    if target.state is State.HANGING:
        await exchange.wait_until_client_leaves()
    elif target.state is State.CLOSING:
        await exchange.promise_and_hang_up()
    else:
        await asyncio.sleep(target.delay_seconds)
        reply = answer(target, path, time.time())
        await exchange.send(reply.status, reply.encoded(), "application/json")


def comes_from_our_page(request: h11.Request) -> bool:
    """Whether no other site sent this form. The host counts too: a site can point its own name at us."""
    headers = {name: value.decode("latin-1") for name, value in request.headers}
    host = headers.get(b"host", "")
    origin = headers.get(b"origin", f"http://{host}")
    return urlsplit(f"//{host}").hostname in LOOPBACK and origin == f"http://{host}"


def page(targets: list[Target]) -> bytes:
    rows = [
        {
            "target": target,
            "says": WORDING[target.state].state,
            "moves": [(state, words.button) for state, words in WORDING.items() if state is not target.state],
        }
        for target in targets
    ]
    return render_to_string("demo/targets.html", {"rows": rows, "dashboard": settings.BASE_URL}).encode()
