"""
The geometry of charts: pure functions from points to shapes that an SVG template prints.

Plots are 1,000 wide and as high as their pixels, stretched sideways to the page by the browser;
labels stand in pictures of their own, placed in per cent, so that text keeps its form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor, log10

from django.utils import timezone
from django.utils.translation import gettext as _

from checks.queries.charts import History, Point
from dashboard.pages import words

WIDTH = 1_000
HEIGHT = 160
FAILED_HEIGHT = 6
PHASES = ("dns", "connect", "tls", "first_byte", "transfer")


@dataclass(frozen=True, slots=True)
class Tick:
    """
    A grid line with its label.

    Attributes:
        at: In plot units from the top (values), or in per cent from the left (times).
        drop: How far below the line the label's foot stands, in pixels.
        minor: Left out where the page is narrow.
    """

    at: str
    label: str
    drop: int = 0
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    width: str
    y: str = "0"
    height: str = "0"
    css: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """
    Attributes:
        lines: (class, path) pairs, drawn in this order.
        bars: Stacked parts.
        failed, unmeasured: Spans with failures (along the axis), and without any measurement.
        hits: One invisible bar per span, whose title tells its values.
        summary: What the chart shows, in one sentence.
    """

    values: tuple[Tick, ...]
    times: tuple[Tick, ...]
    band: str
    lines: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    failed: tuple[Bar, ...]
    unmeasured: tuple[Bar, ...]
    hits: tuple[Bar, ...]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


def latency_chart(history: History) -> Chart:
    points = history.points
    top = ceiling(max((point.p99_ms or 0 for point in points), default=0))
    scale = _scale(points, top)
    return Chart(
        values=value_ticks(top),
        times=time_ticks(history),
        band=band(points, scale),
        lines=tuple(
            (css, line(points, scale, value))
            for css, value in (
                ("p99", lambda point: point.p99_ms),
                ("p95", lambda point: point.p95_ms),
                ("p50", lambda point: point.p50_ms),
            )
        ),
        bars=(),
        failed=_spans(points, lambda point: point.failed > 0, foot=FAILED_HEIGHT),
        unmeasured=_unmeasured(history),
        hits=_hits(history, _latency_title),
        summary=_latency_summary(points),
    )


def phases_chart(history: History) -> Chart | None:
    """Mean milliseconds by phase, stacked; None where no probe knew its phases."""
    points = history.points
    if not any(point.phases_ms for point in points):
        return None
    top = ceiling(max(sum(point.phases_ms.values()) for point in points))
    return Chart(
        values=value_ticks(top),
        times=time_ticks(history),
        band="",
        lines=(),
        bars=_stacked(points, top),
        failed=(),
        unmeasured=_unmeasured(history),
        hits=_hits(history, _phases_title),
        summary=_("Mean time by phase, stacked."),
    )


Scale = Callable[[int, float], tuple[float, float]]
Value = Callable[[Point], float | None]


def _scale(points: Sequence[Point], top: float) -> Scale:
    """From the number of a point and milliseconds to plot units, each point in the middle of its span."""
    step = WIDTH / max(len(points), 1)
    return lambda number, ms: ((number + 0.5) * step, HEIGHT - min(ms, top) / top * HEIGHT)


def line(points: Sequence[Point], scale: Scale, value: Value) -> str:
    """A path that breaks where nothing was measured; a lonely point becomes a dot."""
    parts = []
    for run in runs(points, lambda point: value(point) is not None):
        places = [scale(number, value(points[number]) or 0) for number in run]
        parts.append(_path(places) if len(places) > 1 else f"M{_place(places[0])}h.1")
    return "".join(parts)


def band(points: Sequence[Point], scale: Scale) -> str:
    """The area from the median to the 95th percentile."""
    parts = []
    for run in runs(points, lambda point: point.p50_ms is not None and point.p95_ms is not None):
        upper = [scale(number, points[number].p95_ms or 0) for number in run]
        lower = [scale(number, points[number].p50_ms or 0) for number in reversed(run)]
        if len(run) > 1:
            parts.append(_path([*upper, *lower]) + "z")
    return "".join(parts)


def runs(points: Sequence[Point], wanted: Callable[[Point], bool]) -> Iterable[list[int]]:
    """The numbers of neighbouring points that are wanted, run by run."""
    run: list[int] = []
    for number, point in enumerate(points):
        if wanted(point):
            run.append(number)
        elif run:
            yield run
            run = []
    if run:
        yield run


STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def ceiling(highest: float) -> float:
    """The first round number at or above `highest`; 1 when there is nothing to show."""
    if highest <= 0:
        return 1.0
    size = 10.0 ** floor(log10(highest))
    return next((step * size for step in STEPS if step * size >= highest), 10 * size)


def value_ticks(top: float) -> tuple[Tick, ...]:
    return (
        Tick("0", words.milliseconds(top), drop=9),
        Tick(f"{HEIGHT // 2}", words.milliseconds(top / 2), drop=4),
        Tick(f"{HEIGHT}", "0"),
    )


TIME_STEPS = (
    (timedelta(hours=2), timedelta(minutes=10), "%H:%M"),
    (timedelta(hours=30), timedelta(hours=3), "%H:%M"),
    (timedelta(days=9), timedelta(days=1), "%d.%m."),
    (timedelta(days=400), timedelta(days=5), "%d.%m."),
)


def time_ticks(history: History) -> tuple[Tick, ...]:
    """Round local times, every second of them minor: left out where the page is narrow."""
    length = history.until - history.since
    step, form = next((step, form) for limit, step, form in TIME_STEPS if length <= limit)
    midnight = timezone.localtime(history.since).replace(hour=0, minute=0, second=0, microsecond=0)
    found = []
    for number in range(round(length / step) + round(timedelta(days=1) / step) + 2):
        at = midnight + number * step
        share = (at - history.since) / length
        if 0.02 <= share <= 0.97:
            found.append(Tick(f"{share * 100:.2f}%", at.strftime(form), minor=bool(len(found) % 2)))
    return tuple(found)


def _spans(points: Sequence[Point], wanted: Callable[[Point], bool], foot: int = HEIGHT) -> tuple[Bar, ...]:
    """Bars as high as `foot`, standing on the axis, over the spans that are wanted."""
    step = WIDTH / max(len(points), 1)
    return tuple(
        Bar(f"{run[0] * step:.1f}", f"{len(run) * step:.1f}", str(HEIGHT - foot), str(foot))
        for run in runs(points, wanted)
    )


def _unmeasured(history: History) -> tuple[Bar, ...]:
    """Spans without a measurement since the check exists."""
    known = history.known_since - history.step
    return _spans(history.points, lambda point: point.measured == 0 and point.start > known)


def _stacked(points: Sequence[Point], top: float) -> tuple[Bar, ...]:
    step = WIDTH / len(points)
    bars = []
    for number, point in enumerate(points):
        y = float(HEIGHT)
        for phase in PHASES:
            height = point.phases_ms.get(phase, 0) / top * HEIGHT
            if height >= 0.1:
                y -= height
                x, width = number * step + step * 0.08, step * 0.84
                bars.append(Bar(f"{x:.1f}", f"{width:.1f}", f"{y:.1f}", f"{height:.1f}", phase))
    return tuple(bars)


def _hits(history: History, title: Callable[[Point], str]) -> tuple[Bar, ...]:
    step = WIDTH / max(len(history.points), 1)
    return tuple(
        Bar(
            f"{number * step:.1f}",
            f"{step:.1f}",
            "0",
            str(HEIGHT),
            title=f"{moment(point.start, history)} · {title(point)}",
        )
        for number, point in enumerate(history.points)
    )


def moment(at: datetime, history: History) -> str:
    """A span's start, no longer than the range needs."""
    form = "%H:%M" if history.until - history.since <= timedelta(hours=30) else "%d.%m. %H:%M"
    return timezone.localtime(at).strftime(form)


