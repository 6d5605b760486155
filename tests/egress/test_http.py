"""HTTP through libcurl, against servers that answer, refuse, hang, lie and close early."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import time

import pycurl
import pytest

from checks.egress import Egress, HttpRequest, HttpResponse, http, parse_policy, transfer
from checks.egress.readiness import Selected
from checks.egress.transfer import Transfer
from checks.errors import CheckError, EgressBlocked, NameNotResolved, ProbeUnable
from tests.servers import (
    answer,
    bomb,
    close_early,
    compressed,
    cut_body,
    drip,
    echo,
    endless_body,
    hang,
    hang_mid_body,
    huge_trailers,
    many_headers,
    raw,
    refused_port,
    reset_mid_body,
    response,
    serve,
    tcp_close,
    tcp_reset,
    tcp_silent,
)

BAD_ANSWERS = {
    "not HTTP at all": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\n",
    "TLS alert": bytes.fromhex("15030100020246"),
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\n0123456789",
    "length of 30 digits": b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999999999999999\r\n\r\nx",
    "chunk of 2^64 bytes": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\na",
    "chunk size is no number": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\na",
    "NUL in a header": b"HTTP/1.1 200 OK\r\nX: a\x00b\x07\r\n\r\n",
    "header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
}


async def get(egress: Egress, url: str, *, seconds: float = 5, **settings: object) -> HttpResponse:
    async with asyncio.timeout(seconds):
        return await egress.http(HttpRequest(url=url, **settings))


async def test_answer__comes_whole__with_status_headers_body_address_and_phases(egress):
    headers = {"Content-Type": "text/plain", "X-Twice": "1"}
    with serve(answer(b"hello", status=201, headers=headers)) as server:
        seen = await get(egress, server.url)
    assert (seen.status, seen.body, seen.truncated, seen.ip) == (201, b"hello", False, "127.0.0.1")
    assert seen.header("content-TYPE") == "text/plain"
    assert (seen.url, seen.redirects, seen.http_version) == (server.url, 0, "1.1")
    assert seen.certificate_expires_at is None
    assert list(seen.phases_ms) == ["dns", "connect", "tls", "first_byte", "transfer"]
    assert all(ms >= 0 for ms in seen.phases_ms.values())
    assert seen.phases_ms["tls"] == 0


async def test_phases__slow_first_byte__is_told_apart(egress):
    with serve(answer(b"late", after_seconds=0.1)) as server:
        seen = await get(egress, server.url)
    assert seen.phases_ms["first_byte"] >= 90
    assert seen.phases_ms["connect"] < 90


async def test_request__is_sent_as_given(egress):
    with serve(echo()) as server:
        seen = await get(
            egress,
            f"{server.url}a/../b?q=ü x#fragment",
            method="PUT",
            headers={"X-Test": "yes", "X-Empty": "", "Content-Type": "application/json"},
            body=b'{"a": 1}',
            bearer="secret-token",
        )
    asked = json.loads(seen.body)
    assert (asked["method"], asked["path"]) == ("PUT", "/a/../b?q=%C3%BC%20x")
    assert asked["body"] == '{"a": 1}'
    assert asked["headers"]["authorization"] == "Bearer secret-token"
    assert asked["headers"]["x-empty"] == ""
    assert asked["headers"]["user-agent"] == "Breakwater"
    assert "expect" not in asked["headers"]
    assert "accept-encoding" not in asked["headers"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GET", "PURGE"])
async def test_method__reaches_the_target_with_and_without_a_body(egress, method):
    with serve(echo()) as server:
        bare = await get(egress, server.url, method=method)
        full = await get(egress, server.url, method=method, body=b"x")
    assert json.loads(bare.body)["method"] == json.loads(full.body)["method"] == method
    assert json.loads(full.body)["body"] == "x"
    assert "content-type" not in json.loads(full.body)["headers"]


async def test_basic_auth__is_sent_in_utf8(egress):
    with serve(echo()) as server:
        seen = await get(egress, server.url, basic_auth=("jürgen", "p:w"))
    assert json.loads(seen.body)["headers"]["authorization"] == "Basic asO8cmdlbjpwOnc="


async def test_head__with_a_length_and_no_body__is_whole(egress):
    with serve(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")) as server:
        seen = await get(egress, server.url, method="HEAD")
    assert (seen.status, seen.body) == (200, b"")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204),
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", 999),
        (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.1 200 OK\r\nDate: Fri, 31 Dec 9999 23:59:59 GMT\r\nRetry-After: 99999999999\r\n\r\n", 200),
        (b"HTTP/1.1 103 Early Hints\r\nX: early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
        (b"HTTP/1.0 200 OK\r\n\r\nold", 200),
    ],
)
async def test_odd_but_sound_answers_are_accepted(egress, data, status):
    with serve(raw(data)) as server:
        seen = await get(egress, server.url)
    assert seen.status == status
    assert seen.header("x") != "early"


async def test_body__beyond_the_limit__is_cut_and_still_an_answer(egress):
    with serve(endless_body()) as server:
        seen = await get(egress, server.url, max_body_bytes=100_000)
    assert (seen.status, len(seen.body), seen.truncated) == (200, 100_000, True)


async def test_body__exactly_at_the_limit__is_whole(egress):
    with serve(answer(b"x" * 5000)) as server:
        seen = await get(egress, server.url, max_body_bytes=5000)
    assert (len(seen.body), seen.truncated) == (5000, False)


async def test_body__compressed__is_unpacked(egress):
    for codec in ("gzip", "deflate"):
        with serve(compressed(b"plain words", codec=codec)) as server:
            seen = await get(egress, server.url)
        assert seen.body == b"plain words"


@pytest.mark.parametrize("codec", ["gzip", "deflate"])
async def test_compression_bomb__is_unpacked_no_further_than_the_limit(egress, codec):
    with serve(bomb(codec)) as server:
        seen = await get(egress, server.url, max_body_bytes=50_000)
    assert (len(seen.body), seen.truncated) == (50_000, True)


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (bomb("zstd"), "cannot be decoded: zstd"),
        (bomb("br"), "cannot be decoded: br"),
        (answer(b"plain", headers={"Content-Encoding": "gzip"}), "cannot be decoded as gzip"),
        (
            answer(gzip.compress(b"x"), headers={"Content-Encoding": "gzip, gzip"}),
            "cannot be decoded: gzip, gzip",
        ),
        (compressed(b"some longer text" * 100, cut_to=30), "closed its gzip body before the end"),
        (cut_body(), "closed the connection before a whole answer"),
        (raw(response(200, {"Transfer-Encoding": "chunked"}) + b"5\r\nhel"), "before a whole answer"),
        (reset_mid_body(), "reset the connection before a whole answer"),
        (close_early(), "closed the connection before it answered"),
        (tcp_close(), "(closed|reset) the connection before"),
        (tcp_reset(), "reset|closed the connection"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Len"), "malformed answer|before"),
        (many_headers(100_000), "headers of more than 64 KiB"),
        (huge_trailers(2_000_000), "headers of more than 64 KiB"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 200_000 + b"\r\n\r\n"), "headers|malformed"),
        (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000), "headers of more than 64 KiB"),
    ],
)
async def test_bad_answer__is_told_in_one_sentence(egress, behaviour, sentence):
    with serve(behaviour) as server, pytest.raises(CheckError, match=sentence) as caught:
        await get(egress, server.url)
    assert f"127.0.0.1:{server.port}" in str(caught.value)


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_malformed_answer__is_called_malformed(egress, name):
    with serve(raw(BAD_ANSWERS[name])) as server, pytest.raises(CheckError, match="malformed answer"):
        await get(egress, server.url)


async def test_length_and_chunks_together__are_read_as_chunks(egress):
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    with serve(raw(data)) as server:
        assert (await get(egress, server.url)).body == b"a"


@pytest.mark.parametrize(
    "behaviour",
    [
        hang(),
        hang_mid_body(),
        tcp_silent(),
        drip(response(200, {"Content-Length": "500"}) + b"x" * 500, seconds_per_byte=0.02),
        raw(response(200, {"Transfer-Encoding": "chunked"}) + b"1;" + b"e" * 2**20, then_hang=True),
    ],
)
async def test_hanging_target__ends_at_the_deadline_and_is_let_go(egress, behaviour):
    with serve(behaviour) as server:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await get(egress, server.url, seconds=0.2)
        assert time.monotonic() - began < 0.7
        assert not egress._bridge()._waiting


async def test_cancelled_transfer__closes_its_connection_at_once(egress):
    left = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def watch(peer):
        await peer.request()
        await peer.reader.read(1)
        loop.call_soon_threadsafe(left.set)

    with serve(watch) as server:
        with pytest.raises(TimeoutError):
            await get(egress, server.url, seconds=0.2)
        async with asyncio.timeout(2):
            await left.wait()


async def test_refused_port__says_refused(egress):
    port = refused_port()
    with pytest.raises(CheckError, match=rf"^connection refused by 127\.0\.0\.1:{port}$"):
        await get(egress, f"http://127.0.0.1:{port}/")


async def test_each_request__opens_a_connection_of_its_own_and_carries_nothing_over(egress):
    with serve(answer(b"", headers={"Set-Cookie": "a=b; Path=/"})) as server:
        for _ in range(3):
            await get(egress, server.url, bearer="secret")
        await get(egress, server.url)
    assert server.connections == 4
    assert b"Cookie" not in b"".join(server.requests)
    assert b"secret" not in server.requests[-1]


async def test_many_at_once__each_gets_its_own_answer(egress):
    with serve(echo()) as server:
        urls = [f"{server.url}{number}" for number in range(60)]
        seen = await asyncio.gather(*(get(egress, url) for url in urls))
    assert [json.loads(each.body)["path"] for each in seen] == [f"/{number}" for number in range(60)]


async def test_system_without_epoll__is_served_by_its_selector(egress, monkeypatch):
    monkeypatch.setattr(http, "watched_sockets", Selected)
    with serve(hang()) as hung, serve(echo()) as server:
        waiting = asyncio.create_task(get(egress, hung.url))
        seen = await asyncio.gather(*(get(egress, f"{server.url}{number}") for number in range(20)))
        waiting.cancel()
    assert [json.loads(each.body)["path"] for each in seen] == [f"/{number}" for number in range(20)]


async def test_hung_targets__do_not_hold_the_others(egress):
    with serve(hang()) as hung, serve(answer(b"ok")) as server:
        waiting = [asyncio.create_task(get(egress, hung.url)) for _ in range(30)]
        await asyncio.sleep(0)
        seen = await asyncio.gather(*(get(egress, server.url, seconds=2) for _ in range(20)))
        assert all(each.body == b"ok" for each in seen)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\r\nY": "a"}, {"X": "a\0b"}, {"": "a"}])
async def test_header_that_would_break_out_of_its_line__is_not_sent(egress, headers):
    with serve(answer()) as server:
        with pytest.raises(CheckError, match="characters that no header may have"):
            await get(egress, server.url, headers=headers)
        assert server.requests == []


async def test_method_that_would_break_out_of_its_line__is_not_sent(egress):
    with serve(answer()) as server:
        with pytest.raises(CheckError, match="characters that no method may have"):
            await get(egress, server.url, method="GET / HTTP/1.1\r\nX: y\r\n\r\nGET")
        assert server.requests == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("ftp://127.0.0.1/", "only absolute http"),
        ("file:///etc/passwd", "only absolute http"),
        ("//127.0.0.1/", "only absolute http"),
        ("http://user:secret@127.0.0.1/", "credentials"),
        ("http://example\\@127.0.0.1/", "credentials"),
        ("http://127.0.0.1\\@example/", "credentials"),
        ("http://127.0.0.1:99999/", "65535"),
        ("http://127.0.0.1:0/", "65535"),
        ("http://exam\tple/", "malformed"),
        ("http://exa%6dple/", "malformed"),
        ("http:///path", "malformed"),
        ("http://a..b.example.test/", "not a host name"),
        ("http://bad_\u202egnp.example.test/", "not a host name"),
        ("http://1.2.3.4.5/", "neither a host name nor an address"),
        ("http://256.256.256.256/", "neither a host name nor an address"),
    ],
)
async def test_url_that_could_be_read_two_ways__is_not_dialled(egress, url, sentence):
    with pytest.raises(CheckError, match=sentence) as caught:
        await get(egress, url)
    assert "secret" not in str(caught.value)


async def test_unicode_name__is_looked_up_in_its_ascii_form(names):
    lookup = names(**{"xn--pypal-4ve_example": [["127.0.0.1"]]})
    egress = Egress(parse_policy("lan", "127.0.0.1"), lookup)
    with serve(echo()) as server:
        seen = await get(egress, f"http://pаypal.example:{server.port}/")
    egress.close()
    assert lookup.asked == ["xn--pypal-4ve.example"]
    assert json.loads(seen.body)["headers"]["host"] == f"xn--pypal-4ve.example:{server.port}"


async def test_name__keeps_its_host_header_and_is_dialled_at_the_judged_address(egress):
    with serve(echo()) as server:
        seen = await get(egress, f"http://a.test:{server.port}/")
    assert seen.ip == "127.0.0.1"
    assert json.loads(seen.body)["headers"]["host"] == f"a.test:{server.port}"


async def test_dead_ipv6_beside_live_ipv4__is_up(names):
    egress = Egress(parse_policy("lan", "127.0.0.1 ::1"), names(two_test=[["::1", "127.0.0.1"]]))
    with serve(answer(b"ok")) as server:
        seen = await get(egress, f"http://two.test:{server.port}/")
    egress.close()
    assert (seen.body, seen.ip) == (b"ok", "127.0.0.1")


async def test_same_name_for_two_requests_at_once__each_goes_to_its_own_addresses(names):
    """The table of names is libcurl's and shared by all requests of a loop: they must not mix."""
    lists = [["127.0.0.2", "127.0.0.3"], ["127.0.0.4", "127.0.0.5"]]
    egress = Egress(parse_policy("lan", "127.0.0.0/8"), names(two_test=lists))
    with (
        serve(answer(b"first"), host="127.0.0.2") as first,
        serve(answer(b"second"), host="127.0.0.4", port=first.port),
    ):
        seen = await asyncio.gather(*(get(egress, f"http://two.test:{first.port}/") for _ in range(2)))
    egress.close()
    assert {each.body for each in seen} == {b"first", b"second"}


