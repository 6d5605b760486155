"""
1,000 checks and all that is kept of 90 days of them, written by the database itself.

Checks, states and the status page come from `tests.factories`; the millions of rollups are a small
pool of sums, dealt out to every check and span by one statement per resolution (SQLite).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db import connection, transaction

from checks.models import Check, CheckState, Rollup, rollup_rows
from checks.rules import rollup
from checks.rules.outcome import Verdict
from tests.factories import fill, many

CHECKS = 1000
DAYS = 90
MINUTES = 60  # of every check; the check that is looked at has them for three days
SLUG, PAGE = "service-0500", "all"
POOL = 20
PHASES = {"dns": 0.06, "connect": 0.12, "first_byte": 0.7, "transfer": 0.12}
RESULTS = 40


def make() -> None:
    """Fill an empty database. Nothing is due afterwards, so a server on it has nothing to do but answer."""
    now = datetime.now(UTC)
    with transaction.atomic():
        fill(many(CHECKS), now=now, days=0, hours=0, minutes=0, results=RESULTS, page=PAGE)
        Check.objects.update(created_at=now - timedelta(days=DAYS))
        CheckState.objects.update(next_due_at=None)
        _deal(Rollup.DAY, rollup.floor_day(now), DAYS, samples=400)
        _deal(Rollup.HOUR, rollup.floor_hour(now), DAYS * 24, samples=60)
        _deal(Rollup.MINUTE, rollup.floor_minute(now), MINUTES, samples=2)
        _deal(Rollup.MINUTE, rollup.floor_minute(now), 3 * 24 * 60, samples=2, slug=SLUG)


def _deal(span: int, until: datetime, count: int, *, samples: int, slug: str = "") -> None:
    """Give every check (or the one) the newest `count` closed spans."""
    columns = ", ".join(rollup_rows.COLUMNS)
    starts = [(back, _text(until - back * timedelta(minutes=span))) for back in range(1, count + 1)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE bench_start (back INTEGER PRIMARY KEY, start TEXT)")
        cursor.executemany("INSERT INTO bench_start VALUES (%s, %s)", starts)
        cursor.execute(f"CREATE TEMPORARY TABLE bench_pool (number INTEGER PRIMARY KEY, {columns})")
        marks = ", ".join(["%s"] * (1 + len(rollup_rows.COLUMNS)))
        cursor.executemany(f"INSERT INTO bench_pool VALUES ({marks})", list(_pool(samples)))
        cursor.execute(
            f"INSERT OR IGNORE INTO {Rollup._meta.db_table} (check_id, span_minutes, start, {columns}) "
            f"SELECT id, %s, start, {columns} FROM {Check._meta.db_table} CROSS JOIN bench_start "
            "JOIN bench_pool ON number = (id * 7 + back * 3) %% %s WHERE slug = %s OR %s = ''",
            (span, POOL, slug, slug),
        )
        cursor.execute("DROP TABLE bench_start")
        cursor.execute("DROP TABLE bench_pool")


def _pool(samples: int) -> Iterator[tuple[Any, ...]]:
    """Sums of lognormal latencies; in one of ten spans every tenth probe failed."""
    for number in range(POOL):
        random = Random(number)
        latencies_ms = [random.lognormvariate(4, 0.3) for _ in range(samples)]
        sums = rollup.of(
            rollup.Sample(Verdict.DOWN)
            if number % 10 == 3 and place % 10 == 3
            else rollup.Sample(
                Verdict.UP, latency_ms, {phase: latency_ms * share for phase, share in PHASES.items()}
            )
            for place, latency_ms in enumerate(latencies_ms)
        )
        *columns, phases_ms = rollup_rows.to_row(sums)
        yield (number, *columns, json.dumps(phases_ms))


def _text(instant: datetime) -> str:
    """As Django stores instants in SQLite."""
    return instant.replace(tzinfo=None).isoformat(sep=" ")
