"""Name servers over UDP and TCP: answers, failures, lies and silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.servers.running import LOOPBACK, Server, Stop, loop_in_thread

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

    with loop_in_thread(start):
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
