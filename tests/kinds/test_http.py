"""HTTP checks against servers that answer, refuse, hang, lie and close early."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from checks.errors import CheckError, EgressBlocked
from checks.rules.outcome import Verdict
from tests.servers import (
    answer,
    close_early,
    cut_body,
    echo,
    hang,
    hang_mid_body,
    raw,
    redirect,
    refused_port,
    routes,
    self_signed,
    serve,
    tcp_silent,
)


async def test_answer_of_200__is_up_with_facts_and_phases(probe):
    with serve(answer("fine")) as server:
        outcome = await probe("http", url=server.url)
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "200 OK")
    assert (outcome.facts.status, outcome.facts.body, outcome.facts.ip) == (200, "fine", "127.0.0.1")
    assert outcome.facts.connected
    assert set(outcome.phases_ms) >= {"dns", "connect", "tls", "first_byte", "transfer"}
    assert outcome.facts.response_time == timedelta(milliseconds=sum(outcome.phases_ms.values()))
    assert outcome.facts.certificate_expiration is None


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found"), (503, "503 Service Unavailable"), (999, "999")]
)
async def test_other_status__by_default__is_down_and_yields_to_a_condition(probe, status: int, said: str):
    with serve(answer(status=status)) as server:
        outcome = await probe("http", url=server.url)
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, f"{said}, expected 200-299")
    assert outcome.replaceable_by == "STATUS"
    assert outcome.facts.status == status


async def test_expected_status__when_given__is_final(probe):
    with serve(answer(status=503)) as server:
        assert (await probe("http", url=server.url, expected_status=["5xx"])).verdict is Verdict.UP
        assert (await probe("http", url=server.url, expected_status=[200, 503])).verdict is Verdict.UP
        outcome = await probe("http", url=server.url, expected_status=["200-204", 404])
    assert outcome.output == "503 Service Unavailable, expected 200-204, 404"
    assert outcome.replaceable_by == ""


async def test_redirect__is_followed_and_told(probe):
    with serve(routes({"/": redirect("/b"), "/b": answer("there")})) as server:
        outcome = await probe("http", url=server.url)
    assert (outcome.verdict, outcome.output, outcome.facts.body) == (
        Verdict.UP,
        "200 OK after 1 redirect",
        "there",
    )


async def test_redirect__not_followed__is_fine_by_default(probe):
    with serve(redirect("/b")) as server:
        outcome = await probe("http", url=server.url, follow_redirects=False)
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "302 Found")
    assert len(server.requests) == 1


async def test_redirects_without_end__fail(probe):
    with serve(redirect("/")) as server, pytest.raises(CheckError, match="too many redirects"):
        await probe("http", url=server.url)


async def test_request__carries_method_headers_body_and_name(probe):
    with serve(echo()) as server:
        outcome = await probe(
            "http", url=f"{server.url}ü?q=1", method="PUT", headers={"X-Mine": "a b"}, body='{"ключ": 1}'
        )
    seen = json.loads(outcome.facts.body)
    assert (seen["method"], seen["path"]) == ("PUT", "/%C3%BC?q=1")
    assert seen["body"].encode("latin-1").decode() == '{"ключ": 1}'
    assert seen["headers"]["x-mine"] == "a b"
    assert seen["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert seen["headers"]["user-agent"] == "Breakwater"


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({"username": "me", "password": "hunter22"}, "Basic bWU6aHVudGVyMjI="),
        ({"bearer": "hunter22"}, "Bearer hunter22"),
        ({"headers": {"Authorization": "Token hunter22"}}, "Token hunter22"),
    ],
)
async def test_credentials__are_sent_and_hidden_where_echoed(probe, settings: dict, sent: str):
    with serve(echo()) as server:
        outcome = await probe("http", url=server.url, **settings)
    assert f"authorization: {sent}".lower() in server.requests[0].decode().lower()
    for secret in ("hunter22", "bWU6aHVudGVyMjI="):
        assert secret not in str(outcome)


async def test_body__is_text_without_nul_whatever_bytes_came(probe):
    with serve(answer(b"a\0b\xff\xfe\xc3(")) as server:
        outcome = await probe("http", url=server.url)
    assert outcome.facts.body.startswith("ab")
    assert "\0" not in outcome.facts.body
    assert "\N{REPLACEMENT CHARACTER}" in outcome.facts.body


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (close_early(), "closed the connection"),
        (cut_body(), "before a whole answer"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "malformed"),
        (raw(b""), "closed the connection"),
    ],
)
async def test_target_that_lies_or_closes_early__fails_with_the_reason(probe, behaviour, sentence: str):
    with serve(behaviour) as server, pytest.raises(CheckError, match=sentence):
        await probe("http", url=server.url)


async def test_refused_connection__fails(probe):
    with pytest.raises(CheckError, match="refused"):
        await probe("http", url=f"http://127.0.0.1:{refused_port()}/")


@pytest.mark.parametrize("behaviour", [hang(), hang_mid_body(), tcp_silent()])
async def test_target_that_hangs__is_left_at_the_deadline(probe, behaviour):
    with serve(behaviour) as server, pytest.raises(TimeoutError):
        await probe("http", url=server.url, deadline_seconds=0.2)


async def test_certificate__that_nobody_vouches_for__fails_unless_told_not_to_look(probe):
    with serve(answer("ok"), tls=self_signed()) as server:
        with pytest.raises(CheckError, match="certificate"):
            await probe("http", url=server.url)
        outcome = await probe("http", url=server.url, verify_tls=False)
    assert outcome.verdict is Verdict.UP
    assert timedelta(days=88) < outcome.facts.certificate_expiration <= timedelta(days=90)


async def test_client_certificate__is_shown(probe, authority):
    client = authority.issue("client.test")
    tls = authority.issue("127.0.0.1").context(client_authority_pem=authority.pem)
    settings = {"client_certificate": client.chain_pem, "client_key": client.key_pem, "verify_tls": False}
    with serve(answer("ok"), tls=tls) as server:
        assert (await probe("http", url=server.url, **settings)).verdict is Verdict.UP
        with pytest.raises(CheckError):
            await probe("http", url=server.url, verify_tls=False)


async def test_proxy__is_asked_instead(probe):
    with serve(answer("by proxy")) as proxy:
        outcome = await probe(
            "http", url="http://target.example/x", proxy=f"http://me:hunter22@127.0.0.1:{proxy.port}"
        )
    assert outcome.facts.body == "by proxy"
    assert proxy.requests[0].startswith(b"GET http://target.example/x HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6aHVudGVyMjI=" in proxy.requests[0]


async def test_address__that_policy_forbids__is_blocked(probe):
    with pytest.raises(EgressBlocked, match=r"169\.254\.169\.254"):
        await probe("http", url="http://169.254.169.254/latest/meta-data/")
