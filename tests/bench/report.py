"""The figures as plain tables, and beside each target of ours whether it was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan

from tests.bench.measure import Figures

NAMES = {
    "a": "(a) Breakwater, embedded, SQLite",
    "b": "(b) Breakwater, PostgreSQL and Redis",
    "c": "(c) the ordinary way: a Celery task a check",
    "d": "(d) the floor: libcurl and SQLite, nothing else",
    "hung": "(a) with hung targets beside",
    "c-hung": "(c) with hung targets beside",
}
COLUMNS = ("", "checks", "ms CPU/check", "kept %", "late p50", "p99", "max ms", "PSS MiB", "others, cores")


@dataclass
class Report:
    figures: dict[tuple[str, int], Figures] = field(default_factory=dict)
    failed: bool = False

    def add(self, name: str, figures: Figures) -> None:
        self.figures[name, figures.checks] = figures

    def text(self) -> str:
        rows = [_row(name, each) for (name, _), each in self.figures.items()]
        return table(COLUMNS, rows) + "\n\n" + "\n".join(self.ratios())

    def ratios(self) -> list[str]:
        floors = {size: each for (name, size), each in self.figures.items() if name == "d"}
        return [
            f"{NAMES[name]}, {size} checks: {each.cpu_ms / floors[size].cpu_ms:.2f} × the floor"
            for (name, size), each in self.figures.items()
            if name in ("a", "b", "c") and size in floors
        ]


def _row(name: str, each: Figures) -> tuple[str, ...]:
    return (
        NAMES[name],
        f"{each.checks:,}",
        f"{each.cpu_ms:.3f}",
        f"{each.kept * 100:.2f}",
        *("–" if isnan(late) else f"{late:.1f}" for late in map(each.late, (0.5, 0.99, 1.0))),
        f"{each.memory_mib:.0f}",
        f"{each.others_cores:.2f}",
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need: the first to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    return "\n".join(_line(row, widths) for row in (head, *rows))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(row, widths, strict=True)
    return "  ".join((first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)))
