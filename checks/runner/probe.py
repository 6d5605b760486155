"""
One probe under its deadline. Nothing else in Breakwater owns a deadline of a check.

A failing target is an outcome, not an exception. Whatever is our own fault (a missing secret, a
bug in a kind) is an outcome too, but one that lays no blame on the target.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from checks.egress import Egress
from checks.errors import CheckError, EgressBlocked, ProbeUnable
from checks.kinds.base import Probing
from checks.kinds.secrets import hide
from checks.rules.answer import Answer
from checks.rules.condition import evaluate_all
from checks.rules.outcome import ConditionResult, Outcome, Verdict
from checks.runner.prepared import Prepared

log = logging.getLogger(__name__)

OUTPUT_LIMIT = 2000
"""Characters of an outcome's sentence that are kept."""
PUNCTUAL_SECONDS = 0.5
"""A deadline that strikes later than this shows that our own process stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process lends to every probe; see `Probing` for the meaning of each."""

    egress: Egress
    run_registered: Callable[[str], Awaitable[object]]
    worker_signs: Callable[[], Awaitable[Mapping[str, datetime]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """An outcome with its latency (milliseconds, None when nothing answered) and its attempts."""

    outcome: Outcome
    latency_ms: float | None
    attempts: int


async def run_probe(prepared: Prepared, surroundings: Surroundings) -> Observed:
    """
    Probe once, and again at once for each confirmation retry while the target looks down.

    Never raises for a failing target; cancellation passes through.
    """
    attempts = 0
    while True:
        attempts += 1
        outcome, latency_ms = await _attempt(prepared, surroundings)
        if outcome.verdict is not Verdict.DOWN or attempts > prepared.definition.retries:
            discreet = _discreet(outcome, prepared.secrets)
            return Observed(outcome=discreet, latency_ms=latency_ms, attempts=attempts)


async def _attempt(prepared: Prepared, surroundings: Surroundings) -> tuple[Outcome, float | None]:
    timeout = prepared.definition.timeout
    now = datetime.now(UTC)
    probing = Probing(
        egress=surroundings.egress,
        timeout=timeout,
        now=now,
        run_registered=surroundings.run_registered,
        worker_signs=surroundings.worker_signs,
    )
    loop = asyncio.get_running_loop()
    started = loop.time()
    answered = True
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            outcome = await prepared.kind.probe(probing)
    except TimeoutError:
        overslept = loop.time() - started - timeout.total_seconds()
        if overslept > PUNCTUAL_SECONDS:
            # Nobody read what the target may have answered, so this says nothing about it.
            return Outcome.unknown(f"we ourselves stood still for {overslept:.1f} s beyond its timeout"), None
        answered = False
        outcome = Outcome.down(f"no answer within {timeout.total_seconds():g} s", replaceable_by="CONNECTED")
    except EgressBlocked as refusal:
        return Outcome.blocked(str(refusal)), None
    except ProbeUnable as inability:
        return Outcome.unknown(str(inability)), None
    except (CheckError, OSError) as failure:
        answered = False
        outcome = Outcome.down(str(failure) or type(failure).__name__, replaceable_by="CONNECTED")
    except (Exception, SystemExit, KeyboardInterrupt) as bug:
        # The last two would end the loop that all probes share.
        log.exception("probe.bug", extra={"check": prepared.definition.slug})
        return Outcome.unknown(f"the probe itself failed: {type(bug).__name__}: {bug}"[:OUTPUT_LIMIT]), None
    elapsed = timedelta(seconds=loop.time() - started)
    latency_ms = _latency_ms(outcome, elapsed) if answered and outcome.verdict.blames_target else None
    return judged(prepared, outcome, latency_ms, now), latency_ms


def _discreet(outcome: Outcome, secrets: frozenset[str]) -> Outcome:
    """The outcome without the secrets that its target said back, or an error quoted."""
    if not secrets:
        return outcome
    return replace(
        outcome,
        output=hide(outcome.output, secrets),
        conditions=tuple(
            replace(result, explained=hide(result.explained, secrets)) for result in outcome.conditions
        ),
    )


def _latency_ms(outcome: Outcome, elapsed: timedelta) -> float:
    # A kind that splits its time knows the network's share better than our own stopwatch does.
    if outcome.phases_ms:
        return sum(outcome.phases_ms.values())
    return elapsed / timedelta(milliseconds=1)


def judged(prepared: Prepared, outcome: Outcome, latency_ms: float | None, now: datetime) -> Outcome:
    """The outcome after the check's own conditions and its latency limit have been asked."""
    if not outcome.verdict.blames_target:
        return outcome
    results: tuple[ConditionResult, ...] = ()
    if prepared.conditions or prepared.degraded_conditions:
        facts = outcome.facts
        if facts.response_time is None and latency_ms is not None:
            facts = replace(facts, response_time=timedelta(milliseconds=latency_ms))
        answer = Answer(facts)
        must = evaluate_all(prepared.conditions, answer, now)
        should = evaluate_all(prepared.degraded_conditions, answer, now)
        results = must + tuple(replace(result, degrades_only=True) for result in should)
    verdict, output = outcome.verdict, outcome.output
    if verdict in (Verdict.DOWN, Verdict.DEGRADED) and outcome.replaceable_by in prepared.asked:
        verdict = Verdict.UP
    broken = [result.explained for result in results if not result.met and not result.degrades_only]
    weak = [result.explained for result in results if not result.met and result.degrades_only]
    limit_ms = prepared.definition.degraded_latency_ms
    if limit_ms is not None and latency_ms is not None and latency_ms > limit_ms:
        weak.append(f"took {latency_ms:.0f} ms, more than {limit_ms:g} ms")
    if verdict is not Verdict.DOWN and broken:
        verdict, output = Verdict.DOWN, "; ".join(broken)
    elif verdict is Verdict.UP and weak:
        verdict, output = Verdict.DEGRADED, "; ".join(weak)
    return replace(outcome, verdict=verdict, output=output[:OUTPUT_LIMIT], conditions=results)
