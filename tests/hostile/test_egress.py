"""Addresses that must not be dialled, however they are spelt and whatever the resolver says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from checks.egress import Address, Egress, HttpRequest, parse_policy
from checks.errors import CheckError, EgressBlocked, NameNotResolved
from checks.rules.outcome import Outcome, Verdict
from checks.runner.prepared import Prepared, prepare
from checks.runner.probe import Surroundings, run_probe
from tests.hostile.catalogue import Item, items, spelt_out
from tests.servers import answer, serve

PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"]
METADATA = ("CHK-025", "CHK-026", "CHK-031", "CHK-033")
ANSWERS_BY_ADDRESS = {"203.0.113.10": "198.41.0.4"}
"""The catalogue calls an address of a documentation network public; for the policy it is none."""


class Resolver:
    """Gives the next of its answers each time it is asked; other names have loopback's address."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str) -> Sequence[Address]:
        found = self.answers.pop(0) if self.answers else ["127.0.0.1"]
        if found == ["SERVFAIL"]:
            raise NameNotResolved(f"looking up {host} failed")
        return tuple(ip_address(ANSWERS_BY_ADDRESS.get(text, text)) for text in found)


def prepared(url: str, **more: object) -> Prepared:
    return prepare("hostile", {"url": url, "interval": 10, "timeout": 0.5, **more}, environ={})


async def probe(url: str, door: Egress, **more: object) -> Outcome:
    surroundings = Surroundings(egress=door, run_registered=asyncio.sleep, worker_signs=asyncio.sleep)
    try:
        return (await run_probe(prepared(url, **more), surroundings)).outcome
    finally:
        door.close()


@pytest.mark.parametrize("allow", [[], PRIVATE_RANGES], ids=["nothing-listed", "private-ranges-listed"])
@items("check-definition", "refused_safely", but=("CHK-041", "CHK-043"))
async def test_address_that_is_not_open__is_blocked_without_a_packet(
    item: Item, allow: list[str], monkeypatch
):
    dialled: list[object] = []
    monkeypatch.setattr(
        "checks.egress.http.Bridge.perform", lambda _bridge, transfer: dialled.append(transfer)
    )
    outcome = await probe(item["input"]["value"], Egress(parse_policy("lan", allow), Resolver([])))
    assert outcome.verdict is Verdict.BLOCKED, outcome
    assert not dialled


@items("check-definition", "refused_safely", only=METADATA)
def test_metadata_address__stays_refused_where_everything_else_is_listed(item: Item):
    policy = parse_policy("lan", [*PRIVATE_RANGES, "0.0.0.0/0", "::/0"])
    host = prepared(item["input"]["value"]).host
    with pytest.raises(EgressBlocked):
        policy.judge(ip_address(host), 80)


@items("check-definition", only=("CHK-041", "CHK-043"))
async def test_resolver_that_changes_its_mind__never_leads_to_loopback(item: Item, monkeypatch):
    """The address that was judged is the one that is dialled, and a failed lookup skips no judgement."""
    with serve(answer("inside")) as server:
        url = item["input"]["value"].replace(".test/", f".test:{server.port}/")
        door = Egress(parse_policy("lan"), Resolver(item["input"]["dns"]))
        first = await probe(url, door)
        second = await probe(url, door)
    assert server.connections == 0
    assert first.verdict is not Verdict.UP
    assert second.verdict is Verdict.BLOCKED


@items("check-definition", only=("CHK-050",))
def test_listed_ipv6_network__is_open(item: Item):
    policy = parse_policy("list", item["input"]["allow"])
    policy.judge(ip_address(prepared(item["input"]["value"]).host), 8443)


@items("check-definition", only=("CHK-062",))
async def test_malformed_escapes__are_sent_as_they_stand(item: Item):
    sent = set()
    for _ in range(2):
        with serve(answer("ok")) as server:
            url = item["input"]["value"].replace("example.test", f"127.0.0.1:{server.port}")
            outcome = await probe(url, Egress(parse_policy("lan", ["127.0.0.1"])))
        assert outcome.verdict is Verdict.UP
        sent.add(server.requests[0].partition(b" HTTP/")[0])
    assert sent == {b"GET /%zz?q=%"}


@items("check-definition", only=("CHK-005",))
async def test_scheme_planted_behind_the_validation__is_refused_at_the_door(item: Item):
    door = Egress(parse_policy("lan"))
    with pytest.raises(CheckError, match="only absolute http:// and https://"):
        await door.http(HttpRequest(url=item["input"]["value"]))
    door.close()


@items("check-definition", only=("CHK-104",))
async def test_pattern_that_would_backtrack_for_ever__is_judged_at_once(item: Item):
    """There are no regular expressions; the worst of our patterns takes the worst of their bodies."""
    body = spelt_out(item["input"]["target_body"])
    with serve(answer(body)) as server:
        conditions = [f"[BODY] == pat({'*a' * 30}*b)"]
        url = f"http://127.0.0.1:{server.port}/"
        outcome = await probe(url, Egress(parse_policy("lan", ["127.0.0.1"])), conditions=conditions)
    assert outcome.verdict is Verdict.DOWN
    assert not outcome.conditions[0].met
