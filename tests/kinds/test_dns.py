from __future__ import annotations

import pytest

from checks.errors import CheckError
from checks.rules.outcome import Verdict
from tests.servers import dns_failure, dns_liar, dns_silence, serve_dns

ZONE = {
    ("www.example", "A"): ["192.0.2.7", "192.0.2.8"],
    ("www.example", "AAAA"): ["2001:db8::7"],
    ("mail.example", "MX"): ["10 Mail.Example.", "20 backup.example."],
    ("text.example", "TXT"): ['"v=spf1 -all"'],
}


@pytest.fixture
def ask(probe):
    async def ask(query: str, zone=ZONE, **settings):
        with serve_dns(zone) as server:
            return await probe(
                "dns", query=query, resolver="127.0.0.1", resolver_port=server.port, **settings
            )

    return ask


async def test_answer__is_up_with_rcode_and_answers_as_body(ask):
    outcome = await ask("www.example")
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "NOERROR: 192.0.2.7, 192.0.2.8")
    assert (outcome.facts.dns_rcode, outcome.facts.body) == ("NOERROR", "192.0.2.7\n192.0.2.8")
    assert (outcome.facts.connected, outcome.facts.ip) == (True, "127.0.0.1")


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("www.example", {"expected": ["192.0.2.8"]}),
        ("www.example", {"record_type": "AAAA", "expected": ["2001:DB8:0::7"]}),
        ("mail.example", {"record_type": "MX", "expected": ["10 mail.example"]}),
        ("text.example", {"record_type": "TXT", "expected": ["v=spf1 -all"]}),
        ("www.example", {"expected": ["192.0.2.8", "192.0.2.7"], "exactly": True}),
        ("none.example", {"expected_rcode": "NXDOMAIN"}),
        ("www.example", {"record_type": "TXT", "expected_rcode": "NOERROR"}),
    ],
)
async def test_expected_answer__in_any_spelling_and_order__is_up(ask, query: str, settings: dict):
    assert (await ask(query, **settings)).verdict is Verdict.UP


@pytest.mark.parametrize(
    ("query", "settings", "said"),
    [
        ("www.example", {"expected": ["192.0.2.9"]}, "NOERROR: 192.0.2.7, 192.0.2.8, without 192.0.2.9"),
        ("www.example", {"expected": ["192.0.2.7"], "exactly": True}, "unexpected answer: 192.0.2.8"),
        ("www.example", {"record_type": "TXT"}, "NOERROR, but no TXT record"),
        ("www.example", {"expected_rcode": "NXDOMAIN"}, "NOERROR, expected NXDOMAIN"),
        ("none.example", {"expected_rcode": "NOERROR"}, "NXDOMAIN, expected NOERROR"),
    ],
)
async def test_other_answer__is_down_for_good(ask, query: str, settings: dict, said: str):
    outcome = await ask(query, **settings)
    assert (outcome.verdict, outcome.output, outcome.replaceable_by) == (Verdict.DOWN, said, "")


async def test_other_rcode__by_default__is_down_and_yields_to_a_condition(ask):
    outcome = await ask("none.example")
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, "NXDOMAIN, expected NOERROR")
    assert outcome.replaceable_by == "DNS_RCODE"
    assert (await ask("www.example", dns_failure("SERVFAIL"))).facts.dns_rcode == "SERVFAIL"


@pytest.mark.parametrize("zone", [dns_silence, dns_liar])
async def test_resolver_that_is_silent_or_lies__is_left_at_the_deadline(ask, zone):
    with pytest.raises((TimeoutError, CheckError)):
        await ask("www.example", zone, deadline_seconds=0.3)
