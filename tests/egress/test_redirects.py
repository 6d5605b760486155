"""Redirects: each hop passes the door again, and secrets stay at their origin."""

from __future__ import annotations

import asyncio
import json

import pytest

from checks.egress import HttpRequest
from checks.egress.urls import Hop, next_hop, parse_url
from checks.errors import CheckError, EgressBlocked
from tests.servers import answer, bomb, echo, raw, redirect, routes, serve

SECRETS = {
    "Authorization": "Bearer secret",
    "Cookie": "session=secret",
    "X-Api-Key": "secret",
    "Accept": "text/x",
}


async def get(egress, url, **settings):
    async with asyncio.timeout(5):
        return await egress.http(HttpRequest(url=url, **settings))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect__is_followed__and_counted(egress, status):
    with serve(routes({"/": redirect("/next", status=status), "/next": answer(b"there")})) as server:
        seen = await get(egress, server.url)
    assert (seen.status, seen.body, seen.url, seen.redirects) == (200, b"there", f"{server.url}next", 1)


async def test_redirect__not_to_be_followed__is_the_answer(egress):
    with serve(redirect("/next", body=b"moved")) as server:
        seen = await get(egress, server.url, follow_redirects=False)
    assert (seen.status, seen.body, seen.header("location"), seen.redirects) == (302, b"moved", "/next", 0)


async def test_phases__are_summed_over_redirects(egress):
    with serve(
        routes(
            {
                "/": answer(status=302, headers={"Location": "/x"}, after_seconds=0.05),
                "/x": answer(b"", after_seconds=0.05),
            }
        )
    ) as server:
        seen = await get(egress, server.url)
    assert seen.phases_ms["first_byte"] >= 90


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("?a=b", "/dir/page?a=b"),
        ("other", "/dir/other"),
        ("/ünder score", "/%C3%BCnder%20score"),
        ("#part", "/dir/page"),
    ],
)
def test_location__relative__is_joined(location, path):
    request = HttpRequest(url="http://a.test/dir/page")
    as_received = location.encode().decode("latin-1")
    assert next_hop(Hop(parse_url(request.url), request), 302, as_received).target.path == path


async def test_too_many_redirects__says_so(egress):
    with serve(redirect("/")) as server:
        with pytest.raises(CheckError, match="too many redirects: more than 5"):
            await get(egress, server.url)
        assert len(server.requests) == 6


async def test_ping_pong_between_two_hosts__says_too_many(egress):
    with serve(answer()) as spare:
        port = spare.port
    to_two = redirect(f"http://127.0.0.1:{port}/")
    with serve(to_two) as one, serve(redirect(one.url), port=port) as two:
        with pytest.raises(CheckError, match="too many redirects"):
            await get(egress, one.url)
        assert (len(one.requests), len(two.requests)) == (3, 3)


async def test_no_location__says_so(egress):
    behaviour = raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
    with serve(behaviour) as server, pytest.raises(CheckError, match="answered 302 without a Location"):
        await get(egress, server.url)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://0xa9fea9fe/",
        "//169.254.169.254/",
    ],
)
async def test_redirect_to_metadata__is_blocked(egress, location):
    with serve(redirect(location)) as server, pytest.raises(EgressBlocked, match="metadata"):
        await get(egress, server.url)


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("ftp://127.0.0.1/", "redirects to ftp:"),
        ("file:///etc/passwd", "redirects to file:"),
        ("gopher://127.0.0.1:70/_x", "redirects to gopher:"),
        ("javascript:alert(1)", "redirects to javascript:"),
        ("http://user:hunter2@127.0.0.1/", "credentials"),
        ("http://exa\tmple/", "control characters"),
        ("http://example\\@127.0.0.1/", "not followed"),
        ("http://a..b/", "not a host name"),
        ("http://[::1/", "malformed"),
    ],
)
async def test_redirect_to_what_is_not_dialled__says_why(egress, location, sentence):
    with serve(redirect(location)) as server, pytest.raises(CheckError, match=sentence) as caught:
        await get(egress, server.url)
    assert "hunter2" not in str(caught.value)


