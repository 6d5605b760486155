"""
What the bench's checks ask: a local server, cheap enough not to be in the way, that notes each request.

It runs as a process of its own, whose CPU is not counted. One port answers ``GET /<number>`` and
writes (time, number) to a log; the other accepts connections and never says a word.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tests.bench.processes import ROOT, ended

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]

RECORD = struct.Struct("<dI")  # Unix time in seconds, the path's number
FLUSH_SECONDS = 0.2
BACKLOG = 2048

_BODY = b'{"status":"ok"}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: " + str(len(_BODY)).encode() + b"\r\n\r\n" + _BODY
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that arrived: when (Unix time, seconds), and for which check."""

    at: float
    number: int


@dataclass(frozen=True, slots=True)
class Target:
    """A running target. `port` answers, `hanging_port` never does."""

    port: int
    hanging_port: int
    log: Path

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.port}/{number}"

    def hanging_url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.hanging_port}/{number}"

    def hits(self, since: float, until: float) -> list[Hit]:
        """The requests of a span that ended at least `FLUSH_SECONDS` ago."""
        whole = self.log.read_bytes()
        usable = len(whole) - len(whole) % RECORD.size
        return [Hit(*each) for each in RECORD.iter_unpack(whole[:usable]) if since <= each[0] < until]


@contextmanager
def running_target(folder: Path) -> Iterator[Target]:
    """Start a target that keeps its log in `folder`; it ends with the block."""
    log = folder / "target.log"
    command = [sys.executable, "-m", "tests.bench.target", str(log)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True)
    with ended(running) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        yield Target(ports["port"], ports["hanging_port"], log)


class Answering(asyncio.Protocol):
    """One connection. Requests come whole and without a body, which is all that the bench sends."""

    def __init__(self, noted: bytearray) -> None:
        self.noted = noted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        self.noted += RECORD.pack(time.time(), int(data[5 : data.index(b" ", 5)]))
        self.transport.write(ANSWER)


async def serve(log: Path) -> None:
    loop = asyncio.get_running_loop()
    noted = bytearray()
    answering = await loop.create_server(lambda: Answering(noted), "127.0.0.1", 0, backlog=BACKLOG)
    hanging = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0, backlog=BACKLOG)
    with log.open("ab", buffering=0) as file:
        ports = {"port": _port(answering), "hanging_port": _port(hanging)}
        print(json.dumps(ports), flush=True)
        parent = os.getppid()
        while os.getppid() == parent:  # an orphan has nobody to answer to
            await asyncio.sleep(FLUSH_SECONDS)
            file.write(noted)
            noted.clear()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uvloop is not None else None) as runner:
        runner.run(serve(Path(sys.argv[1])))
