"""What pages and the status document cost with 1,000 checks and 90 days of history."""

from __future__ import annotations

import http.client
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench import accounting, engine, inside
from tests.bench.measure import Program
from tests.bench.processes import program
from tests.bench.progress import Progress

PATHS = ("/", "/checks/service-0500/", "/api/v1/status", "/status/all/")  # as tests.bench.history has them
SERVED_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What one path costs inside one process, through Django, everything rendered anew.

    Attributes:
        status: The answer's code.
        first_ms: Time of the first request of the process.
        time_ms, cpu_ms: Median of those after it.
        queries: Of one request.
        kib: Size of the answer.
    """

    path: str
    status: int
    first_ms: float
    time_ms: float
    cpu_ms: float
    queries: int
    kib: float


@dataclass(frozen=True, slots=True)
class Served:
    """What one path costs the running system, asked again and again over one connection: caches help."""

    path: str
    requests: int
    time_ms: float
    cpu_ms: float


def ask_and_serve(folder: Path, progress: Progress) -> tuple[list[Asked], list[Served]]:
    """Measure everything; nothing is due meanwhile, so that only reading costs."""
    settings = engine.environment(folder, None, EGRESS="list")
    engine.manage("migrate", "--verbosity", "0", environment=settings)
    progress.say("writing 90 days of history, then asking")
    found = inside.ask("page_requests", *PATHS, environment=settings)
    progress.say("asking the running server")
    log = folder / "serve.log"
    with program([sys.executable, "manage.py", "serve"], log=log, environment=settings) as process:
        engine.wait_until_answers(f"http://127.0.0.1:{settings['PORT']}/livez", Program(process, log))
        served = [_served(path, int(settings["PORT"]), process.pid) for path in PATHS]
    return [Asked(**each) for each in found], served


def _served(path: str, port: int, pid: int) -> Served:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times_ms = []
    _get(connection, path)
    cpu, until = accounting.cpu_seconds([pid]), time.monotonic() + SERVED_SECONDS
    while time.monotonic() < until:
        began = time.perf_counter()
        _get(connection, path)
        times_ms.append((time.perf_counter() - began) * 1000)
    cpu = accounting.cpu_seconds([pid]) - cpu
    connection.close()
    return Served(path, len(times_ms), statistics.median(times_ms), cpu / len(times_ms) * 1000)


def _get(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path, headers={"Accept": "*/*"})
    connection.getresponse().read()
