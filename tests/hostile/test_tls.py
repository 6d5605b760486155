"""Certificates and handshakes that are wrong in every way: verification is never given up for an answer."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from checks.egress import transfer
from checks.rules.outcome import Verdict
from tests import servers
from tests.hostile.catalogue import Item, items
from tests.hostile.conftest import says
from tests.hostile.test_answers import TLS, probe
from tests.servers import Authority, Server, answer, serve

SCRIPT = "<script>alert(1)</script>"
NAMES = ("a.test", "127.0.0.1")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(f"Test {SCRIPT}")


@pytest.fixture(autouse=True)
def _trusted(authority: Authority, tmp_path, monkeypatch) -> Iterator[None]:
    """This machine trusts our authority, as if it were a public one."""
    bundle = authority.write_bundle(tmp_path)
    monkeypatch.setattr(transfer.certifi, "where", lambda: str(bundle))
    transfer.authorities.cache_clear()
    yield
    transfer.authorities.cache_clear()


def context_for(variant: str, authority: Authority) -> ssl.SSLContext | None:
    match variant:
        case "expired":
            return authority.expired(*NAMES)
        case "wrong_host":
            return authority.server("other.test")
        case "missing_intermediate":
            return authority.without_intermediate(*NAMES)
        case "long_chain":
            issued = authority.issue(*NAMES)
            padded = issued.chain_pem + authority.intermediate.certificate_pem * 500
            return servers.Issued(issued.certificate, issued.key, padded).context()
        case "nul_in_name":
            return authority.server("a.test\0.evil.test")
        case "xss_issuer" | "tls_on_plain":
            return authority.server(*NAMES)
        case "year_9999":
            return authority.issue(*NAMES, not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)).context()
        case "hang_handshake" | "plain_on_tls":
            return None
    raise KeyError(variant)


@contextmanager
def target(variant: str, authority: Authority) -> Iterator[Server]:
    behaviours = {
        "hang_handshake": servers.hang_in_handshake(),
        "plain_on_tls": servers.tcp_banner(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    }
    with serve(behaviours.get(variant, answer("ok")), tls=context_for(variant, authority)) as server:
        yield server


EXPECTED: dict[str, tuple[Verdict, str, str]] = {
    # variant: verdict, what an HTTP check says, what a TLS check says
    "expired": (Verdict.DOWN, "expired.*day", "expired.*day"),
    "wrong_host": (Verdict.DOWN, "another name.*other.test", "other.test"),
    "missing_intermediate": (Verdict.DOWN, "intermediate|chain|issuer", "intermediate|chain|issuer"),
    "long_chain": (Verdict.DOWN, ".", "."),
    "nul_in_name": (Verdict.DOWN, "another name", "name"),
    "xss_issuer": (Verdict.UP, "200", "expires in"),
    "year_9999": (Verdict.UP, "200", "expires in"),
    "hang_handshake": (Verdict.DOWN, "no answer within 0.4 s", "no answer within 0.4 s"),
    "plain_on_tls": (Verdict.DOWN, "TLS", "TLS"),
    "tls_on_plain": (Verdict.DOWN, "malformed|not HTTP|closed", ""),
}


@items("target-response", only=TLS)
async def test_http_check__of_a_target_with_bad_tls__says_what_is_wrong(item: Item, authority: Authority):
    variant = item["input"]["server"]["variant"]
    verdict, sentence, _ = EXPECTED[variant]
    scheme = "http" if variant == "tls_on_plain" else "https"
    with target(variant, authority) as server:
        outcome = await probe({"url": f"{scheme}://a.test:{server.port}/"})
    assert outcome.verdict is verdict, outcome
    says(outcome.output, sentence)
    assert outcome.output.isprintable()


@items("target-response", only=tuple(one for one in TLS if one != "RSP-075"))
async def test_tls_check__of_a_target_with_bad_tls__says_what_is_wrong(item: Item, authority: Authority):
    variant = item["input"]["server"]["variant"]
    verdict, _, sentence = EXPECTED[variant]
    with target(variant, authority) as server:
        definition = {"kind": "tls", "host": "a.test", "port": server.port, "authorities": authority.pem}
        outcome = await probe(definition)
    assert outcome.verdict is verdict, outcome
    says(outcome.output, sentence)
    assert outcome.output.isprintable()


async def test_days_left__of_a_certificate_without_end__can_be_asked_for(authority: Authority):
    issued = authority.issue(*NAMES, not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    with serve(answer("ok"), tls=issued.context()) as server:
        outcome = await probe(
            {"url": f"https://a.test:{server.port}/", "conditions": ["[CERTIFICATE_EXPIRATION] > 48h"]}
        )
    assert outcome.verdict is Verdict.UP
    assert outcome.facts.certificate_expiration > timedelta(days=365 * 7000)
