import functools
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules.outcome import Verdict
from checks.rules.rollup import (
    EMPTY,
    RELATIVE_ACCURACY,
    Rollup,
    Sample,
    availability,
    decode,
    encode,
    floor_day,
    floor_hour,
    floor_minute,
    mean,
    merge,
    of,
    quantile,
)

latencies = st.floats(0.001, 600_000)
samples = st.lists(
    st.builds(
        Sample,
        st.sampled_from(Verdict),
        st.none() | latencies,
        st.dictionaries(st.sampled_from(["dns", "connect", "tls"]), latencies, max_size=3),
    ),
    max_size=12,
)
rollups = st.builds(of, samples)


def timed(*latencies_ms: float) -> Rollup:
    return of(Sample(Verdict.UP, latency_ms) for latency_ms in latencies_ms)


def test_of__results__counts_each_verdict_and_times_what_was_timed():
    rollup = of(
        [
            Sample(Verdict.UP, 10.0, {"dns": 1.0, "connect": 2.5}),
            Sample(Verdict.DEGRADED, 30.0, {"dns": 0.5}),
            Sample(Verdict.DOWN),
            Sample(Verdict.BLOCKED),
            Sample(Verdict.SKIPPED),
            Sample(Verdict.UNKNOWN),
            Sample(Verdict.UP, 20.0),
        ]
    )
    assert (rollup.up, rollup.degraded, rollup.down) == (2, 1, 1)
    assert (rollup.blocked, rollup.skipped, rollup.unknown, rollup.missed) == (1, 1, 1, 0)
    assert (rollup.latency_count, rollup.latency_sum_ms) == (3, 60.0)
    assert (rollup.latency_min_ms, rollup.latency_max_ms) == (10.0, 30.0)
    assert rollup.phases_ms == {"dns": 1.5, "connect": 2.5}
    assert mean(rollup) == 20.0
    assert rollup.total == 7


def test_of__nothing__is_empty():
    assert of([]) == EMPTY
    assert quantile(EMPTY, 0.5) is None
    assert mean(EMPTY) is None
    assert availability(EMPTY) is None


def test_of__immeasurably_short__counts_as_the_shortest_time_there_is():
    rollup = timed(0.0, -3.0)
    assert rollup.latency_min_ms == rollup.latency_max_ms == quantile(rollup, 1) == 1 / 1024


@pytest.mark.parametrize("latency_ms", [float("nan"), float("inf")])
def test_of__time_that_is_no_number__is_refused(latency_ms):
    with pytest.raises((ValueError, OverflowError)):
        timed(latency_ms)


@given(samples)
def test_of__parts_merged__equals_the_whole_exactly(whole):
    parts = [of([sample]) for sample in whole]
    random.Random(0).shuffle(parts)
    assert functools.reduce(merge, parts, EMPTY) == of(whole)


@given(rollups, rollups, rollups)
def test_merge__order_and_grouping__do_not_matter(a, b, c):
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, EMPTY) == merge(EMPTY, a) == a


def test_merge__missed_slots__add_up():
    assert merge(Rollup(missed=2), Rollup(missed=3)).missed == 5


def test_merge__leaves_its_parts_alone():
    a, b = timed(1.0), timed(1.0, 2.0)
    merge(a, b)
    assert (a, b) == (timed(1.0), timed(1.0, 2.0))


@settings(max_examples=200)
@given(st.lists(latencies, min_size=1, max_size=60), st.floats(0, 1))
def test_quantile__any_latencies__is_within_two_percent_of_the_exact_one(values, q):
    exact = sorted(values)[int(q * (len(values) - 1))]
    within = exact * RELATIVE_ACCURACY + 1 / 1024
    assert abs(quantile(timed(*values), q) - exact) <= within


def test_quantile__of_hours_merged__is_the_day_s():
    hours = [timed(*range(hour * 100 + 1, hour * 100 + 101)) for hour in range(24)]
    day = functools.reduce(merge, hours)
    assert quantile(day, 0.5) == pytest.approx(1200, rel=RELATIVE_ACCURACY)
    assert quantile(day, 0.99) == pytest.approx(2376, rel=RELATIVE_ACCURACY)
    assert (quantile(day, 0), quantile(day, 1)) == (1.0, 2400.0)


@pytest.mark.parametrize(
    ("rollup", "share"),
    [
        (Rollup(up=3, down=1), 0.75),
        (Rollup(up=1, degraded=1), 1.0),
        (Rollup(down=2), 0.0),
        (Rollup(up=1, blocked=5, skipped=5, unknown=5, missed=5), 1.0),
        (Rollup(blocked=5, skipped=5, unknown=5, missed=5), None),
    ],
)
def test_availability__counts_only_what_was_measured(rollup, share):
    assert availability(rollup) == share


@given(rollups)
def test_encode__any_sketch__comes_back_from_decode(rollup):
    assert decode(encode(rollup.sketch)) == rollup.sketch


def test_encode__equal_sketches__give_equal_texts():
    assert encode({3: 1, -2: 4}) == encode({-2: 4, 3: 1}) == "-2:4 3:1"
    assert encode({}) == ""
    assert decode("") == {}


def test_decode__foreign_text__is_refused():
    with pytest.raises(ValueError, match="invalid literal"):
        decode("{}")


def test_floor__instants__go_to_the_start_of_their_span_in_utc():
    instant = datetime(2026, 6, 1, 23, 59, 58, 123456, tzinfo=UTC)
    assert floor_minute(instant) == datetime(2026, 6, 1, 23, 59, tzinfo=UTC)
    assert floor_hour(instant) == datetime(2026, 6, 1, 23, tzinfo=UTC)
    assert floor_day(instant) == datetime(2026, 6, 1, tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert floor_day(elsewhere) == datetime(2026, 6, 1, tzinfo=UTC)
    assert floor_hour(elsewhere).tzinfo is UTC


def test_floor__instant_without_a_zone__is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        floor_day(datetime(2026, 6, 1))  # noqa: DTZ001
