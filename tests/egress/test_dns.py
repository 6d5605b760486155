"""Questions to resolvers that answer, fail, lie and say nothing."""

from __future__ import annotations

import asyncio
import os

import pytest

from checks.egress import Egress, parse_policy
from checks.egress.dns import system_resolver
from checks.errors import CheckError, EgressBlocked, InvalidInput, ProbeUnable
from tests.servers import (
    dns_answer,
    dns_failure,
    dns_liar,
    dns_silence,
    refused_port,
    serve_dns,
)

ZONE = {
    ("www.example", "A"): ["192.0.2.7", "192.0.2.8"],
    ("www.example", "AAAA"): ["2001:db8::7"],
    ("example", "MX"): ["10 mail.example."],
    ("example", "TXT"): ['"v=spf1 -all"'],
    ("xn--bcher-kva.example", "A"): ["192.0.2.9"],
}


async def ask(egress, server, name="www.example", record_type="A", **settings):
    async with asyncio.timeout(5):
        return await egress.dns(name, record_type, resolver="127.0.0.1", port=server.port, **settings)


@pytest.mark.parametrize(
    ("name", "record_type", "answers"),
    [
        ("www.example", "A", ("192.0.2.7", "192.0.2.8")),
        ("www.example.", "AAAA", ("2001:db8::7",)),
        ("example", "MX", ("10 mail.example.",)),
        ("example", "TXT", ('"v=spf1 -all"',)),
        ("bücher.example", "A", ("192.0.2.9",)),
    ],
)
async def test_answer__gives_values_as_text(egress, name, record_type, answers):
    with serve_dns(ZONE) as server:
        seen = await ask(egress, server, name, record_type)
    assert (seen.rcode, sorted(seen.answers), seen.ip) == ("NOERROR", sorted(answers), "127.0.0.1")
    assert list(seen.phases_ms) == ["dns", "first_byte"]
    assert "QR" in seen.flags


async def test_name_without_that_type__is_no_error_and_no_answer(egress):
    with serve_dns(ZONE) as server:
        seen = await ask(egress, server, "www.example", "MX")
    assert (seen.rcode, seen.answers) == ("NOERROR", ())


async def test_unknown_name__is_an_answer_too(egress):
    with serve_dns(ZONE) as server:
        assert (await ask(egress, server, "nowhere.example")).rcode == "NXDOMAIN"


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTIMP"])
async def test_failure__is_told_by_its_code(egress, rcode):
    with serve_dns(dns_failure(rcode)) as server:
        assert (await ask(egress, server)).rcode == rcode


async def test_silence__ends_at_the_deadline(egress):
    with serve_dns(dns_silence) as server, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await ask(egress, server)


async def test_lie__to_a_question_nobody_asked__is_ignored(egress):
    with serve_dns(dns_liar) as server, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await ask(egress, server)


async def test_garbage__with_the_right_number__is_malformed(egress):
    def garbage(question):
        return question.id.to_bytes(2, "big") + b"\xff" * 30

    with serve_dns(garbage) as server, pytest.raises(CheckError, match="malformed answer"):
        await ask(egress, server)


async def test_cut_answer__is_asked_for_again_over_tcp(egress):
    many = [f"192.0.2.{number}" for number in range(1, 200)]
    with serve_dns(
        lambda question: dns_answer(question, truncated=True),
        over_tcp=lambda question: dns_answer(question, many),
    ) as server:
        seen = await ask(egress, server)
    assert len(seen.answers) == 199
    assert server.connections == 1


async def test_tcp__from_the_start(egress):
    with serve_dns(ZONE) as server:
        seen = await ask(egress, server, tcp=True)
    assert len(seen.answers) == 2
    assert server.requests == []


async def test_nobody_listening__says_so(egress):
    port = refused_port()
    with pytest.raises(CheckError, match=rf"no resolver listens at 127\.0\.0\.1 port {port}"):
        async with asyncio.timeout(2):
            await egress.dns("www.example", "A", resolver="127.0.0.1", port=port)


async def test_resolver_that_policy_refuses__is_not_asked(names):
    with serve_dns(ZONE) as server:
        with pytest.raises(EgressBlocked):
            await ask(Egress(parse_policy("lan"), names()), server)
        assert server.requests == []


@pytest.mark.parametrize(
    ("name", "record_type"), [("a..b", "A"), ("www.example", "NONSENSE"), ("a" * 300, "A")]
)
async def test_question_that_is_none__is_refused(egress, name, record_type):
    with pytest.raises(InvalidInput):
        await egress.dns(name, record_type, resolver="127.0.0.1", port=1)


def test_system_resolver__is_the_first_that_the_system_names(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# comment\nsearch example\nnameserver nonsense\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n"
    )
    assert str(system_resolver(file)) == "192.0.2.53"
    file.write_text("nameserver fe80::1%1\n")
    os.utime(file, (1, 1))
    assert str(system_resolver(file)) == "fe80::1%1"


@pytest.mark.parametrize("content", [None, "search example\n"])
def test_system_resolver__named_by_nobody__is_our_own_lack(tmp_path, content):
    file = tmp_path / "resolv.conf"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ProbeUnable, match="name one"):
        system_resolver(file)
