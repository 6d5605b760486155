"""The figures as plain tables, and the targets beside what was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import TypeVar

from tests.bench.measure import Figures
from tests.bench.pages import Asked, Served
from tests.bench.storage import Rate

NAMES = {
    "a": "(a) Breakwater, embedded, on SQLite",
    "b": "(b) Breakwater on PostgreSQL and Redis",
    "c": "(c) ordinary: one Celery task a check",
    "d": "(d) floor: libcurl and SQLite only",
    "hung": "(a) with 100 hung targets beside",
    "c-hung": "(c) with 100 hung targets beside",
}
MB_PER_MIB = 1_048_576 / 1_000_000

Entry = TypeVar("Entry")


@dataclass(frozen=True, slots=True)
class Goal:
    """
    Attributes:
        reached: The figure, as text.
        wanted: What was aimed at, as text.
    """

    what: str
    reached: str
    wanted: str
    met: bool


@dataclass
class Report:
    """
    Attributes:
        failed: A part of the bench could not be carried out.
    """

    figures: dict[tuple[str, int], Figures] = field(default_factory=dict)
    rates: list[Rate] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    failed: bool = False

    def add(self, name: str, figures: Figures) -> None:
        self.figures[name, figures.checks] = figures

    def text(self) -> str:
        parts = [self._running(), self._storing(), self._reading(), self._goals()]
        return "\n\n".join(part for part in parts if part)

    def goals(self) -> Iterator[Goal]:
        """Every target for which this run has the figures."""
        yield from self._goals_of_cost()
        yield from self._goals_of_time()
        yield from self._goals_of_reading()

    def _goals_of_cost(self) -> Iterator[Goal]:
        for name, limit in (("a", 1.7), ("b", 2.2)):
            for size, ours, floor in self._pairs(name, "d"):
                ratio = ours.cpu_ms / floor.cpu_ms
                what = f"{NAMES[name]}, {size:,} checks: CPU a check"
                yield Goal(what, f"{ratio:.2f} × the floor", f"at most {limit} ×", ratio <= limit)
        for size, ours, ordinary in self._pairs("a", "c"):
            ratio = ordinary.cpu_ms / ours.cpu_ms
            what = f"(a) against (c), {size:,} checks: CPU a check"
            yield Goal(what, f"{ratio:.1f} × cheaper", "at least 7 ×", ratio >= 7)
        for name in ("a", "b"):
            sizes = sorted(size for found, size in self.figures if found == name)
            if len(sizes) > 1:
                few, many = self.figures[name, sizes[0]].cpu_ms, self.figures[name, sizes[-1]].cpu_ms
                what = f"{NAMES[name]}: CPU a check at {sizes[-1]:,}"
                yield Goal(what, f"{many:.3f} ms", f"below {few:.3f} ms at {sizes[0]:,}", many < few)

    def _goals_of_time(self) -> Iterator[Goal]:
        for (name, size), each in self.figures.items():
            if name in ("a", "hung") and size <= 1000:
                label = f"{NAMES[name]}, {size:,} checks"
                late = each.late(0.99)
                yield Goal(f"{label}: late p99", f"{late:.1f} ms", "below 50 ms", late < 50)
                yield Goal(f"{label}: slots kept", _percent(each.kept), "at least 99.5 %", each.kept >= 0.995)
        for size, hung, calm in self._pairs("hung", "a"):
            late, before = hung.late(0.99), calm.late(0.99)
            what = f"late p99 at {size:,} with hung targets"
            yield Goal(what, f"{late:.1f} ms", f"at most 2 × {before:.1f} ms", late <= 2 * before)
        if found := self.figures.get(("a", 1000)):
            memory = found.memory_mib * MB_PER_MIB
            yield Goal("memory, embedded, 1,000 checks", f"{memory:.0f} MB", "below 200 MB", memory < 200)

    def _goals_of_reading(self) -> Iterator[Goal]:
        asked = {each.path: each for each in self.asked}
        served = {each.path: each for each in self.served}
        if overview := asked.get("/"):
            yield Goal("/: queries", str(overview.queries), "at most 10", overview.queries <= 10)
            yield Goal("/: CPU", f"{overview.cpu_ms:.0f} ms", "below 150 ms", overview.cpu_ms < 150)
        if status := asked.get("/api/v1/status"):
            slowest = max(status.first_ms, status.time_ms)
            yield Goal("/api/v1/status, uncached", f"{slowest:.0f} ms", "below 100 ms", slowest < 100)
        if cached := served.get("/api/v1/status"):
            cpu = cached.cpu_ms
            yield Goal("/api/v1/status, cached: CPU", f"{cpu:.2f} ms", "below 0.4 ms", cpu < 0.4)

    def _pairs(self, name: str, other: str) -> Iterator[tuple[int, Figures, Figures]]:
        """Runs of two kinds at the same number of checks."""
        for (found, size), figures in self.figures.items():
            if found == name and (beside := self.figures.get((other, size))):
                yield size, figures, beside

    def _running(self) -> str:
        head = ("", "checks", "CPU ms/check", "kept %", "late p50", "p99", "max ms", "PSS MiB", "others")
        text = _table("Checks every 10 s", head, self.figures.items(), _running_row)
        if not text:
            return ""
        return (
            f"{text}\n"
            "late: after the wanted instant; for (c), which promises none, how far two runs lie from 10 s.\n"
            "others: cores that the rest of the machine kept busy meanwhile, the target included."
        )

    def _storing(self) -> str:
        head = ("", "a second", "CPU µs each")
        return _table(
            "Results, 500 a transaction",
            head,
            self.rates,
            lambda each: (
                f"{each.database}: {each.what}",
                f"{each.per_second:,.0f}",
                f"{each.cpu_us:.0f}",
            ),
        )

    def _reading(self) -> str:
        title = "1,000 checks, 90 days of history: rendered anew, inside the process"
        inside = _table(title, ("", "first ms", "ms", "CPU ms", "queries", "KiB"), self.asked, _asked_row)
        title = "The same from the running server, again and again"
        head = ("", "ms", "CPU ms", "requests")
        return "\n\n".join(filter(None, (inside, _table(title, head, self.served, _served_row))))

    def _goals(self) -> str:
        return _table(
            "Targets",
            ("", "reached", "wanted", ""),
            self.goals(),
            lambda goal: (goal.what, goal.reached, goal.wanted, "met" if goal.met else "NOT MET"),
        )


def _running_row(entry: tuple[tuple[str, int], Figures]) -> tuple[str, ...]:
    (name, size), each = entry
    return (
        NAMES[name],
        f"{size:,}",
        f"{each.cpu_ms:.3f}",
        f"{each.kept * 100:.2f}",
        *("–" if isnan(late) else f"{late:.1f}" for late in map(each.late, (0.5, 0.99, 1.0))),
        f"{each.memory_mib:.0f}",
        f"{each.others_cores:.2f}",
    )


def _asked_row(each: Asked) -> tuple[str, ...]:
    name = each.path if each.status == 200 else f"{each.path} (answered {each.status})"
    figures = (f"{each.first_ms:.0f}", f"{each.time_ms:.0f}", f"{each.cpu_ms:.0f}")
    return (name, *figures, str(each.queries), f"{each.kib:.0f}")


def _served_row(each: Served) -> tuple[str, ...]:
    return (each.path, f"{each.time_ms:.2f}", f"{each.cpu_ms:.2f}", f"{each.requests:,}")


def _percent(share: float) -> str:
    return f"{share * 100:.2f} %"


def _table(
    title: str, head: Sequence[str], entries: Iterable[Entry], row: Callable[[Entry], Sequence[str]]
) -> str:
    """Columns as wide as they need, the first to the left, the others to the right; empty without entries."""
    rows = [head, *map(row, entries)]
    if len(rows) == 1:
        return ""
    widths = [max(len(each[place]) for each in rows) for place in range(len(head))]
    rows[0] = (title, *head[1:])
    widths[0] = max(widths[0], len(title))
    return "\n".join(_line(each, widths) for each in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join((first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)))
