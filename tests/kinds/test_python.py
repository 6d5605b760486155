"""Registered functions, plain and async."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator

import pytest

from checks.errors import CheckError, EgressBlocked, ProbeUnable
from checks.kinds import python
from checks.kinds.python import REGISTERED, call_registered, outcome_of, register_check
from checks.rules.outcome import Facts, Outcome, Verdict


@pytest.fixture(autouse=True)
def register_of_its_own(monkeypatch) -> Iterator[None]:
    monkeypatch.setattr(python, "REGISTERED", REGISTERED.copy())
    return


RETURNS = [
    (None, Verdict.UP, ""),
    (True, Verdict.UP, ""),
    (False, Verdict.DOWN, "returned False"),
    (
        Outcome.degraded("slow", facts=Facts(status=7), phases_ms={"first_byte": 1.0}),
        Verdict.DEGRADED,
        "slow",
    ),
]
RAISES = [
    (ValueError("no such thing"), Verdict.DOWN, "ValueError: no such thing"),
    (AssertionError(), Verdict.DOWN, "AssertionError"),
    (TimeoutError("its own"), Verdict.DOWN, "TimeoutError: its own"),
    (CheckError("the ledger is off by one"), Verdict.DOWN, "the ledger is off by one"),
    (EgressBlocked("not there"), Verdict.BLOCKED, "not there"),
    (ProbeUnable("no key"), Verdict.UNKNOWN, "no key"),
    (ValueError("\0" + "x" * 10_000), Verdict.DOWN, "ValueError: " + "x" * 500),
]


@pytest.mark.parametrize(("returned", "verdict", "said"), RETURNS)
@pytest.mark.parametrize("is_async", [False, True])
async def test_return_value__is_the_outcome(probe, is_async: bool, returned, verdict: Verdict, said: str):
    register_check("mine")(_function(is_async, lambda: returned))
    outcome = await probe("python", function="mine")
    assert (outcome.verdict, outcome.output) == (verdict, said)


@pytest.mark.parametrize(("error", "verdict", "said"), RAISES)
@pytest.mark.parametrize("is_async", [False, True])
async def test_exception__is_an_outcome(probe, is_async: bool, error: Exception, verdict: Verdict, said: str):
    def fail() -> None:
        raise error

    register_check("mine")(_function(is_async, fail))
    outcome = await probe("python", function="mine")
    assert (outcome.verdict, outcome.output) == (verdict, said)


def _function(is_async: bool, body):
    async def mine():
        return body()

    def mine_too():
        return body()

    return mine if is_async else mine_too


@pytest.mark.parametrize("returned", [1, 0, "ok", [], object(), 1.0])
def test_return_value__of_another_type__is_our_own_fault_and_told(returned: object):
    with pytest.raises(ProbeUnable, match=f"returned {type(returned).__name__}; a check returns True, False"):
        outcome_of(returned)


async def test_async_function__that_hangs__is_cancelled_at_the_deadline(probe):
    cancelled = asyncio.Event()

    @register_check("mine")
    async def mine() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        await probe("python", function="mine", deadline_seconds=0.05)
    assert cancelled.is_set()


@pytest.mark.parametrize(("returned", "verdict", "said"), RETURNS)
def test_what_a_child_process_returns__can_be_pickled(returned, verdict: Verdict, said: str):
    register_check("mine")(lambda: returned)
    outcome = pickle.loads(pickle.dumps(call_registered("mine")))
    assert (outcome.verdict, outcome.output) == (verdict, said)


def test_child_process__that_does_not_know_the_function__says_so():
    assert call_registered("gone").verdict is Verdict.UNKNOWN


def test_definition__has_the_public_keys():
    @register_check("ledger", interval=30, timeout=5, group="Payments", failure_threshold=1)
    def ledger() -> bool:
        return True

    assert python.REGISTERED["ledger"].definition == {
        "name": "ledger",
        "kind": "python",
        "function": "ledger",
        "interval": 30,
        "timeout": 5,
        "group": "Payments",
        "failure_threshold": 1,
    }
    assert not python.REGISTERED["ledger"].is_async


def test_definition__by_cron__has_no_interval():
    register_check("nightly", cron="0 3 * * *")(lambda: True)
    assert "interval" not in python.REGISTERED["nightly"].definition


def test_same_name_twice__is_refused_unless_it_is_the_same_function_read_again():
    def make():
        def mine() -> bool:
            return True

        return mine

    register_check("mine")(make())
    register_check("mine")(make())
    with pytest.raises(ValueError, match=r"registered twice: .*make.* and .*other"):

        @register_check("mine")
        def other() -> bool:
            return False
