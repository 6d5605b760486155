"""Charts draw gaps as gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from checks.queries.charts import History, Point
from dashboard.pages.charts import ceiling, latency_chart, phases_chart, runs

START = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def point(
    number: int, ms: float | None = 10, *, failed: int = 0, phases: dict[str, float] | None = None
) -> Point:
    measured = failed if ms is None else failed + 1
    return Point(START + number * MINUTE, ms, ms, ms, phases or {}, measured, failed, 0)


def history(*points: Point, known_since: datetime = START) -> History:
    return History("1h", START, START + len(points) * MINUTE, known_since, MINUTE, points)


def path(chart, css: str) -> str:
    return dict(chart.lines)[css]


def test_line__a_span_without_measurement__breaks_the_line() -> None:
    chart = latency_chart(history(point(0), point(1), point(2, None), point(3), point(4)))
    assert path(chart, "p50").count("M") == 2
    assert [bar.x for bar in chart.unmeasured] == ["400.0"]


def test_line__a_lonely_point__is_drawn_as_a_dot() -> None:
    chart = latency_chart(history(point(0, None), point(1), point(2, None)))
    assert path(chart, "p50").endswith("h.1")


def test_chart__spans_before_the_check_was_defined__are_no_gaps() -> None:
    chart = latency_chart(history(point(0, None), point(1, None), point(2), known_since=START + 2 * MINUTE))
    assert chart.unmeasured == ()


def test_chart__failures__stand_on_the_axis() -> None:
    chart = latency_chart(history(point(0), point(1, None, failed=2), point(2)))
    (bar,) = chart.failed
    assert (bar.x, bar.width) == ("333.3", "333.3")
    assert chart.unmeasured == ()


def test_chart__nothing_measured__still_has_a_scale_and_says_so() -> None:
    chart = latency_chart(history(point(0, None)))
    assert chart.values[0].label == "1.0\u00a0ms"
    assert "No latency" in chart.summary


def test_phases__no_probe_knows_them__no_chart() -> None:
    assert phases_chart(history(point(0), point(1))) is None


def test_phases__stacked__end_on_the_axis() -> None:
    chart = phases_chart(history(point(0, phases={"dns": 2, "connect": 3, "first_byte": 5})))
    assert chart is not None
    lowest = chart.bars[0]
    assert float(lowest.y) + float(lowest.height) == chart.height
    assert [bar.css for bar in chart.bars] == ["dns", "connect", "first_byte"]


@given(st.floats(min_value=0.001, max_value=1e6))
def test_ceiling__any_value__is_at_most_twice_as_high(value: float) -> None:
    assert value <= ceiling(value) <= value * 2.01


@given(st.lists(st.booleans()))
def test_runs__any_points__are_exactly_the_wanted_in_order(wanted: list[bool]) -> None:
    points = [point(number, 1.0 if want else None) for number, want in enumerate(wanted)]
    found = [number for run in runs(points, lambda one: one.p50_ms is not None) for number in run]
    assert found == [number for number, want in enumerate(wanted) if want]
