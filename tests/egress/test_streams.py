"""TCP and TLS streams to targets that answer, refuse, hang and close early."""

from __future__ import annotations

import asyncio
import ssl
import time

import pytest

from checks.egress import Egress, parse_policy
from checks.errors import CheckError, EgressBlocked, NameNotResolved
from tests.servers import (
    answer,
    deaf_port,
    hang_in_handshake,
    refused_port,
    self_signed,
    serve,
    tcp_banner,
    tcp_close,
    tcp_reply,
    tcp_reset,
    tcp_silent,
)


async def test_connect__talks_both_ways_and_tells_phases(egress):
    with serve(tcp_reply({b"PING\r\n": b"+PONG\r\n"})) as server:
        async with await egress.connect("127.0.0.1", server.port) as connection:
            connection.writer.write(b"PING\r\n")
            assert await connection.reader.readline() == b"+PONG\r\n"
    assert (connection.ip, connection.port) == ("127.0.0.1", server.port)
    assert list(connection.phases_ms) == ["dns", "connect"]
    assert all(ms >= 0 for ms in connection.phases_ms.values())


async def test_connect__to_a_name__dials_its_judged_address(egress):
    with serve(tcp_banner(b"hello")) as server:
        async with await egress.connect("a.test", server.port) as connection:
            assert await connection.reader.readexactly(5) == b"hello"


async def test_connect__refused__names_the_target(egress):
    port = refused_port()
    with pytest.raises(CheckError, match=rf"^connection refused by 127\.0\.0\.1:{port}$"):
        await egress.connect("127.0.0.1", port)
    with pytest.raises(CheckError, match=rf"^connection refused by a\.test \(127\.0\.0\.1:{port}\)$"):
        await egress.connect("a.test", port)


async def test_connect__address_that_never_answers__ends_at_the_deadline(egress):
    with deaf_port() as port:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await egress.connect("127.0.0.1", port)
        assert time.monotonic() - began < 0.7


async def test_connect__first_address_refuses__the_next_is_tried(names):
    egress = Egress(
        parse_policy("lan", "127.0.0.0/8 ::1"), names(two_test=[["::1", "127.0.0.9", "127.0.0.1"]])
    )
    with serve(tcp_banner(b"x")) as server:
        async with await egress.connect("two.test", server.port) as connection:
            assert connection.ip == "127.0.0.1"


async def test_connect__first_address_is_deaf__the_next_is_tried_beside_it(names):
    egress = Egress(parse_policy("lan", "127.0.0.0/8"), names(two_test=[["127.0.0.2", "127.0.0.3"]]))
    with deaf_port("127.0.0.2") as port, serve(tcp_banner(b"x"), host="127.0.0.3", port=port):
        async with asyncio.timeout(2):
            async with await egress.connect("two.test", port) as connection:
                assert connection.ip == "127.0.0.3"


async def test_connect__all_addresses_refuse__tells_of_the_first(names):
    egress = Egress(parse_policy("lan", "127.0.0.0/8"), names(two_test=[["127.0.0.2", "127.0.0.3"]]))
    with pytest.raises(CheckError, match=r"refused by two\.test \(127\.0\.0\.2:"):
        await egress.connect("two.test", refused_port())


async def test_connect__many_addresses__stops_after_four(names):
    addresses = [f"127.0.1.{number}" for number in range(1, 6)]
    egress = Egress(parse_policy("lan", "127.0.0.0/8"), names(many_test=[addresses]))
    with serve(tcp_banner(b"x"), host="127.0.1.5") as server, pytest.raises(CheckError, match="refused"):
        await egress.connect("many.test", server.port)


async def test_connect__blocked__opens_no_socket(names):
    with serve(tcp_banner(b"x")) as server:
        with pytest.raises(EgressBlocked):
            await Egress(parse_policy("lan"), names()).connect("127.0.0.1", server.port)
        assert server.connections == 0


async def test_connect__unknown_name__is_not_resolved(egress):
    with pytest.raises(NameNotResolved):
        await egress.connect("nowhere.test", 80)


async def test_close__does_not_wait_for_a_hung_peer(egress):
    with serve(tcp_silent()) as server:
        began = time.monotonic()
        async with await egress.connect("127.0.0.1", server.port) as connection:
            connection.writer.write(b"x" * 10_000_000)
        connection.close()
        assert time.monotonic() - began < 1


async def test_tls__trusted__tells_its_phase(egress, authority):
    with serve(answer(b"ok"), tls=authority.server("a.test")) as server:
        async with await egress.connect("a.test", server.port, tls=authority.client_context()) as connection:
            connection.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await connection.reader.readline()).startswith(b"HTTP/1.1 200")
            assert connection.writer.get_extra_info("ssl_object").version().startswith("TLS")
    assert connection.phases_ms["tls"] > 0


async def test_tls__name_given_apart__is_the_one_that_is_verified(egress, authority):
    with serve(answer(b"ok"), tls=authority.server("other.example")) as server:
        connection = await egress.connect(
            "127.0.0.1", server.port, tls=authority.client_context(), server_hostname="other.example"
        )
        connection.close()


@pytest.mark.parametrize(
    ("variant", "sentence"),
    [
        ("expired", "its certificate has expired"),
        ("wrong name", "its certificate is for another name"),
        ("self-signed", "self-signed"),
        ("incomplete", "chain is incomplete"),
    ],
)
async def test_tls__bad_certificate__is_named(egress, authority, variant, sentence):
    context = {
        "expired": lambda: authority.expired("a.test"),
        "wrong name": lambda: authority.server("other.example"),
        "self-signed": lambda: self_signed("a.test"),
        "incomplete": lambda: authority.without_intermediate("a.test"),
    }[variant]()
    with serve(answer(b"ok"), tls=context) as server, pytest.raises(CheckError, match=sentence) as caught:
        await egress.connect("a.test", server.port, tls=authority.client_context())
    assert f"a.test (127.0.0.1:{server.port})" in str(caught.value)


async def speaks_first(peer):
    await peer.send(b"220 mail ready\r\n")
    await peer.reader.read(1000)


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (tcp_close(), "closed the connection during the TLS handshake|reset the connection"),
        (tcp_reset(), "reset"),
        (speaks_first, "does not speak TLS"),
    ],
)
async def test_tls__no_handshake__says_what_came_instead(egress, behaviour, sentence):
    with serve(behaviour) as server, pytest.raises(CheckError, match=sentence):
        await egress.connect("127.0.0.1", server.port, tls=ssl.create_default_context())


async def test_tls__hang_after_the_hello__ends_at_the_deadline(egress):
    with serve(hang_in_handshake()) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await egress.connect("127.0.0.1", server.port, tls=ssl.create_default_context())
        assert time.monotonic() - began < 0.7
