"""The figures as plain tables, and beside each target of ours whether it was met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.measure import Figures

NAMES = {
    "a": "(a) Breakwater, embedded, SQLite",
    "b": "(b) Breakwater, PostgreSQL and Redis",
    "c": "(c) the ordinary way: a Celery task a check",
    "d": "(d) the floor: libcurl and SQLite, nothing else",
    "hung": "(a) with hung targets beside",
    "ordinary-hung": "(c) with hung targets beside",
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
        f"{each.late(0.5):.1f}",
        f"{each.late(0.99):.1f}",
        f"{each.late(1.0):.1f}",
        f"{each.memory_mib:.0f}",
        f"{each.others_cores:.2f}",
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need: the first to the left, numbers to the right."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *rows)
    ]
    return "\n".join(lines)
