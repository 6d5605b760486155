from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules.outcome import Verdict
from checks.rules.status import (
    COUNTER_LIMIT,
    MOVES,
    Judged,
    Reason,
    Standing,
    Status,
    Thresholds,
    Transition,
    judge,
    worst,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
THREE_AND_TWO = Thresholds(failure_threshold=3, success_threshold=2)
UP, DEGRADED, DOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN
BLOCKED, SKIPPED, UNKNOWN = Verdict.BLOCKED, Verdict.SKIPPED, Verdict.UNKNOWN


def after(
    verdicts: list[Verdict], start: Status = Status.UP, thresholds: Thresholds = THREE_AND_TWO
) -> Judged:
    judged = Judged(Standing(start, NOON))
    for verdict in verdicts:
        judged = judge(judged.standing, verdict, LATER, thresholds)
    return judged


@pytest.mark.parametrize(
    ("start", "verdicts", "status", "reason"),
    [
        (Status.UP, [DOWN, DOWN], Status.UP, None),
        (Status.UP, [DOWN, DOWN, DOWN], Status.DOWN, Reason.FAILURES_REACHED_THRESHOLD),
        (Status.UP, [DOWN, DOWN, UP, DOWN, DOWN], Status.UP, None),
        (Status.UP, [DEGRADED, DEGRADED], Status.UP, None),
        (Status.UP, [DEGRADED, DEGRADED, DEGRADED], Status.DEGRADED, Reason.IMPAIRMENTS_REACHED_THRESHOLD),
        (Status.UP, [DEGRADED, DOWN, DEGRADED], Status.DEGRADED, Reason.IMPAIRMENTS_REACHED_THRESHOLD),
        (Status.DEGRADED, [DOWN, DOWN, DOWN], Status.DOWN, Reason.FAILURES_REACHED_THRESHOLD),
        (Status.DEGRADED, [UP], Status.DEGRADED, None),
        (Status.DEGRADED, [UP, UP], Status.UP, Reason.SUCCESSES_REACHED_THRESHOLD),
        (Status.DEGRADED, [UP, DEGRADED, UP], Status.DEGRADED, None),
        (Status.DOWN, [UP], Status.DOWN, None),
        (Status.DOWN, [UP, UP], Status.UP, Reason.RECOVERIES_REACHED_THRESHOLD),
        (Status.DOWN, [DEGRADED, UP], Status.UP, Reason.RECOVERIES_REACHED_THRESHOLD),
        (Status.DOWN, [UP, DEGRADED], Status.DEGRADED, Reason.RECOVERIES_REACHED_THRESHOLD),
        (Status.DOWN, [UP, DOWN, UP], Status.DOWN, None),
        (Status.UNKNOWN, [UP], Status.UP, Reason.FIRST_ANSWER),
        (Status.UNKNOWN, [DEGRADED], Status.DEGRADED, Reason.FIRST_ANSWER),
        (Status.UNKNOWN, [DOWN, DOWN], Status.UNKNOWN, None),
        (Status.UNKNOWN, [DOWN, DOWN, DOWN], Status.DOWN, Reason.FAILURES_REACHED_THRESHOLD),
        (Status.UP, [BLOCKED, UNKNOWN], Status.UP, None),
        (Status.UP, [BLOCKED, UNKNOWN, BLOCKED], Status.UNKNOWN, Reason.BLIND_REACHED_THRESHOLD),
        (Status.DOWN, [UNKNOWN] * 3, Status.UNKNOWN, Reason.BLIND_REACHED_THRESHOLD),
        (Status.DEGRADED, [BLOCKED] * 3, Status.UNKNOWN, Reason.BLIND_REACHED_THRESHOLD),
        (Status.UP, [UNKNOWN, UNKNOWN, UP, UNKNOWN, UNKNOWN], Status.UP, None),
    ],
)
def test_judge__verdicts_in_a_row__move_the_status_with_a_reason(start, verdicts, status, reason):
    judged = after(verdicts, start)
    assert judged.standing.status is status
    assert judged.standing.since == (NOON if reason is None else LATER)
    assert judged.transition == (None if reason is None else Transition(start, status, reason))


def test_judge__blocked_or_unknown_between_failures__neither_counts_nor_forgives():
    assert after([DOWN, DOWN, BLOCKED, UNKNOWN, DOWN]).standing.status is Status.DOWN


def test_judge__skipped__changes_nothing():
    before = Standing(Status.DOWN, NOON, failures=7, impaired=7, blameless=1)
    assert judge(before, SKIPPED, LATER, THREE_AND_TWO) == Judged(before)


def test_judge__counters__stop_at_their_limit():
    full = Standing(Status.DOWN, NOON, failures=COUNTER_LIMIT, impaired=COUNTER_LIMIT)
    assert judge(full, DOWN, LATER, THREE_AND_TWO).standing == full


def test_judge__threshold_lowered__moves_only_with_a_verdict_that_counts():
    """A probe that could not measure does not bring a check down because somebody edited a number."""
    standing = Standing(Status.UP, NOON, failures=4, impaired=4)
    strict = Thresholds(failure_threshold=2, success_threshold=1)
    assert judge(standing, UNKNOWN, LATER, strict).transition is None
    assert judge(standing, DOWN, LATER, strict).standing.status is Status.DOWN


def test_moves__never_stay_where_they_are():
    assert all(move.status is not status for (status, _), row in MOVES.items() for move in row)


def test_reason__each__has_a_sentence():
    assert all(reason.sentence.endswith(".") for reason in Reason)


def run_length(verdicts: list[Verdict], *kinds: Verdict) -> int:
    """How many of the last verdicts, in a row, are of these kinds."""
    for length, verdict in enumerate(reversed(verdicts)):
        if verdict not in kinds:
            return length
    return len(verdicts)


def model(history: list[Verdict], status: Status, thresholds: Thresholds) -> Status:
    """The rules said again over the whole history instead of counters."""
    told = [verdict for verdict in history if verdict is not SKIPPED]
    blaming = [verdict for verdict in told if verdict.blames_target]
    last, fail, succeed = told[-1], thresholds.failure_threshold, thresholds.success_threshold
    if not last.blames_target:
        return Status.UNKNOWN if run_length(told, BLOCKED, UNKNOWN) >= fail else status
    if run_length(blaming, DOWN) >= fail:
        return Status.DOWN
    if status is Status.UNKNOWN and last is not DOWN:
        return Status(last.value)
    if status is Status.DOWN and last is not DOWN and run_length(blaming, UP, DEGRADED) >= succeed:
        return Status(last.value)
    if status is Status.DEGRADED and run_length(blaming, UP) >= succeed:
        return Status.UP
    if status is Status.UP and run_length(blaming, DOWN, DEGRADED) >= fail:
        return Status.DEGRADED
    return status


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from(Verdict), max_size=40),
    st.builds(Thresholds, st.integers(1, 5), st.integers(1, 5)),
)
def test_judge__any_history__agrees_with_a_model_that_recounts_it(verdicts, thresholds):
    standing, status = Standing(), Status.UNKNOWN
    for n, verdict in enumerate(verdicts, start=1):
        judged = judge(standing, verdict, LATER, thresholds)
        if verdict is not SKIPPED:
            status = model(verdicts[:n], status, thresholds)
        assert judged.standing.status is status
        assert (judged.transition is None) == (judged.standing.status is standing.status)
        standing = judged.standing


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], Status.UNKNOWN),
        ([Status.UP, Status.UP], Status.UP),
        ([Status.UP, Status.UNKNOWN], Status.UNKNOWN),
        ([Status.UNKNOWN, Status.DEGRADED, Status.UP], Status.DEGRADED),
        ([Status.DEGRADED, Status.DOWN, Status.UNKNOWN], Status.DOWN),
    ],
)
def test_worst__of_several__is_the_whole(statuses, whole):
    assert worst(statuses) is whole
