"""
Local servers that behave, and many that do not, for tests of whatever dials out.

    with serve(answer(b"ok")) as server:
        ... http://127.0.0.1:{server.port}/ ...
        assert server.requests[0].startswith(b"GET / ")

    with serve(hang()) as server: ...                       # takes the request, never answers
    with serve(answer(b"ok"), tls=Authority().server("localhost")) as server: ...
    with serve_dns({("www.example", "A"): ["192.0.2.7"]}) as server: ...

Every server runs on a thread and a loop of its own, so it serves tests with and without a loop,
and one that hangs hangs alone. Leaving the block drops all its connections.
"""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import socket
import ssl
import struct
import tempfile
import threading
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.backends import free_port as free_port  # real servers, beside the hostile ones below
from tests.backends import postgres as postgres
from tests.backends import redis as redis

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

    with _loop_in_thread(start):
        yield server


Stop = Callable[[], None]


@contextmanager
def _loop_in_thread(start: Callable[[], Coroutine[None, None, Stop]]) -> Iterator[None]:
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


# Plain TCP


def tcp_banner(banner: bytes) -> Behaviour:
    """Speak first, then wait for the client to leave."""

    async def behave(peer: Peer) -> None:
        await peer.send(banner)
        peer.server.requests.append(await peer.reader.read(65_536))

    return behave


def tcp_reply(replies: Mapping[bytes, bytes]) -> Behaviour:
    """Answer what the table knows, byte for byte; say nothing to the rest."""

    async def behave(peer: Peer) -> None:
        while data := await peer.reader.read(65_536):
            peer.server.requests.append(data)
            await peer.send(replies.get(data, b""))

    return behave


def tcp_silent() -> Behaviour:
    """Accept and say nothing."""

    async def behave(peer: Peer) -> None:
        await for_ever()

    return behave


def tcp_close() -> Behaviour:
    """Accept and close."""

    async def behave(peer: Peer) -> None:
        return

    return behave


def tcp_reset() -> Behaviour:
    """Accept and reset."""

    async def behave(peer: Peer) -> None:
        peer.reset()

    return behave


def refused_port(host: str = LOOPBACK) -> int:
    """A port where nothing listens."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def deaf_port(host: str = LOOPBACK) -> Iterator[int]:
    """A port whose connections neither open nor fail: its queue is full and nobody takes from it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((host, 0))
        listening.listen(0)
        fillers = []
        try:
            for _ in range(4):
                filler = socket.socket(family)
                filler.setblocking(False)
                with suppress(BlockingIOError):
                    filler.connect(listening.getsockname()[:2])
                fillers.append(filler)
            yield listening.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


