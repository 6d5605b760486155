"""The log: versions that are expected, positions without gaps, and a chain that shows any change."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from checks.errors import WrongExpectedVersion
from checks.events import store
from checks.events.store import ANY, GENESIS, NONE, Append, NewEvent
from checks.models import Event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEEN = NewEvent("Seen", {"by": "a test"})

pytestmark = pytest.mark.django_db


def test_append__new_stream__starts_at_version_one():
    assert store.append("check-api", [SEEN, SEEN], expected_version=NONE, now=NOON) == 2
    assert [(event.version, event.position) for event in store.read_stream("check-api")] == [(1, 1), (2, 2)]


def test_append__at_the_version_that_was_seen__goes_on():
    store.append("check-api", [SEEN], expected_version=NONE, now=NOON)
    assert store.append("check-api", [SEEN], expected_version=1, now=NOON) == 2


@pytest.mark.parametrize("expected", [NONE, 2, 7])
def test_append__someone_was_first__tells_both_versions_and_writes_nothing(expected):
    store.append("check-api", [SEEN], expected_version=NONE, now=NOON)
    with pytest.raises(WrongExpectedVersion, match=f"at version 1, not {expected}") as conflict:
        store.append("check-api", [SEEN], expected_version=expected, now=NOON)
    assert (conflict.value.expected, conflict.value.actual) == (expected, 1)
    assert store.head() == 1


def test_append_all__one_stream_conflicts__no_stream_grows():
    store.append("check-b", [SEEN], expected_version=ANY, now=NOON)
    with pytest.raises(WrongExpectedVersion, match="check-b"):
        store.append_all([Append("check-a", [SEEN]), Append("check-b", [SEEN], NONE)], now=NOON)
    assert store.read_stream("check-a") == []


def test_append_all__caller_rolls_back__leaves_no_hole_in_the_positions():
    store.append("check-a", [SEEN], expected_version=ANY, now=NOON)
    with transaction.atomic():
        store.append("check-a", [SEEN], expected_version=ANY, now=NOON)
        transaction.set_rollback(True)
    store.append("check-a", [SEEN], expected_version=ANY, now=NOON)
    assert [event.position for event in store.read_all()] == [1, 2]


def test_read_all__by_position_and_type__is_in_commit_order():
    store.append("check-a", [SEEN, NewEvent("Heard", {})], expected_version=ANY, now=NOON)
    store.append("check-b", [SEEN], expected_version=ANY, now=NOON)
    assert [event.position for event in store.read_all(after=1)] == [2, 3]
    assert [event.stream for event in store.read_all(types=["Seen"])] == ["check-a", "check-b"]


def test_append__actor__stands_in_the_metadata():
    store.append("check-a", [SEEN], expected_version=ANY, now=NOON, metadata={"actor": "anna"})
    (event,) = store.read_all()
    assert (event.metadata, event.recorded_at) == ({"actor": "anna"}, NOON)


def test_append__hash__covers_the_event_and_the_one_before():
    store.append("check-a", [SEEN, SEEN], expected_version=ANY, now=NOON)
    first, second = Event.objects.order_by("position")
    assert first.hash == store.digest(first, GENESIS)
    assert second.hash == store.digest(second, first.hash)
    first.data = {"by": "somebody else"}
    assert store.digest(first, GENESIS) != first.hash


@pytest.mark.django_db(transaction=True)
def test_append__concurrent_writers__leave_no_gap_and_a_reader_misses_none():
    """Four writers race on eight streams while a reader follows by position."""
    per_writer, seen, done = 25, [], threading.Event()

    def write(number: int) -> None:
        try:
            for turn in range(per_writer):
                stream = f"check-{(number + turn) % 8}"
                store.append(stream, [NewEvent("Seen", {"n": number})], expected_version=ANY, now=NOON)
        finally:
            connection.close()

    def follow() -> None:
        try:
            while not (done.is_set() and store.head() == (seen[-1] if seen else 0)):
                seen.extend(event.position for event in store.read_all(after=seen[-1] if seen else 0))
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    reader = threading.Thread(target=follow)
    for thread in (*writers, reader):
        thread.start()
    for writer in writers:
        writer.join()
    done.set()
    reader.join()
    assert seen == list(range(1, 4 * per_writer + 1))
    for number in range(8):
        versions = [event.version for event in store.read_stream(f"check-{number}")]
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.django_db(transaction=True)
def test_append__two_writers_expect_the_same_version__exactly_one_wins():
    outcomes: list[str] = []
    start = threading.Barrier(2)

    def write() -> None:
        start.wait()
        try:
            store.append("check-a", [SEEN], expected_version=NONE, now=NOON)
            outcomes.append("won")
        except WrongExpectedVersion:
            outcomes.append("told")
        finally:
            connection.close()

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(outcomes) == ["told", "won"]
