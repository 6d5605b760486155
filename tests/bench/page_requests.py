"""Requests to Django's pages from inside the process, counted and timed (see `tests.bench.inside`)."""

from __future__ import annotations

import statistics
import time
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench import history

TIMES = 10
ENOUGH_SECONDS = 2.0  # a slow page is not asked so often


def main(*paths: str) -> list[dict[str, Any]]:
    """Fill the database, then ask for each path; the keys are those of `pages.Asked`."""
    history.make()
    return [ask(path) for path in paths]


def ask(path: str) -> dict[str, Any]:
    client = Client(headers={"host": "127.0.0.1"})
    began = time.perf_counter()
    client.get(path)
    first = time.perf_counter() - began
    times: list[float] = []
    cpus: list[float] = []
    while len(times) < TIMES and sum(times) < ENOUGH_SECONDS:
        began, cpu = time.perf_counter(), time.process_time()
        client.get(path)
        times.append(time.perf_counter() - began)
        cpus.append(time.process_time() - cpu)
    with CaptureQueriesContext(connection) as captured:
        answer: Any = client.get(path)
    return {
        "path": path,
        "status": answer.status_code,
        "first_ms": first * 1000,
        "time_ms": statistics.median(times) * 1000,
        "cpu_ms": statistics.median(cpus) * 1000,
        "queries": len(captured),
        "kib": len(answer.content) / 1024,
    }