async def test_bomb_in_a_redirects_body__is_not_unpacked(egress):
    first = bomb("gzip", status=302, headers={"Location": "/ok"})
    with serve(routes({"/": first, "/ok": answer(b"fine")})) as server:
        seen = await get(egress, server.url, max_body_bytes=100)
    assert (seen.body, seen.truncated) == (b"fine", False)


async def test_same_origin__keeps_credentials(egress):
    with serve(routes({"/": redirect("/echo"), "/echo": echo()})) as server:
        seen = await get(egress, server.url, headers=SECRETS)
    assert json.loads(seen.body)["headers"]["x-api-key"] == "secret"


@pytest.mark.parametrize(
    "settings", [{"headers": SECRETS}, {"bearer": "secret"}, {"basic_auth": ("u", "secret")}]
)
async def test_other_port__gets_no_secret(egress, settings):
    with serve(echo()) as other, serve(redirect(other.url)) as server:
        seen = await get(egress, server.url, **settings)
    assert "secret" not in seen.text()
    assert "authorization" not in json.loads(seen.body)["headers"]


async def test_other_host__gets_no_secret_and_not_its_way_back_either(egress):
    with serve(echo()) as last:
        home = f"http://a.test:{last.port}/"
        with serve(redirect(home)) as middle, serve(redirect(f"http://b.test:{middle.port}/")) as first:
            seen = await get(egress, f"http://a.test:{first.port}/", headers=SECRETS)
    asked = json.loads(seen.body)["headers"]
    assert "x-api-key" not in asked
    assert asked["accept"] == "text/x"


async def test_https_to_http_with_credentials__is_refused(egress, authority, ca_bundle):
    with (
        serve(echo()) as plain,
        serve(redirect(f"http://a.test:{plain.port}/"), tls=authority.server("a.test")) as safe,
    ):
        url = f"https://a.test:{safe.port}/"
        with pytest.raises(CheckError, match="from https to http"):
            await get(egress, url, bearer="secret", ca_bundle=ca_bundle)
        assert plain.requests == []
        assert (await get(egress, url, ca_bundle=ca_bundle)).status == 200


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (301, "PUT", "PUT"),
        (303, "HEAD", "HEAD"),
        (303, "GET", "GET"),
    ],
)
async def test_method__after_a_redirect__follows_the_standard(egress, status, method, then):
    body = None if method in ("HEAD", "GET") else b"form"
    with serve(routes({"/": redirect("/echo", status=status), "/echo": echo()})) as server:
        await get(egress, server.url, method=method, body=body, headers={"Content-Type": "text/x"})
    second = server.requests[-1]
    assert second.startswith(f"{then} /echo ".encode())
    assert second.endswith(b"\r\n\r\nform" if then in ("POST", "PUT") else b"\r\n\r\n")
    if then != method:
        assert b"Content-Type" not in second


@pytest.mark.parametrize("status", [301, 307])
async def test_other_origin__never_gets_the_body(egress, status):
    with serve(echo()) as other, serve(redirect(other.url, status=status)) as server:
        if status == 307:
            with pytest.raises(CheckError, match="another origin's body"):
                await get(egress, server.url, method="POST", body=b"private words")
        else:
            await get(egress, server.url, method="POST", body=b"private words")
        assert b"private words" not in b"".join(other.requests)


async def test_refresh_header__is_not_followed(egress):
    body = b"<meta http-equiv=refresh content='0;url=http://127.0.0.1/'>"
    with serve(answer(body, headers={"Refresh": "0; url=http://169.254.169.254/"})) as server:
        seen = await get(egress, server.url)
    assert (seen.body, len(server.requests)) == (body, 1)
