"""HTTP servers that behave, and many that do not."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Mapping

from tests.servers.running import LOOPBACK, Behaviour, Peer, for_ever

# HTTP that behaves


def answer(
    body: bytes | str = b"",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    after_seconds: float = 0,
) -> Behaviour:
    """Answer every request the same way."""
    body = body.encode() if isinstance(body, str) else body

    async def behave(peer: Peer) -> None:
        while request := await peer.request():
            await asyncio.sleep(after_seconds)
            content = b"" if request.startswith(b"HEAD ") else body
            await peer.send(response(status, {"Content-Length": str(len(body)), **(headers or {})}) + content)

    return behave


def response(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Word", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def echo() -> Behaviour:
    """Answer with JSON of what was asked: ``method``, ``path``, ``headers`` (lower case), ``body``."""

    async def behave(peer: Peer) -> None:
        while request := await peer.request():
            head, _, body = request.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ")
            pairs = (line.partition(":") for line in lines)
            asked = {
                "method": method,
                "path": path,
                "headers": {name.lower(): value.strip() for name, _, value in pairs},
                "body": body.decode("latin-1"),
            }
            content = json.dumps(asked).encode()
            await peer.send(response(200, {"Content-Length": str(len(content))}) + content)

    return behave


def routes(table: Mapping[str, Behaviour]) -> Behaviour:
    """A behaviour per path; 404 for others. One request a connection."""

    async def behave(peer: Peer) -> None:
        request = await peer.request()
        if not request:
            return
        again = asyncio.StreamReader()
        again.feed_data(request)
        again.feed_eof()
        path = request.split(b" ", 2)[1].decode()
        peer.server.requests.pop()  # the chosen behaviour reads it once more
        await table.get(path, answer(b"no such path", status=404))(Peer(again, peer.writer, peer.server))

    return behave


def redirect(location: str | None, *, status: int = 302, body: bytes = b"") -> Behaviour:
    """Send elsewhere; to itself for ever with ``location="/"``; nowhere with None."""
    return answer(body, status=status, headers={} if location is None else {"Location": location})


def raw(data: bytes, *, then_hang: bool = False) -> Behaviour:
    """Write these bytes as they stand and close, or keep the connection open."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(data)
        if then_hang:
            await for_ever()

    return behave


def compressed(body: bytes, *, codec: str = "gzip", cut_to: int | None = None) -> Behaviour:
    """Answer compressed (gzip, deflate), whole or cut in the middle of the stream."""
    packed = gzip.compress(body) if codec == "gzip" else zlib.compress(body)
    return answer(packed[:cut_to], headers={"Content-Encoding": codec})


# HTTP that does not behave


def hang() -> Behaviour:
    """Take the request and never answer."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await for_ever()

    return behave


def hang_mid_body(sent: bytes = b"0123456789", promised: int = 100) -> Behaviour:
    return raw(response(200, {"Content-Length": str(promised)}) + sent, then_hang=True)


def close_early() -> Behaviour:
    """Take the request and close without a word."""
    return raw(b"")


def cut_body(sent: bytes = b"0123456789", promised: int = 100) -> Behaviour:
    """Promise more than is sent, then close."""
    return raw(response(200, {"Content-Length": str(promised)}) + sent)


def reset_mid_body(sent: bytes = b"x" * 100, promised: int = 1000) -> Behaviour:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(response(200, {"Content-Length": str(promised)}) + sent)
        await asyncio.sleep(0.02)
        peer.reset()

    return behave


def drip(data: bytes, *, seconds_per_byte: float) -> Behaviour:
    """The answer's bytes, head included, one at a time."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        for byte in data:
            await peer.send(bytes([byte]))
            await asyncio.sleep(seconds_per_byte)

    return behave


def endless_body(chunk: bytes = b"x" * 16_384) -> Behaviour:
    """A body without end and without a length."""

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.send(response(200, {"Content-Type": "text/plain"}))
        while True:
            await peer.send(chunk)

    return behave


def bomb(
    codec: str = "gzip", *, mebibytes: int = 64, status: int = 200, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Zeros, compressed a thousandfold; for ``br`` and ``zstd`` bytes that only claim to be."""
    if codec in ("gzip", "deflate"):
        packer = zlib.compressobj(9, wbits=31 if codec == "gzip" else 15)
        packed = b"".join(packer.compress(bytes(2**20)) for _ in range(mebibytes)) + packer.flush()
    else:
        packed = bytes.fromhex("28b52ffd0458") + bytes(65_536)
    return answer(packed, status=status, headers={"Content-Encoding": codec, **(headers or {})})


def many_headers(count: int) -> Behaviour:
    lines = "".join(f"X-{number}: {number}\r\n" for number in range(count))
    return raw(b"HTTP/1.1 200 OK\r\n" + lines.encode() + b"\r\n")


def huge_trailers(count: int) -> Behaviour:
    head = response(200, {"Transfer-Encoding": "chunked"})
    trailers = b"".join(b"X-Trailer: " + b"t" * 1000 + b"\r\n" for _ in range(count // 1000))
    return raw(head + b"2\r\nok\r\n0\r\n" + trailers + b"\r\n")


def proxy() -> Behaviour:
    """A proxy that tunnels every CONNECT to its port on loopback, whatever the host."""

    async def behave(peer: Peer) -> None:
        request = await peer.request()
        port = int(request.split(b" ", 2)[1].rpartition(b":")[2])
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        await peer.send(b"HTTP/1.1 200 Connected\r\nX-Proxy: yes\r\n\r\n")
        try:
            await asyncio.gather(_pump(peer.reader, writer), _pump(reader, peer.writer))
        finally:
            writer.transport.abort()

    return behave


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
