"""Batches of results for a database, made and timed in one process (see `tests.bench.inside`)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import transaction

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.commands.results import RESULT, RecordResults
from checks.commands.slots import ClaimSlots
from checks.models import CheckState, Result, bulk
from checks.rules.outcome import Outcome
from checks.runner.assignment import Observation
from tests.bench import accounting
from tests.bench.engine import slug_of

BATCH = 500
SECONDS = 4.0
DEFINITION = {"url": "http://127.0.0.1:9/", "interval": 60, "timeout": 5}
OUTCOME = Outcome.up("200 OK", phases_ms={"connect": 0.11, "first_byte": 0.32, "transfer": 0.02})
LATENCY_MS = 0.45
WORKER = "bench"

Batch = TypeVar("Batch", list[Observation], list[tuple[object, ...]])


class Batches:
    """`BATCH` checks whose results come a batch at a time, one of each."""

    def __init__(self) -> None:
        with transaction.atomic():
            for number in range(BATCH):
                definition = DefineCheck(slug=slug_of(number), definition=DEFINITION, source="bench")
                bus.handle(definition, actor=SYSTEM)
        self.ids = list(CheckState.objects.values_list("pk", flat=True))

    def observed(self) -> list[Observation]:
        """Let every check be due, claim all, and observe them."""
        now = datetime.now(UTC)
        CheckState.objects.update(next_due_at=now, leased_slot=None)
        claim = ClaimSlots(location="default", worker=WORKER, limit=BATCH)
        return [
            Observation(
                assignment=assignment,
                started_at=now,
                ended_at=now,
                late_ms=1.5,
                latency_ms=LATENCY_MS,
                attempts=1,
                outcome=OUTCOME,
            )
            for assignment in bus.handle(claim, actor=SYSTEM)
        ]

    def rows(self) -> list[tuple[object, ...]]:
        now = datetime.now(UTC)
        detail = {"phases": dict(OUTCOME.phases_ms)}
        common = (now, now, "up", LATENCY_MS, 1.5, 1, OUTCOME.output, detail)
        return [(check_id, *common) for check_id in self.ids]


def insert(rows: list[tuple[object, ...]]) -> None:
    with transaction.atomic():
        bulk.insert(Result, RESULT, rows)


def record(observations: list[Observation]) -> None:
    bus.handle(RecordResults(observations=observations, worker=WORKER), actor=SYSTEM)


def main(*servers: str) -> list[dict[str, Any]]:
    """
    Args:
        servers: The database server's processes, whose CPU counts as well.
    """
    batches, pids = Batches(), [os.getpid(), *map(int, servers)]
    return [
        _rate("rows inserted", batches.rows, insert, pids),
        _rate("results recorded", batches.observed, record, pids),
    ]


def _rate(
    what: str, make: Callable[[], Batch], store: Callable[[Batch], None], pids: list[int]
) -> dict[str, Any]:
    seconds = cpu = 0.0
    count = 0
    while seconds < SECONDS:
        batch = make()
        cpu_before, began = accounting.cpu_seconds(pids), time.perf_counter()
        store(batch)
        seconds += time.perf_counter() - began
        cpu += accounting.cpu_seconds(pids) - cpu_before
        count += len(batch)
    return {"what": what, "per_second": count / seconds, "cpu_us": cpu / count * 1e6}
