"""One question to one resolver: over UDP, and again over TCP when the answer was cut."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from checks.egress.addresses import Address
from checks.egress.messages import DnsAnswer
from checks.egress.streams import dial, socket_address
from checks.errors import CheckError, InvalidInput, ProbeUnable, Problem

RESOLV_CONF = Path("/etc/resolv.conf")


async def ask(name: str, record_type: str, address: Address, port: int, *, tcp: bool = False) -> DnsAnswer:
    """
    Ask the resolver at `address`, which is judged.

    An answer counts only when it comes from that address, carries the question's random number
    and repeats the question; anything else is ignored, as a liar's packet must not end the wait.

    Raises:
        CheckError: The resolver refused the packet or gave an answer that cannot be read.
    """
    question = make_question(name, record_type)
    wire = question.to_wire()
    began = time.perf_counter()
    answer = None if tcp else await _over_udp(question, wire, address, port)
    if answer is None or answer.flags & dns.flags.TC:
        answer = await _over_tcp(question, wire, address, port)
    waited_ms = (time.perf_counter() - began) * 1000
    wanted = dns.rdatatype.from_text(record_type)
    values = [str(value) for rrset in answer.answer if rrset.rdtype == wanted for value in rrset]
    return DnsAnswer(
        rcode=dns.rcode.to_text(answer.rcode()),
        answers=tuple(values),
        ip=str(address),
        flags=tuple(dns.flags.to_text(answer.flags).split()),
        phases_ms={"first_byte": waited_ms},
    )


def make_question(name: str, record_type: str) -> dns.message.Message:
    """Raises `InvalidInput` when `name` or `record_type` is none."""
    try:
        kind = dns.rdatatype.from_text(record_type)
    except dns.rdatatype.UnknownRdatatype:
        raise InvalidInput(Problem("record_type", f"{record_type!r} is no DNS record type")) from None
    try:
        asked = dns.name.from_text(name, idna_codec=dns.name.IDNA_2003)
    except (dns.exception.DNSException, UnicodeError):
        raise InvalidInput(Problem("name", f"{name!r} is no DNS name")) from None
    return dns.message.make_query(asked, kind, use_edns=0, payload=1232)


def system_resolver(path: Path = RESOLV_CONF) -> Address:
    """The first name server that this machine uses. Raises `ProbeUnable` when it names none."""
    return _name_server(path, _changed_at(path))


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        raise ProbeUnable(f"{path} cannot be read, so there is no resolver to ask; name one") from None


@lru_cache(maxsize=4)
def _name_server(path: Path, changed_at: int) -> Address:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver":
            try:
                return ip_address(words[1])
            except ValueError:
                continue
    raise ProbeUnable(f"{path} names no resolver; name one")


class _Datagrams(asyncio.DatagramProtocol):
    """Hands the first acceptable answer to whoever waits."""

    def __init__(self, question: dns.message.Message) -> None:
        self._question = question
        self.answer: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        if self.answer.done():
            return
        try:
            answer = _read(data, self._question)
        except CheckError as error:
            self.answer.set_exception(error)
        else:
            if answer is not None:
                self.answer.set_result(answer)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _over_udp(
    question: dns.message.Message, wire: bytes, address: Address, port: int
) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    # Connected, so that the kernel drops what comes from anybody else and tells of a closed port.
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Datagrams(question), remote_addr=socket_address(address, port)[:2]
    )
    try:
        transport.sendto(wire)
        return await protocol.answer
    except ConnectionRefusedError:
        raise CheckError(f"no resolver listens at {address} port {port}") from None
    finally:
        transport.abort()


async def _over_tcp(
    question: dns.message.Message, wire: bytes, address: Address, port: int
) -> dns.message.Message:
    connection = await dial([address], port, tls=None, server_hostname=None, host=str(address))
    async with connection:
        connection.writer.write(len(wire).to_bytes(2, "big") + wire)
        try:
            size = int.from_bytes(await connection.reader.readexactly(2), "big")
            data = await connection.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionResetError):
            raise CheckError(f"the resolver {address} closed the connection before a whole answer") from None
    answer = _read(data, question)
    if answer is None:
        raise CheckError(f"the resolver {address} answered another question")
    return answer


def _read(data: bytes, question: dns.message.Message) -> dns.message.Message | None:
    """The answer in `data`; None when it is none to this question. Raises `CheckError` when unreadable."""
    if data[:2] != question.id.to_bytes(2, "big"):
        return None
    try:
        answer = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, UnicodeError):
        raise CheckError("the resolver gave a malformed answer") from None
    return answer if question.is_response(answer) else None
