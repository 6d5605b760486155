"""HTTP over TLS and through proxies: whose certificate is trusted, and what a refusal says."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from checks.egress import Egress, HttpRequest, HttpResponse, parse_policy
from checks.errors import CheckError, EgressBlocked, ProbeUnable
from tests.servers import (
    answer,
    echo,
    hang_in_handshake,
    proxy,
    response,
    self_signed,
    serve,
)


async def get(egress: Egress, url: str, *, seconds: float = 5, **settings: object) -> HttpResponse:
    async with asyncio.timeout(seconds):
        return await egress.http(HttpRequest(url=url, **settings))


async def test_tls__by_a_trusted_authority__tells_when_the_certificate_expires(egress, authority, ca_bundle):
    with serve(answer(b"ok"), tls=authority.server("a.test")) as server:
        seen = await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)
    assert seen.body == b"ok"
    assert seen.certificate_expires_at is not None
    days = seen.certificate_expires_at - datetime.now(UTC)
    assert timedelta(days=89) < days < timedelta(days=91)
    assert seen.phases_ms["tls"] > 0


async def test_tls__for_an_address_in_the_certificate__is_accepted(egress, authority, ca_bundle):
    with serve(answer(b"ok"), tls=authority.server("127.0.0.1")) as server:
        assert (await get(egress, server.url, ca_bundle=ca_bundle)).status == 200


async def test_tls__year_9999__is_no_overflow(egress, authority, ca_bundle):
    issued = authority.issue("a.test", not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    with serve(answer(b"ok"), tls=issued.context()) as server:
        seen = await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)
    assert seen.certificate_expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


async def test_tls__expired__says_since_when(egress, authority, ca_bundle):
    with serve(answer(b"ok"), tls=authority.expired("a.test", days=3)) as server:
        with pytest.raises(CheckError, match=r"certificate has expired, on \d{4}-\d\d-\d\d \(3 days ago\)"):
            await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)
        assert server.requests == []


async def test_tls__for_another_name__lists_the_names(egress, authority, ca_bundle):
    with serve(answer(b"ok"), tls=authority.server("other.example", "more.example")) as server:
        with pytest.raises(CheckError, match=r"for another name \(other\.example, more\.example\)"):
            await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)
        assert server.requests == []


async def test_tls__unknown_authority__is_refused_unless_verification_is_off(egress, authority):
    with serve(answer(b"ok"), tls=authority.server("a.test")) as server:
        url = f"https://a.test:{server.port}/"
        with pytest.raises(CheckError, match="authority that is not trusted"):
            await get(egress, url)
        seen = await get(egress, url, verify_tls=False)
    assert seen.body == b"ok"
    assert seen.certificate_expires_at is not None


async def test_tls__self_signed__says_so(egress, ca_bundle):
    context = self_signed("a.test")
    with serve(answer(), tls=context) as server, pytest.raises(CheckError, match="self-signed"):
        await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)


async def test_tls__missing_intermediate__says_incomplete(egress, authority, ca_bundle):
    context = authority.without_intermediate("a.test")
    with serve(answer(), tls=context) as server, pytest.raises(CheckError, match="chain is incomplete"):
        await get(egress, f"https://a.test:{server.port}/", ca_bundle=ca_bundle)


async def test_tls__plain_http_on_its_port__is_called_not_tls(egress):
    async def bad_request(peer):
        await peer.reader.read(1000)
        await peer.send(response(400, {"Content-Length": "0"}))

    with serve(bad_request) as server, pytest.raises(CheckError, match="does not speak TLS"):
        await get(egress, f"https://127.0.0.1:{server.port}/")


async def test_tls__on_the_plain_port__is_malformed(egress, authority):
    context = authority.server("a.test")
    sentence = r"malformed answer|closed the connection|reset the connection"
    with serve(answer(), tls=context) as server, pytest.raises(CheckError, match=sentence):
        await get(egress, f"http://127.0.0.1:{server.port}/")


async def test_tls__hang_after_the_hello__ends_at_the_deadline(egress):
    with serve(hang_in_handshake()) as server, pytest.raises(TimeoutError):
        await get(egress, f"https://127.0.0.1:{server.port}/", seconds=0.2)


async def test_tls__close_after_the_hello__says_so(egress):
    async def close_after_hello(peer):
        await peer.reader.read(100)

    with serve(close_after_hello) as server, pytest.raises(CheckError, match="during the TLS handshake"):
        await get(egress, f"https://127.0.0.1:{server.port}/")


async def test_client_certificate__is_shown_where_asked_for(egress, authority, ca_bundle):
    context = authority.issue("a.test").context(client_authority_pem=authority.pem)
    client = authority.issue("client.test")
    with serve(answer(b"ok"), tls=context) as server:
        url = f"https://a.test:{server.port}/"
        seen = await get(
            egress,
            url,
            ca_bundle=ca_bundle,
            client_certificate_pem=client.chain_pem,
            client_key_pem=client.key_pem,
        )
        assert seen.body == b"ok"
        with pytest.raises(CheckError, match=r"client certificate|(closed|reset) the connection"):
            await get(egress, url, ca_bundle=ca_bundle)


async def test_client_certificate__that_is_none__is_no_fault_of_the_target(egress, authority, ca_bundle):
    settings = {"ca_bundle": ca_bundle, "client_certificate_pem": "no PEM"}
    context = authority.server("a.test")
    with serve(answer(), tls=context) as server, pytest.raises(ProbeUnable, match="client certificate"):
        await get(egress, f"https://a.test:{server.port}/", **settings)


async def test_missing_bundle__is_no_fault_of_the_target(egress, tmp_path):
    with pytest.raises(ProbeUnable, match="cannot be read"):
        await get(egress, "https://127.0.0.1:9/", ca_bundle=tmp_path / "none.pem")


async def test_proxy__is_dialled_in_place_of_the_target(egress):
    with serve(echo()) as between:
        seen = await get(
            egress, "http://target.example/x", proxy=f"http://me:pass@127.0.0.1:{between.port}", bearer="t"
        )
    asked = json.loads(seen.body)
    assert asked["path"] == "http://target.example/x"
    assert asked["headers"]["proxy-authorization"].startswith("Basic ")


async def test_proxy__with_tls__is_a_tunnel_and_the_target_is_still_verified(egress, authority, ca_bundle):
    with (
        serve(answer(b"ok"), tls=authority.server("behind.example")) as server,
        serve(answer(b"ok"), tls=authority.expired("behind.example")) as expired,
        serve(proxy()) as between,
    ):
        settings = {"ca_bundle": ca_bundle, "proxy": f"http://127.0.0.1:{between.port}"}
        seen = await get(egress, f"https://behind.example:{server.port}/", bearer="secret", **settings)
        with pytest.raises(CheckError, match=r"^behind\.example through the proxy .* has expired$"):
            await get(egress, f"https://behind.example:{expired.port}/", **settings)
    assert (seen.body, seen.header("x-proxy")) == (b"ok", None)
    assert seen.certificate_expires_at is not None
    assert b"secret" not in between.requests[0]


async def test_proxy__that_refuses_the_tunnel__is_named(egress):
    with serve(answer(status=407)) as between, pytest.raises(CheckError, match=r"proxy .*refused.*407"):
        await get(egress, "https://behind.example/", proxy=f"http://127.0.0.1:{between.port}")


async def test_proxy__is_judged_like_any_target(names):
    egress = Egress(parse_policy("lan"), names())
    with pytest.raises(EgressBlocked, match=r"127\.0\.0\.1:3128 is loopback"):
        await get(egress, "http://target.example/", proxy="http://127.0.0.1:3128")
    egress.close()


async def test_proxy__of_another_scheme_is_refused(egress):
    with pytest.raises(CheckError, match="proxy must be given as http://host:port"):
        await get(egress, "http://target.example/", proxy="socks5://127.0.0.1:1080")