# TLS


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, as PEM; `chain_pem` includes intermediates that a server should send."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    chain_pem: str

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def context(self, *, client_authority_pem: str | None = None) -> ssl.SSLContext:
        """For a server; with `client_authority_pem` it demands a client certificate by that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "server.pem"
            file.write_text(self.chain_pem + self.key_pem)
            context.load_cert_chain(file)
        if client_authority_pem is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_authority_pem)
        return context


class Authority:
    """A certificate authority of the test's own, with an intermediate."""

    def __init__(self, name: str = "Test Authority") -> None:
        self.root = _issue(name, None, authority=True)
        self.intermediate = _issue(f"{name} Intermediate", self.root, authority=True)

    @property
    def pem(self) -> str:
        return self.root.certificate_pem

    def write_bundle(self, folder: Path) -> Path:
        """A file for `HttpRequest.ca_bundle` and the like."""
        bundle = folder / "authority.pem"
        bundle.write_text(self.pem)
        return bundle

    def client_context(self) -> ssl.SSLContext:
        """A client's context that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.pem)
        return context

    def issue(
        self,
        *names: str,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        send_intermediate: bool = True,
    ) -> Issued:
        """A certificate for `names` (host names or addresses), valid from yesterday for 90 days."""
        leaf = _issue(names[0], self.intermediate, names=names, not_before=not_before, not_after=not_after)
        between = self.intermediate.certificate_pem if send_intermediate else ""
        return Issued(leaf.certificate, leaf.key, leaf.certificate_pem + between)

    def server(self, *names: str) -> ssl.SSLContext:
        return self.issue(*(names or ("localhost", LOOPBACK))).context()

    def expired(self, *names: str, days: int = 3) -> ssl.SSLContext:
        now = datetime.now(UTC)
        issued = self.issue(
            *(names or ("localhost", LOOPBACK)),
            not_before=now - timedelta(days=days + 90),
            not_after=now - timedelta(days=days),
        )
        return issued.context()

    def without_intermediate(self, *names: str) -> ssl.SSLContext:
        return self.issue(*(names or ("localhost", LOOPBACK)), send_intermediate=False).context()


def self_signed(*names: str) -> ssl.SSLContext:
    names = names or ("localhost", LOOPBACK)
    return _issue(names[0], None, names=names).context()


def _issue(
    common_name: str,
    by: Issued | None,
    *,
    names: Sequence[str] = (),
    authority: bool = False,
    not_before: datetime | None = None,
    not_after: datetime | None = None,
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    issuer_key = by.key if by else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before or now - timedelta(days=1))
        .not_valid_after(not_after or now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if authority:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return Issued(certificate, key, certificate.public_bytes(serialization.Encoding.PEM).decode())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def hang_in_handshake() -> Behaviour:
    """For a client that speaks TLS: read its hello, never answer."""

    async def behave(peer: Peer) -> None:
        peer.server.requests.append(await peer.reader.read(4096))
        await for_ever()

    return behave


# DNS

Zone = Mapping[tuple[str, str], Sequence[str]]
Respond = Callable[[dns.message.Message], dns.message.Message | bytes | None]


@contextmanager
def serve_dns(
    zone: Zone | Respond, *, host: str = LOOPBACK, over_tcp: Zone | Respond | None = None
) -> Iterator[Server]:
    """
    A name server over UDP, and over TCP at the same port with `over_tcp` (or the same answers).

    Args:
        zone: ``{("www.example", "A"): ["192.0.2.7"]}``; other names of it are NXDOMAIN. Or a
            function from question to answer, bytes, or None for silence: see `dns_answer`.
    """
    respond = zone if callable(zone) else _from_zone(zone)
    tcp = respond if over_tcp is None else over_tcp if callable(over_tcp) else _from_zone(over_tcp)
    server = Server(host, 0, "dns")

    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
            server.requests.append(data)
            for packet in _packets(respond, data):
                self.transport.sendto(packet, addr)  # type: ignore[attr-defined]

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            size = int.from_bytes(await reader.readexactly(2), "big")
            for packet in _packets(tcp, await reader.readexactly(size)):
                writer.write(len(packet).to_bytes(2, "big") + packet)
            await writer.drain()
        writer.close()

    async def start() -> Stop:
        loop = asyncio.get_running_loop()
        listening = await asyncio.start_server(connected, host, 0)
        server.port = listening.sockets[0].getsockname()[1]
        datagrams, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=(host, server.port))

        def stop() -> None:
            listening.close()
            datagrams.close()

        return stop

    with _loop_in_thread(start):
        yield server


def _packets(respond: Respond, data: bytes) -> list[bytes]:
    given = respond(dns.message.from_wire(data))
    if given is None:
        return []
    return [given if isinstance(given, bytes) else given.to_wire(max_size=65_535)]


def _from_zone(zone: Zone) -> Respond:
    names = {name for name, _ in zone}

    def respond(question: dns.message.Message) -> dns.message.Message:
        asked = question.question[0]
        name = asked.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(asked.rdtype)
        values = zone.get((name, kind))
        if values is None:
            return dns_answer(question, rcode="NOERROR" if name in names else "NXDOMAIN")
        return dns_answer(question, values)

    return respond


def dns_answer(
    question: dns.message.Message,
    values: Sequence[str] = (),
    *,
    rcode: str = "NOERROR",
    truncated: bool = False,
) -> dns.message.Message:
    """An answer to `question`, for functions handed to `serve_dns`."""
    message = dns.message.make_response(question)
    message.set_rcode(dns.rcode.from_text(rcode))
    asked = question.question[0]
    if values:
        message.answer.append(
            dns.rrset.from_text(asked.name, 60, "IN", dns.rdatatype.to_text(asked.rdtype), *values)
        )
    if truncated:
        message.flags |= dns.flags.TC
    return message


def dns_silence(question: dns.message.Message) -> None:
    """A resolver that never answers."""


def dns_failure(rcode: str) -> Respond:
    """A resolver that always answers ``SERVFAIL``, ``REFUSED`` …"""
    return lambda question: dns_answer(question, rcode=rcode)


def dns_liar(question: dns.message.Message) -> bytes:
    """An answer to a question nobody asked: it must be ignored."""
    lie = dns_answer(question, ["192.0.2.66"])
    lie.id = (question.id + 1) % 65_536
    return lie.to_wire()
