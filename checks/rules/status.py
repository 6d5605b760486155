"""
From verdicts to a status: thresholds keep one bad packet from waking anybody.

`judge` counts verdicts in a `Standing` and moves the status by the table `MOVES`. A pair of status
and verdict that the table lacks moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, NamedTuple

from checks.rules.outcome import Verdict


class Status(StrEnum):
    """A check's judged state. Paused and maintenance are flags beside it, never in its place."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a status changed. Log, event, metric and page all use this word."""

    FAILURES_REACHED_THRESHOLD = "failures_reached_threshold"
    IMPAIRMENTS_REACHED_THRESHOLD = "impairments_reached_threshold"
    RECOVERIES_REACHED_THRESHOLD = "recoveries_reached_threshold"
    SUCCESSES_REACHED_THRESHOLD = "successes_reached_threshold"
    FIRST_ANSWER = "first_answer"
    BLIND_REACHED_THRESHOLD = "blind_reached_threshold"

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES = {
    Reason.FAILURES_REACHED_THRESHOLD: "As many probes in a row failed as the failure threshold allows.",
    Reason.IMPAIRMENTS_REACHED_THRESHOLD: (
        "As many probes in a row were impaired (degraded or failed) as the failure threshold allows."
    ),
    Reason.RECOVERIES_REACHED_THRESHOLD: (
        "As many probes in a row were answered as the success threshold asks for."
    ),
    Reason.SUCCESSES_REACHED_THRESHOLD: (
        "As many probes in a row succeeded in full as the success threshold asks for."
    ),
    Reason.FIRST_ANSWER: "The target answered while nothing was known about it.",
    Reason.BLIND_REACHED_THRESHOLD: (
        "As many probes in a row could not measure the target as the failure threshold allows."
    ),
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """
    How many verdicts in a row move a status; each at least 1.

    Attributes:
        failure_threshold: Before down, before degraded, and before unknown.
        success_threshold: Before a status gets better again.
    """

    failure_threshold: int = 3
    success_threshold: int = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What is remembered of a check between two probes. Counters stop growing at `COUNTER_LIMIT`.

    Attributes:
        since: When the status was taken; None before the first move.
        failures: Down verdicts in a row.
        impaired: Down or degraded verdicts in a row.
        recoveries: Up or degraded verdicts in a row.
        successes: Up verdicts in a row.
        blameless: Probes in a row that told nothing about the target (blocked, unknown). These
            neither add to the other counters nor reset them.
    """

    status: Status = Status.UNKNOWN
    since: datetime | None = None
    failures: int = 0
    impaired: int = 0
    recoveries: int = 0
    successes: int = 0
    blameless: int = 0


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status, with its reason."""

    before: Status
    after: Status
    reason: Reason


@dataclass(frozen=True, slots=True)
class Judged:
    """What `judge` says: the standing from now on, and the transition if there was one."""

    standing: Standing
    transition: Transition | None = None


class Move(NamedTuple):
    """
    "When this counter has reached this threshold, take that status."

    A threshold of None is reached at once.
    """

    counter: Literal["failures", "impaired", "recoveries", "successes", "blameless"]
    threshold: Literal["failure_threshold", "success_threshold"] | None
    status: Status
    reason: Reason


COUNTER_LIMIT = 2**31 - 1

_FAIL = Move("failures", "failure_threshold", Status.DOWN, Reason.FAILURES_REACHED_THRESHOLD)
_WORSEN = Move("impaired", "failure_threshold", Status.DEGRADED, Reason.IMPAIRMENTS_REACHED_THRESHOLD)
_BETTER = Move("recoveries", "success_threshold", Status.DEGRADED, Reason.RECOVERIES_REACHED_THRESHOLD)
_RECOVER = Move("recoveries", "success_threshold", Status.UP, Reason.RECOVERIES_REACHED_THRESHOLD)
_HEAL = Move("successes", "success_threshold", Status.UP, Reason.SUCCESSES_REACHED_THRESHOLD)
_APPEAR_UP = Move("successes", None, Status.UP, Reason.FIRST_ANSWER)
_APPEAR_DEGRADED = Move("recoveries", None, Status.DEGRADED, Reason.FIRST_ANSWER)
_BLIND = Move("blameless", "failure_threshold", Status.UNKNOWN, Reason.BLIND_REACHED_THRESHOLD)

# In each row the first move that is due wins.
MOVES: dict[tuple[Status, Verdict], tuple[Move, ...]] = {
    (Status.UP, Verdict.DOWN): (_FAIL, _WORSEN),
    (Status.UP, Verdict.DEGRADED): (_WORSEN,),
    (Status.UP, Verdict.BLOCKED): (_BLIND,),
    (Status.UP, Verdict.UNKNOWN): (_BLIND,),
    (Status.DEGRADED, Verdict.UP): (_HEAL,),
    (Status.DEGRADED, Verdict.DOWN): (_FAIL,),
    (Status.DEGRADED, Verdict.BLOCKED): (_BLIND,),
    (Status.DEGRADED, Verdict.UNKNOWN): (_BLIND,),
    (Status.DOWN, Verdict.UP): (_RECOVER,),
    (Status.DOWN, Verdict.DEGRADED): (_BETTER,),
    (Status.DOWN, Verdict.BLOCKED): (_BLIND,),
    (Status.DOWN, Verdict.UNKNOWN): (_BLIND,),
    (Status.UNKNOWN, Verdict.UP): (_APPEAR_UP,),
    (Status.UNKNOWN, Verdict.DEGRADED): (_APPEAR_DEGRADED,),
    (Status.UNKNOWN, Verdict.DOWN): (_FAIL,),
}

SEVERITY = (Status.DOWN, Status.DEGRADED, Status.UNKNOWN, Status.UP)


def judge(standing: Standing, verdict: Verdict, at: datetime, thresholds: Thresholds) -> Judged:
    """
    Count one verdict and tell whether the status moves.

    A skipped probe changes nothing at all: the breaker kept it from running.

    Args:
        at: The instant that a transition, if there is one, is dated by.
    """
    if verdict is Verdict.SKIPPED:
        return Judged(standing)
    counted = _count(standing, verdict)
    for move in MOVES.get((standing.status, verdict), ()):
        if move.threshold is None or getattr(counted, move.counter) >= getattr(thresholds, move.threshold):
            transition = Transition(standing.status, move.status, move.reason)
            return Judged(replace(counted, status=move.status, since=at), transition)
    return Judged(counted)


def _count(standing: Standing, verdict: Verdict) -> Standing:
    s = standing
    match verdict:
        case Verdict.UP:
            return Standing(s.status, s.since, 0, 0, _more(s.recoveries), _more(s.successes), 0)
        case Verdict.DEGRADED:
            return Standing(s.status, s.since, 0, _more(s.impaired), _more(s.recoveries), 0, 0)
        case Verdict.DOWN:
            return Standing(s.status, s.since, _more(s.failures), _more(s.impaired), 0, 0, 0)
        case _:
            return replace(s, blameless=_more(s.blameless))


def _more(count: int) -> int:
    return count + 1 if count < COUNTER_LIMIT else COUNTER_LIMIT


def worst(statuses: Iterable[Status]) -> Status:
    """The status of a whole: down before degraded before unknown before up; unknown when empty."""
    seen = set(statuses)
    return next((status for status in SEVERITY if status in seen), Status.UNKNOWN)