def _latency_title(point: Point) -> str:
    if not point.measured:
        return _("not measured")
    parts = []
    if point.p50_ms is not None:
        parts.append(
            _("p50 %(p50)s, p95 %(p95)s, p99 %(p99)s")
            % {
                "p50": words.milliseconds(point.p50_ms),
                "p95": words.milliseconds(point.p95_ms),
                "p99": words.milliseconds(point.p99_ms),
            }
        )
    if point.failed:
        parts.append(
            _("%(failed)d of %(measured)d failed") % {"failed": point.failed, "measured": point.measured}
        )
    return " · ".join(parts)


def _phases_title(point: Point) -> str:
    if not point.phases_ms:
        return _("not measured")
    return ", ".join(
        f"{words.phase_word(phase)} {words.milliseconds(point.phases_ms[phase])}"
        for phase in PHASES
        if phase in point.phases_ms
    )


def _latency_summary(points: Sequence[Point]) -> str:
    medians = sorted(point.p50_ms for point in points if point.p50_ms is not None)
    if not medians:
        return _("No latency was measured in this time.")
    failed = sum(point.failed for point in points)
    return _("Median latency from %(low)s to %(high)s; %(failed)d failed.") % {
        "low": words.milliseconds(medians[0]),
        "high": words.milliseconds(medians[-1]),
        "failed": failed,
    }


def _path(places: Sequence[tuple[float, float]]) -> str:
    steps = [f"M{_place(places[0])}"]
    # Relative steps are shorter to write than absolute places; each starts from what was written.
    for (x0, y0), (x1, y1) in pairwise([(round(x, 1), round(y, 1)) for x, y in places]):
        steps.append(f"l{x1 - x0:.1f} {y1 - y0:.1f}")
    return "".join(steps)


def _place(place: tuple[float, float]) -> str:
    return f"{place[0]:.1f} {place[1]:.1f}"
