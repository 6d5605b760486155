from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand

from checks.queries.status import CheckStatus, StatusReport, status_report
from checks.rules.status import Status
from dashboard.api.status_document import render

EXIT_CODES = {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2, Status.UNKNOWN: 3}
"""As monitoring plugins have it: OK, WARNING, CRITICAL, UNKNOWN."""

HEADINGS = ("STATUS", "FOR", "LATENCY", "CHECK", "LAST SEEN")


class Command(BaseCommand):
    help = "Show where every check stands; the exit code is 0 up, 1 degraded, 2 down, 3 unknown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="as /api/v1/status answers")

    def handle(self, *args: Any, **options: Any) -> None:
        report = status_report(now=datetime.now(UTC))
        if options["json"]:
            self.stdout.write(render(report).body.decode())
        else:
            for line in table(report):
                self.stdout.write(line)
        raise SystemExit(EXIT_CODES[report.status])


def table(report: StatusReport) -> Iterator[str]:
    """One line per check, aligned, and a sentence about the whole."""
    rows = [HEADINGS, *(_row(check, report.generated_at) for check in report.checks)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS) - 1)]
    for row in rows if report.checks else ():
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join((*cells, row[-1])).rstrip()
    if report.checks:
        yield ""
    counted = ", ".join(f"{report.counts[status]} {status}" for status in Status if report.counts.get(status))
    yield f"{report.status}: {counted or 'there are no checks'}"


def _row(check: CheckStatus, now: datetime) -> tuple[str, ...]:
    flags = "".join(f" ({flag})" for flag in ("paused", "stale") if getattr(check, flag))
    latency = "" if check.latency_ms is None else f"{check.latency_ms:.0f} ms"
    return (
        check.status + flags,
        _span(now - check.since),
        latency,
        check.slug,
        check.output.partition("\n")[0],
    )


def _span(span: timedelta) -> str:
    """The largest unit that fits, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
