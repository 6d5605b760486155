from __future__ import annotations

import pytest

from checks.egress import PingReply
from checks.errors import EgressBlocked, ProbeUnable
from checks.rules.outcome import Verdict


async def test_this_machine__answers(probe):
    try:
        outcome = await probe("icmp", host="127.0.0.1", count=2)
    except ProbeUnable as inability:
        pytest.skip(str(inability))
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "127.0.0.1 answered 2 of 2 requests")
    assert outcome.facts.connected


@pytest.mark.parametrize(("received", "verdict"), [(4, Verdict.UP), (3, Verdict.UP), (2, Verdict.DOWN)])
async def test_loss__beyond_what_is_borne__is_down(probe, received: int, verdict: Verdict):
    class Lossy:
        async def ping(self, host: str, *, count: int) -> PingReply:
            return PingReply(
                ip="192.0.2.1",
                sent=count,
                received=received,
                round_trip_ms=9.0,
                phases_ms={"first_byte": 9.0},
            )

    probe.egress = Lossy()
    outcome = await probe("icmp", host="far.example", count=4, max_loss_percent=25)
    assert (outcome.verdict, outcome.output) == (verdict, f"192.0.2.1 answered {received} of 4 requests")


async def test_address__that_policy_forbids__is_blocked(probe):
    with pytest.raises(EgressBlocked):
        await probe("icmp", host="10.0.0.1")
