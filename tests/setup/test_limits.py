"""What one request may weigh."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
from collections.abc import AsyncIterator

import pytest
import uvicorn

from dashboard.limits import MAX_HEAD_BYTES, RequestLimits
from dashboard.protocol import HTTP, Bounded, BoundedH11, share_open_files


class Client:
    """Says its pieces, then nothing more; keeps what it was answered."""

    def __init__(self, *pieces: bytes, whole: bool = True) -> None:
        self.pieces = list(pieces)
        self.whole = whole
        self.messages: list[dict] = []

    async def receive(self) -> dict:
        if not self.pieces:
            await asyncio.Event().wait()
        body = self.pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces) or not self.whole}

    async def send(self, message: dict) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return self.messages[0]["status"]

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.messages).decode()


def scope(path: str = "/", **headers: str) -> dict:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "path": path, "query_string": b"", "headers": pairs}


async def echo(scope, receive, send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


@pytest.fixture(autouse=True)
def _small(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10


async def test_body_in_pieces__is_handed_on_as_a_whole():
    client = Client(b"abc", b"", b"def")
    await RequestLimits(echo)(scope(content_length="6"), client.receive, client.send)
    assert (client.status, client.text) == (200, "abcdef")


@pytest.mark.parametrize("pieces", [[b"x" * 6, b"x" * 6], [b"x" * 50]], ids=["in-pieces", "at-once"])
@pytest.mark.parametrize("headers", [{"transfer_encoding": "chunked"}, {"content_length": "50"}])
async def test_body_above_the_limit__is_refused_before_it_is_whole(pieces, headers):
    client = Client(*pieces, whole=False)
    await RequestLimits(echo)(scope(**headers), client.receive, client.send)
    assert (client.status, client.text) == (413, "The request's body takes more than 10 bytes.\n")


async def test_body_that_does_not_come__is_given_up_and_its_connection_closed():
    client = Client(b"a", whole=False)
    limits = RequestLimits(echo, body_within=0.05)
    await limits(scope("/api/v1/checks", content_length="6"), client.receive, client.send)
    assert client.status == 408
    assert (b"connection", b"close") in client.messages[0]["headers"]
    assert json.loads(client.text)["error"]["code"] == "too_slow"


async def test_client_that_leaves_in_the_middle__is_forgotten():
    async def leave() -> dict:
        return {"type": "http.disconnect"}

    client = Client()
    await RequestLimits(echo)(scope(content_length="6"), leave, client.send)
    assert not client.messages


async def test_head_above_the_limit__is_refused():
    client = Client()
    await RequestLimits(echo)(scope(x="a" * (MAX_HEAD_BYTES + 1)), client.receive, client.send)
    assert client.status == 431


async def test_no_body__is_not_waited_for():
    client = Client(b"")
    await RequestLimits(echo)(scope(content_length="0"), client.receive, client.send)
    assert client.status == 200


@contextlib.asynccontextmanager
async def serving(protocol) -> AsyncIterator[tuple[str, int]]:
    config = uvicorn.Config(echo, port=0, http=protocol, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[:2]
    finally:
        await server.shutdown()


async def send_for_ever(writer: asyncio.StreamWriter) -> None:
    for _ in range(300):
        writer.write(b"a" * 65_536)
        await writer.drain()
    pytest.fail("20 MB were taken")


PROTOCOLS = list(dict.fromkeys([HTTP, BoundedH11]))
protocols = pytest.mark.parametrize("protocol", PROTOCOLS)


@contextlib.asynccontextmanager
async def connected(
    place: tuple[str, int],
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(*place)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@protocols
@pytest.mark.parametrize(
    "before",
    [
        b"GET /",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;a=",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: ",
    ],
    ids=["address", "header", "chunk", "trailer"],
)
async def test_our_server__that_is_sent_a_head_without_end__hangs_up(protocol, before: bytes):
    async with serving(protocol) as place, connected(place) as (_reader, writer):
        writer.write(before)
        with pytest.raises(ConnectionError):
            await send_for_ever(writer)


@protocols
@pytest.mark.parametrize(
    ("earlier", "begun"), [(0, b""), (0, b"GET / HT"), (1, b"GET / HT")], ids=["nothing", "first", "second"]
)
async def test_our_server__that_waits_for_a_request__hangs_up(
    protocol, earlier: int, begun: bytes, monkeypatch
):
    monkeypatch.setattr(Bounded, "head_within", 0.1)
    async with serving(protocol) as place, connected(place) as (reader, writer):
        for _ in range(earlier):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok")
            assert await reader.readuntil(b"ok\r\n0\r\n\r\n")
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), 2) == b""


@protocols
async def test_our_server__while_a_request_is_answered__waits_for_no_head(protocol, monkeypatch):
    monkeypatch.setattr(Bounded, "head_within", 0.05)
    async with serving(protocol) as place, connected(place) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n")
        await asyncio.sleep(0.15)
        writer.write(b"ok")
        assert (await asyncio.wait_for(reader.readuntil(b"ok"), 2)).startswith(b"HTTP/1.1 200")


@protocols
async def test_our_server__with_all_the_connections_it_may_have__takes_no_more(protocol, monkeypatch):
    monkeypatch.setattr(Bounded, "most_connections", 1)
    async with serving(protocol) as place, connected(place), connected(place) as (reader, _writer):
        assert await asyncio.wait_for(reader.read(), 2) == b""


def test_open_files__are_raised_and_half_of_them_left_to_probes(monkeypatch):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _which, limits: asked.append(limits))
    monkeypatch.setattr(Bounded, "most_connections", 0)
    share_open_files()
    assert asked == [(4096, 4096)]
    assert Bounded.most_connections == 2048
