from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from checks.errors import CheckError, InvalidInput, ProbeUnable
from checks.kinds.base import build
from checks.rules.outcome import Verdict
from tests.servers import answer, close_early, redirect, routes, serve


def registry(days: float, **more: object):
    """An RDAP answer for a registration that ends in so many days."""
    ends = datetime.now(UTC) + timedelta(days=days)
    events = [
        {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
        {"eventAction": "expiration", "eventDate": ends.isoformat()},
    ]
    return answer(json.dumps({"objectClassName": "domain", "events": events} | more))


@pytest.mark.parametrize(
    ("days", "verdict"), [(400, Verdict.UP), (20, Verdict.DEGRADED), (3, Verdict.DOWN), (-2, Verdict.DOWN)]
)
async def test_registration__by_what_is_left_of_it(probe, days: float, verdict: Verdict):
    with serve(routes({"/domain/example.org": registry(days)})) as server:
        outcome = await probe("domain", domain="example.org", server=server.url)
    assert outcome.verdict is verdict
    assert outcome.facts.domain_expiration is not None
    assert outcome.output.startswith("registered until ")
    assert outcome.replaceable_by == ("" if verdict is Verdict.UP else "DOMAIN_EXPIRATION")


async def test_registry__elsewhere__is_followed_to(probe):
    with (
        serve(routes({"/rdap/domain/example.org": registry(400)})) as there,
        serve(routes({"/domain/example.org": redirect(f"{there.url}rdap/domain/example.org")})) as server,
    ):
        outcome = await probe("domain", domain="example.org", server=server.url)
    assert outcome.verdict is Verdict.UP


async def test_international_name__is_asked_for_in_its_wire_form(probe):
    with serve(routes({"/domain/xn--bcher-kva.example": registry(400)})) as server:
        outcome = await probe("domain", domain="bücher.example", server=server.url)
    assert outcome.verdict is Verdict.UP


async def test_not_registered__is_down(probe):
    with serve(routes({"/domain/example.org": answer("{}", status=404)})) as server:
        outcome = await probe("domain", domain="example.org", server=server.url)
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, "example.org is not registered")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer("later", status=429), "asks us to come back later"),
        (answer("oops", status=500), "answered 500"),
        (answer("<html>"), "does not tell when"),
        (answer("[" * 100_000), "does not tell when"),
        (
            answer(json.dumps({"events": [7, {"eventAction": "expiration", "eventDate": "soon"}]})),
            "does not tell",
        ),
    ],
)
async def test_service_without_an_answer__lays_no_blame_on_the_domain(probe, reply, said: str):
    with serve(routes({"/domain/example.org": reply})) as server, pytest.raises(ProbeUnable, match=said):
        await probe("domain", domain="example.org", server=server.url)


async def test_service_that_hangs_up__is_told(probe):
    with serve(close_early()) as server, pytest.raises(CheckError, match="closed the connection"):
        await probe("domain", domain="example.org", server=server.url)


def test_limits__that_cross__are_refused():
    with pytest.raises(InvalidInput, match="degraded_days"):
        build("domain", {"domain": "example.org", "degraded_days": 1, "down_days": 7})
