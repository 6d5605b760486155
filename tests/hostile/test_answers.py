"""Targets that lie, drip, hang and explode: each probe ends in time with an outcome that says why."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

import pytest

from checks.egress import Address, Egress, parse_policy
from checks.errors import NameNotResolved
from checks.rules.outcome import Outcome, Verdict
from checks.runner.prepared import Prepared, prepare
from checks.runner.probe import Surroundings, run_probe
from tests import servers
from tests.hostile.catalogue import Item, items
from tests.hostile.conftest import says
from tests.servers import Behaviour, answer, raw, serve

TIMEOUT = 0.4  # seconds
GRACE = 0.5  # seconds that a probe may end after its timeout
GROWTH = 64 * 1024  # KiB that one probe may add to the process's peak
SECRET = "t0p-s3cret-value"


class Names:
    """A resolver by table, for hosts that end in .test."""

    def __init__(self, **table: Sequence[str]) -> None:
        self.table = {name.replace("_", "."): addresses for name, addresses in table.items()}

    async def __call__(self, host: str) -> Sequence[Address]:
        if host == "slow.test":
            await asyncio.sleep(30)
        if host not in self.table:
            raise NameNotResolved(f"the name {host} has no address")
        return tuple(ip_address(text) for text in self.table[host])


NAMES = Names(a_test=["127.0.0.1"], b_test=["127.0.0.1"], dead_test=["::1", "127.0.0.1"])


async def probe(definition: dict[str, Any], names: Any = NAMES) -> Outcome:
    """One probe as the engine runs it; fails when it overstays or eats memory."""
    return await probe_prepared(
        prepare("hostile", {"interval": 10, "timeout": TIMEOUT} | definition, environ={}), names
    )


async def probe_prepared(prepared: Prepared, names: Any = NAMES) -> Outcome:
    door = Egress(parse_policy("lan", ["127.0.0.0/8", "::1"]), names)
    surroundings = Surroundings(egress=door, run_registered=asyncio.sleep, worker_signs=asyncio.sleep)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    try:
        observed = await run_probe(prepared, surroundings)
    finally:
        door.close()
    assert time.monotonic() - began < TIMEOUT + GRACE
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < GROWTH
    return observed.outcome


def redirect_with_bomb() -> Behaviour:
    return servers.bomb("gzip", mebibytes=64, status=302, headers={"Location": "/"})


def huge_chunk_extension(size: int) -> Behaviour:
    head = servers.response(200, {"Transfer-Encoding": "chunked"})
    return raw(head + b"2;a=" + b"x" * size + b"\r\nok\r\n0\r\n\r\n")


def drip_body(seconds_per_byte: float) -> Behaviour:
    async def behave(peer: servers.Peer) -> None:
        await peer.request()
        await peer.send(servers.response(200, {"Content-Length": "10"}))
        for _ in range(10):
            await peer.send(b"x")
            await asyncio.sleep(seconds_per_byte)

    return behave


def many_cookies(count: int) -> Behaviour:
    lines = "".join(f"Set-Cookie: c{number}=v\r\n" for number in range(count))
    return raw(f"HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n".encode())


def headers_and_body(wanted: dict[str, Any]) -> Behaviour:
    return answer(wanted.get("body", ""), headers=wanted["headers"])


BEHAVIOURS: dict[str, Callable[[dict[str, Any]], Behaviour]] = {
    "accept_and_hang": lambda _: servers.hang(),
    "body": lambda wanted: answer(wanted["body"]),
    "bytes": lambda wanted: answer(bytes.fromhex(wanted["hex"])),
    "close_idle": lambda _: servers.raw(servers.response(200, {"Content-Length": "2"}) + b"ok"),
    "compressed_zeros": lambda wanted: servers.bomb(wanted["codec"]),
    "drip_body": lambda wanted: drip_body(wanted["seconds_per_byte"]),
    "drip_headers": lambda wanted: servers.drip(
        b"HTTP/1.1 200 OK\r\n", seconds_per_byte=wanted["seconds_per_byte"]
    ),
    "echo_headers": lambda _: servers.echo(),
    "gzip_truncated": lambda _: servers.compressed(b"a long text " * 500, cut_to=40),
    "head_with_body": lambda _: raw(servers.response(200, {"Content-Length": "5"}) + b"hello"),
    "huge_chunk_extension": lambda wanted: huge_chunk_extension(wanted["bytes"]),
    "huge_trailers": lambda wanted: servers.huge_trailers(wanted["bytes"]),
    "many_cookies": lambda wanted: many_cookies(wanted["count"]),
    "many_headers": lambda wanted: servers.many_headers(wanted["count"]),
    "raw": lambda wanted: (
        raw(wanted["raw"].encode("latin-1")) if "raw" in wanted else headers_and_body(wanted)
    ),
    "raw_headers": headers_and_body,
    "redirect": lambda wanted: servers.redirect(wanted["location"], status=wanted.get("status", 302)),
    "redirect_with_bomb": lambda _: redirect_with_bomb(),
    "reset_mid_body": lambda wanted: servers.reset_mid_body(b"x" * wanted["after_bytes"]),
}
UP, DOWN, BLOCKED = Verdict.UP, Verdict.DOWN, Verdict.BLOCKED
OUTCOMES: dict[str, tuple[Verdict, str]] = {
    "RSP-003": (DOWN, "cannot be decoded"),
    "RSP-004": (DOWN, "too many redirects"),
    "RSP-005": (DOWN, "cannot be decoded as gzip"),
    "RSP-006": (DOWN, "before the end"),
    "RSP-008": (DOWN, "no answer within 0.4 s"),
    "RSP-009": (DOWN, "no answer within 0.4 s"),
    "RSP-010": (DOWN, "no answer within 0.4 s"),
    "RSP-014": (DOWN, "reset|before"),
    "RSP-017": (DOWN, "headers of more than 64 KiB"),
    "RSP-019": (DOWN, "."),
    "RSP-020": (UP, "200"),
    "RSP-021": (DOWN, "999, expected"),
    "RSP-022": (UP, "200"),
    "RSP-025": (DOWN, "before"),
    "RSP-027": (DOWN, "malformed"),
    "RSP-028": (DOWN, "malformed"),
    "RSP-029": (DOWN, "malformed|Content-Length"),
    "RSP-030": (UP, "200"),
    "RSP-031": (DOWN, "malformed|chunk"),
    "RSP-032": (UP, "200"),  # what nobody asked for is skipped as it comes
    "RSP-033": (DOWN, "headers of more than 64 KiB"),
    "RSP-037": (BLOCKED, "169.254.169.254.*metadata"),
    "RSP-042": (DOWN, "302 without a Location"),
    "RSP-044": (DOWN, "credentials"),
    "RSP-045": (UP, "200"),
    "RSP-046": (UP, "200"),
    "RSP-047": (UP, "200"),
    "RSP-048": (UP, "200"),
    "RSP-049": (UP, "200"),
    "RSP-050": (UP, "200"),
    "RSP-051": (DOWN, "headers of more than 64 KiB"),
    "RSP-053": (UP, "200"),
    "RSP-054": (UP, "200"),
    "RSP-055": (UP, "204"),
    "RSP-056": (UP, "200"),
    "RSP-057": (DOWN, "malformed"),
    "RSP-058": (UP, "200"),
    "RSP-059": (UP, "200"),
}
ELSEWHERE = ("RSP-035", "RSP-039", "RSP-041")
TLS = tuple(f"RSP-0{number}" for number in (60, 63, 65, 68, 69, 70, 71, 73, 74, 75))
NAME_SERVERS = ("RSP-077", "RSP-079", "RSP-080", "RSP-081")


@items("target-response", but=ELSEWHERE + TLS + NAME_SERVERS)
async def test_target__whatever_it_answers__ends_in_an_outcome_that_says_so(item: Item):
    wanted = item["input"]["server"]
    verdict, sentence = OUTCOMES[item["id"]]
    definition = {"method": "HEAD"} if wanted["behaviour"] == "head_with_body" else {}
    with serve(BEHAVIOURS[wanted["behaviour"]](wanted)) as server:
        first = await probe({"url": server.url} | definition)
        second = await probe({"url": server.url} | definition)
    assert first.verdict is second.verdict is verdict, first
    says(first.output, sentence)
    # What is kept can be stored on any database and shown on any page.
    assert "\0" not in first.output
    assert "\0" not in (first.facts.body or "")
    (first.output + (first.facts.body or "")).encode()
    assert first.output.isprintable(), first.output


@items("target-response", "sanitized", but=("RSP-019",))
async def test_hostile_text__that_a_condition_shows__is_inert(item: Item):
    wanted = item["input"]["server"]
    definition = {"bearer": SECRET, "conditions": ["[BODY] == something else", "[BODY] == pat(*nothing*)"]}
    with serve(BEHAVIOURS[wanted["behaviour"]](wanted)) as server:
        outcome = await probe({"url": server.url} | definition)
    assert outcome.verdict is DOWN
    for shown in (outcome.output, *(result.explained for result in outcome.conditions)):
        assert shown.isprintable(), shown
        shown.encode()
        assert SECRET not in shown


@items("target-response", only=("RSP-053",))
async def test_odd_json__gives_conditions_a_defined_answer(item: Item):
    body = item["input"]["server"]["body"].replace("1" * 40, "1" * 5000)
    conditions = ["[BODY].a == 2", "[BODY].b == 1", "[BODY].s == x", "has([BODY].missing) == false"]
    with serve(answer(body)) as server:
        outcome = await probe({"url": server.url, "conditions": conditions})
    assert outcome.verdict is DOWN
    for shown in (outcome.output, *(result.explained for result in outcome.conditions)):
        shown.encode()


@items("target-response", only=("RSP-035",))
async def test_redirects_between_two_hosts__end_after_a_few(item: Item):
    port = servers.free_port()
    with (
        serve(servers.redirect(f"http://b.test:{port}/")) as here,
        serve(servers.redirect(f"http://a.test:{here.port}/"), port=port) as there,
    ):
        outcome = await probe({"url": f"http://a.test:{here.port}/"})
    assert outcome.verdict is DOWN
    says(outcome.output, "too many redirects")
    assert len(here.requests) + len(there.requests) == 6


@items("target-response", only=("RSP-039", "RSP-041"))
async def test_redirect_to_another_origin__takes_nothing_secret_along(item: Item):
    wanted = item["input"]["server"]
    definition = {
        "method": "POST",
        "body": f"key={SECRET}",
        "headers": {"X-Api-Key": SECRET, "Cookie": f"session={SECRET}"},
        "bearer": SECRET,
    }
    if item["id"] == "RSP-039":
        definition = {"bearer": SECRET}
    with serve(servers.echo()) as other:
        location = f"http://b.test:{other.port}/"
        behaviour = servers.redirect(location, status=wanted.get("status", 302))
        with serve(behaviour) as server:
            outcome = await probe({"url": f"http://a.test:{server.port}/"} | definition)
    assert outcome.verdict in (UP, DOWN)
    assert not any(SECRET.encode() in request for request in other.requests)
    assert SECRET not in outcome.output


@items("target-response", only=("RSP-077", "RSP-079"))
async def test_lookup_that_hangs_or_goes_in_circles__counts_toward_the_timeout(item: Item):
    host = "slow.test" if item["id"] == "RSP-077" else "loop.test"
    outcome = await probe({"url": f"http://{host}/"})
    assert outcome.verdict is DOWN
    says(outcome.output, "no answer within 0.4 s" if host == "slow.test" else "has no address")


@items("target-response", only=("RSP-080",))
async def test_dead_address_beside_a_live_one__is_passed_over(item: Item):
    with serve(answer("ok")) as server:
        outcome = await probe({"url": f"http://dead.test:{server.port}/"})
    assert outcome.verdict is UP


@items("target-response", only=("RSP-081",))
async def test_name_whose_address_changes__is_judged_at_each_connection(item: Item):
    names = Names(flip_test=["127.0.0.1"])
    with serve(answer("ok")) as server:
        first = await probe({"url": f"http://flip.test:{server.port}/"}, names)
        names.table["flip.test"] = ["169.254.169.254"]
        second = await probe({"url": f"http://flip.test:{server.port}/"}, names)
    assert (first.verdict, second.verdict) == (UP, BLOCKED)


SAYS_IT_BACK = {
    "header": {"headers": {"X-Api-Key": SECRET}},
    "bearer": {"bearer": SECRET},
    "password": {"username": "me", "password": SECRET},
    "query": {"query": f"?access_token={SECRET}"},
    "placeholder-in-query": {"query": "?q=${HOSTILE_TOKEN}"},
    "placeholder-in-body": {"method": "POST", "body": "key=${HOSTILE_TOKEN}"},
    "placeholder-in-header": {"headers": {"X-Odd": "${HOSTILE_TOKEN}"}},
}


@pytest.mark.parametrize("case", SAYS_IT_BACK)
async def test_target_that_says_a_secret_back__does_not_get_it_stored(case: str):
    """Whatever a check was given to keep is not in what its outcome tells."""
    definition = dict(SAYS_IT_BACK[case])
    query = definition.pop("query", "")
    with serve(servers.echo()) as server:
        definition["url"] = f"{server.url}{query}"
        definition["conditions"] = ["[BODY] == something else", "[BODY].path == x", "[BODY].body == x"]
        definition["conditions"].append("[BODY].headers == x")
        prepared = prepare("x", definition, environ={"HOSTILE_TOKEN": SECRET})
        outcome = await probe_prepared(prepared)
    assert SECRET.encode() in server.requests[0] or case == "password"
    for shown in (outcome.output, *(result.explained for result in outcome.conditions)):
        assert SECRET not in shown