async def test_address_that_was_not_judged__is_not_dialled_even_if_libcurl_would(egress, names, monkeypatch):
    with serve(answer()) as server:
        elsewhere = [f"::127.0.0.1:{server.port}"]
        monkeypatch.setattr(Transfer, "_pin", lambda self, *_: self.curl.setopt(pycurl.CONNECT_TO, elsewhere))
        monkeypatch.setattr(egress, "_lookup", names(a_test=[["127.0.0.2"]]))
        with pytest.raises(EgressBlocked, match=r"127\.0\.0\.1 was about to be dialled for a\.test"):
            await get(egress, f"http://a.test:{server.port}/")
        assert server.connections == 0


async def test_no_descriptor_left__is_our_lack_and_not_the_targets(egress, monkeypatch):
    def exhausted(*args):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(transfer, "_HandedOver", exhausted)
    with pytest.raises(ProbeUnable, match="no file descriptor left"):
        await get(egress, "http://127.0.0.1:9/")


async def test_lookup_that_hangs__counts_toward_the_deadline(names):
    egress = Egress(parse_policy("lan"), names(slow_test=[["hang"]]))
    with pytest.raises(TimeoutError):
        await get(egress, "http://slow.test/", seconds=0.1)


async def test_name_without_address__is_not_resolved(egress):
    with pytest.raises(NameNotResolved, match=r"nowhere\.test has no address"):
        await get(egress, "http://nowhere.test/")


async def test_environment__names_no_proxy_for_probes(egress, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serve(answer(b"direct")) as server:
        assert (await get(egress, server.url)).body == b"direct"


def test_request__shows_no_secret_in_its_repr():
    shown = repr(
        HttpRequest(
            url="http://a.test/",
            headers={"X-Key": "hidden"},
            bearer="hidden",
            basic_auth=("u", "hidden"),
            body=b"hidden",
            proxy="http://u:hidden@p:1",
            client_key_pem="hidden",
        )
    )
    assert "hidden" not in shown


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain", "пример".encode(), "пример"),
        ("text/plain; charset=x-none", b"ok", "ok"),
        ("text/html; charset=utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        ("text/plain; charset=ISO-8859-1", b"\xfc", "ü"),
        ("text/plain", b"\xff\xfe\xfd\xc3(", "����("),
    ],
)
async def test_text__of_any_bytes__falls_back_instead_of_failing(egress, content_type, body, text):
    with serve(answer(body, headers={"Content-Type": content_type})) as server:
        assert (await get(egress, server.url)).text() == text
