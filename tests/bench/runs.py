"""The parts of the bench: which programs run under which load, and where their figures go."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.bench import engine, floor, pages, storage
from tests.bench.measure import (
    INTERVAL_SECONDS,
    Figures,
    Load,
    Program,
    Span,
    against_instants,
    against_interval,
    measure,
)
from tests.bench.ordinary.run import ordinary as run_ordinary
from tests.bench.processes import program
from tests.bench.progress import Progress
from tests.bench.report import Report
from tests.bench.target import Target, running_target

HUNG = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """What the whole bench shares. `sizes` are numbers of checks."""

    sizes: Sequence[int]
    span: Span
    progress: Progress
    report: Report


def embedded(plan: Plan) -> None:
    """this engine on SQLite, embedded"""
    for size in plan.sizes:
        plan.report.add("a", _embedded(plan, Load(size), f"(a) Breakwater on SQLite, {size} checks"))


def scaled(plan: Plan) -> None:
    """this engine on PostgreSQL with Redis"""
    for size in plan.sizes:
        load = Load(size)
        plan.progress.begin(f"(b) Breakwater on PostgreSQL and Redis, {size} checks")
        with _stage(plan) as (folder, target), engine.scaled(folder, target, load) as (programs, server_pids):
            lateness = against_instants(engine.offsets(load))
            figures = measure(programs, server_pids, target, load, lateness, plan.span, plan.progress)
        plan.report.add("b", figures)


def least(plan: Plan) -> None:
    """the floor"""
    for size in plan.sizes:
        load = Load(size)
        plan.progress.begin(f"(d) the floor, {size} checks")
        with _stage(plan) as (folder, target):
            log = folder / "floor.log"
            command = [sys.executable, "-m", "tests.bench.floor", "--port", str(target.port)]
            command += ["--checks", str(size), "--interval", str(INTERVAL_SECONDS)]
            command += ["--database", str(folder / "floor.sqlite3")]
            with program(command, log=log, environment=os.environ) as process:
                offsets = {
                    number: floor.offset_seconds(number, size, INTERVAL_SECONDS) for number in range(size)
                }
                figures = measure(
                    [Program(process, log)],
                    [],
                    target,
                    load,
                    against_instants(offsets),
                    plan.span,
                    plan.progress,
                )
        plan.report.add("d", figures)


def hung(plan: Plan) -> None:
    """100 hung targets beside 1,000"""
    size = min(plan.sizes)
    load = Load(size, hung=HUNG)
    plan.report.add("hung", _embedded(plan, load, f"(a) {size} checks and {HUNG} hung targets"))


def ordinary(plan: Plan) -> None:
    """the ordinary way"""
    size = min(plan.sizes)
    plan.report.add("c", _ordinary(plan, Load(size), f"(c) the ordinary way, {size} checks"))


def ordinary_hung(plan: Plan) -> None:
    """the ordinary way with them"""
    size = min(plan.sizes)
    title = f"(c) the ordinary way, {size} checks and {HUNG} hung targets"
    plan.report.add("c-hung", _ordinary(plan, Load(size, hung=HUNG), title))


def storing(plan: Plan) -> None:
    """insert rate"""
    for database, rates in (("SQLite", storage.on_sqlite), ("PostgreSQL", storage.on_postgres)):
        plan.progress.begin(f"storing results on {database}")
        with _folder(plan) as folder:
            plan.report.rates += rates(folder)


def reading(plan: Plan) -> None:
    """pages and status document"""
    plan.progress.begin("pages with 90 days of history")
    with _folder(plan) as folder:
        plan.report.asked, plan.report.served = pages.ask_and_serve(folder, plan.progress)


PARTS: dict[str, Callable[[Plan], None]] = {
    "d": least,
    "a": embedded,
    "b": scaled,
    "c": ordinary,
    "hung": hung,
    "c-hung": ordinary_hung,
    "insert": storing,
    "pages": reading,
}
"""By the names that ``--only`` takes, in the order of their runs."""


def _embedded(plan: Plan, load: Load, title: str) -> Figures:
    plan.progress.begin(title)
    with _stage(plan) as (folder, target), engine.embedded(folder, target, load) as programs:
        lateness = against_instants(engine.offsets(load))
        return measure(programs, [], target, load, lateness, plan.span, plan.progress)


def _ordinary(plan: Plan, load: Load, title: str) -> Figures:
    plan.progress.begin(title)
    # Its beat starts with a pause of one interval, and then comes in bursts: whole intervals are counted.
    window = ceil(plan.span.window / INTERVAL_SECONDS) * INTERVAL_SECONDS
    span = Span(plan.span.warm_up + INTERVAL_SECONDS, window)
    with _stage(plan) as (folder, target), run_ordinary(folder, target, load) as (programs, servers):
        return measure(programs, servers, target, load, against_interval(load.checks), span, plan.progress)


@contextmanager
def _stage(plan: Plan) -> Iterator[tuple[Path, Target]]:
    """A fresh folder and target, so that no run sees traces of another."""
    with _folder(plan) as folder, running_target(folder) as target:
        yield folder, target


@contextmanager
def _folder(plan: Plan) -> Iterator[Path]:
    plan.progress.say("starting")
    with tempfile.TemporaryDirectory(prefix="breakwater-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)
        plan.progress.say("stopping")
