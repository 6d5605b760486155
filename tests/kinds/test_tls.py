from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import CheckError
from checks.rules.outcome import Verdict
from checks.runner.prepared import prepare
from checks.runner.probe import Surroundings, run_probe
from tests.servers import (
    Authority,
    answer,
    hang_in_handshake,
    refused_port,
    self_signed,
    serve,
    tcp_banner,
    tcp_close,
    tcp_silent,
)

HERE = "127.0.0.1"


def lasting(authority: Authority, **left: float) -> ssl.SSLContext:
    return authority.issue(HERE, not_after=datetime.now(UTC) + timedelta(**left)).context()


async def test_sound_certificate__is_up_and_says_how_long(probe, authority):
    with serve(answer(), tls=lasting(authority, days=60, minutes=5)) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
    assert outcome.verdict is Verdict.UP
    assert outcome.output.startswith("TLSv1.3; the certificate expires in 60 days, on ")
    assert outcome.facts.certificate_expiration.days == 60
    assert outcome.phases_ms.keys() == {"dns", "connect", "tls"}


@pytest.mark.parametrize(
    ("days", "verdict"),
    [(13, Verdict.DEGRADED), (2, Verdict.DOWN), (15, Verdict.UP), (3.1, Verdict.DEGRADED)],
)
async def test_days_left__by_default_limits__yield_to_a_condition(
    probe, authority, days: float, verdict: Verdict
):
    with serve(answer(), tls=lasting(authority, days=days)) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
    assert outcome.verdict is verdict
    assert outcome.replaceable_by == ("" if verdict is Verdict.UP else "CERTIFICATE_EXPIRATION")


async def test_days_left__by_given_limits__are_final(probe, authority):
    settings = {"host": HERE, "authorities": authority.pem, "degraded_days": 40, "down_days": 30}
    with serve(answer(), tls=lasting(authority, days=35)) as server:
        degraded = await probe("tls", port=server.port, **settings)
    with serve(answer(), tls=lasting(authority, days=25)) as server:
        down = await probe("tls", port=server.port, **settings)
    assert (degraded.verdict, degraded.replaceable_by) == (Verdict.DEGRADED, "")
    assert (down.verdict, down.replaceable_by) == (Verdict.DOWN, "")


async def test_expired_certificate__is_down_and_says_since_when(probe, authority):
    with serve(answer(), tls=authority.expired(HERE, days=3)) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
        unverified = await probe("tls", host=HERE, port=server.port, verify=False)
    assert outcome.verdict is Verdict.DOWN
    assert "its certificate has expired" in outcome.output
    assert "expired 3 days ago, on " in outcome.output
    assert outcome.facts.certificate_expiration < timedelta(0)
    assert unverified.verdict is Verdict.DOWN


async def test_certificate_for_another_name__is_down_and_lists_its_names(probe, authority):
    with serve(answer(), tls=authority.server("a.example", "b.example")) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
        by_name = await probe(
            "tls", host=HERE, port=server.port, authorities=authority.pem, server_name="b.example"
        )
    assert outcome.verdict is Verdict.DOWN
    assert "for another name (for a.example, b.example; issued by " in outcome.output
    assert by_name.verdict is Verdict.UP


async def test_missing_intermediate__is_down_as_an_incomplete_chain(probe, authority):
    with serve(answer(), tls=authority.without_intermediate(HERE)) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
    assert outcome.verdict is Verdict.DOWN
    assert "chain is incomplete" in outcome.output


async def test_self_signed_certificate__is_down_unless_told_not_to_verify(probe):
    with serve(answer(), tls=self_signed(HERE)) as server:
        outcome = await probe("tls", host=HERE, port=server.port)
        unverified = await probe("tls", host=HERE, port=server.port, verify=False)
    assert "self-signed" in outcome.output
    assert unverified.verdict is Verdict.UP


async def test_issuer_name_with_a_script_or_controls__is_plain_text(probe):
    authority = Authority("<script>\u202e\x1b[2J")
    with serve(answer(), tls=authority.server("a.example")) as server:
        outcome = await probe("tls", host=HERE, port=server.port)
    assert "<script>" in outcome.output
    assert outcome.output.isprintable()


async def test_expiry_in_the_year_9999__does_not_overflow(probe, authority):
    tls = authority.issue(HERE, not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).context()
    with serve(answer(), tls=tls) as server:
        outcome = await probe("tls", host=HERE, port=server.port, authorities=authority.pem)
    assert outcome.verdict is Verdict.UP
    assert "on 9999-12-31" in outcome.output


async def test_older_protocol_than_wanted__is_down(probe, authority):
    tls = authority.server(HERE)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with serve(answer(), tls=tls) as server:
        settings = {"host": HERE, "port": server.port, "authorities": authority.pem}
        newest = await probe("tls", minimum_protocol="TLSv1.3", **settings)
        usual = await probe("tls", **settings)
    assert (newest.verdict, newest.output) == (Verdict.DOWN, "speaks TLSv1.2, at least TLSv1.3 is asked for")
    assert usual.verdict is Verdict.UP


async def test_plain_server__fails_as_not_speaking_tls(probe):
    with (
        serve(tcp_banner(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server,
        pytest.raises(CheckError, match="not speak TLS"),
    ):
        await probe("tls", host=HERE, port=server.port)


async def test_refused_or_closed__fails(probe):
    with pytest.raises(CheckError, match="refused"):
        await probe("tls", host=HERE, port=refused_port())
    with serve(tcp_close()) as server, pytest.raises(CheckError, match=r"closed|reset"):
        await probe("tls", host=HERE, port=server.port)


@pytest.mark.parametrize("behaviour", [hang_in_handshake(), tcp_silent()])
async def test_handshake_that_hangs__is_left_at_the_deadline(probe, behaviour):
    with serve(behaviour) as server, pytest.raises(TimeoutError):
        await probe("tls", host=HERE, port=server.port, deadline_seconds=0.2)


@pytest.mark.parametrize(("left", "verdict"), [("48h", Verdict.UP), ("2000h", Verdict.DOWN)])
async def test_condition_on_the_days_left__decides_instead_of_default_limits(probe, authority, left, verdict):
    with serve(answer(), tls=lasting(authority, days=10)) as server:
        definition = {
            "kind": "tls",
            "host": HERE,
            "port": server.port,
            "authorities": authority.pem,
            "conditions": [f"[CERTIFICATE_EXPIRATION] > {left}"],
        }
        surroundings = Surroundings(
            egress=probe.egress, run_registered=probe.run_registered, worker_signs=probe.worker_signs
        )
        observed = await run_probe(prepare("certificate", definition, environ={}), surroundings)
    assert observed.outcome.verdict is verdict
