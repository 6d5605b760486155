"""Echo requests, as far as this system permits them."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace

import pytest

from checks.egress import Egress, icmp, parse_policy
from checks.errors import EgressBlocked, ProbeUnable


def permitted() -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except OSError:
            continue
        return True
    return False


needs_permission = pytest.mark.skipif(not permitted(), reason="this system permits no echo requests")


@needs_permission
@pytest.mark.parametrize("host", ["127.0.0.1", "a.test"])
async def test_ping__loopback__answers(egress, host):
    reply = await egress.ping(host, count=2)
    assert (reply.ip, reply.sent, reply.received) == ("127.0.0.1", 2, 2)
    assert 0 < reply.round_trip_ms < 1000
    assert list(reply.phases_ms) == ["dns", "first_byte"]


async def test_ping__refused_by_policy__is_not_sent(names):
    with pytest.raises(EgressBlocked, match=r"^127\.0\.0\.1 is loopback"):
        await Egress(parse_policy("lan"), names()).ping("127.0.0.1")


async def test_ping__without_the_right__names_the_mend(egress, monkeypatch):
    def forbidden(*args):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(icmp, "socket", SimpleNamespace(**vars(socket) | {"socket": forbidden}))
    with pytest.raises(ProbeUnable, match=r"ping_group_range.*CAP_NET_RAW"):
        await egress.ping("127.0.0.1")


def test_packet__carries_a_checksum_that_adds_up():
    packet = icmp._packet(4, 0x1234, 7)
    assert icmp._checksum(packet) == 0


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0" * 4, icmp._packet(4, 1, 7), b"\0\0\0\0\0\1\0\7other words"],
)
def test_packet__that_answers_nothing_of_ours__is_ignored(packet):
    assert icmp._answered(packet, 4, 1, raw=False) is None


def test_answer__on_a_raw_socket__is_told_by_its_identifier():
    ip_header = b"\x45" + b"\0" * 19
    reply = b"\0\0\0\0\0\1\0\7" + icmp.PAYLOAD
    assert icmp._answered(ip_header + reply, 4, 1, raw=True) == 7
    assert icmp._answered(ip_header + reply, 4, 2, raw=True) is None


@pytest.fixture
def network(monkeypatch):
    """The network in place of a real one: what is sent arrives at this socket."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    monkeypatch.setattr(icmp, "_open", lambda address: (ours, False))
    monkeypatch.setattr(icmp, "SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(icmp, "PATIENCE_SECONDS", 0.05)
    with theirs:
        theirs.setblocking(False)
        yield theirs


async def test_ping__some_answers_lost__tells_how_many_came(egress, network):
    async def answer_the_even() -> None:
        loop = asyncio.get_running_loop()
        while True:
            packet = await loop.sock_recv(network, 2048)
            if packet[7] % 2 == 0:
                await loop.sock_sendall(network, b"\0" + packet[1:])
                await loop.sock_sendall(network, b"\0" + packet[1:])  # twice is not two

    answering = asyncio.create_task(answer_the_even())
    reply = await egress.ping("127.0.0.1", count=5)
    answering.cancel()
    await asyncio.wait({answering})
    assert (reply.sent, reply.received) == (5, 2)


async def test_ping__no_answer__ends_at_the_deadline(egress, network):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await egress.ping("127.0.0.1", count=2)
