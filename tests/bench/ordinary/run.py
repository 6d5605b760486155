"""Start the ordinary project, and end it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests import backends
from tests.bench import accounting
from tests.bench.measure import INTERVAL_SECONDS, TIMEOUT_SECONDS, Load, Program
from tests.bench.processes import program, run
from tests.bench.target import Target

WORKERS = 2


@contextmanager
def ordinary(folder: Path, target: Target, load: Load) -> Iterator[tuple[list[Program], list[int]]]:
    """Gives its programs, worker and beat, and its broker's processes."""
    with ExitStack() as held:
        before = accounting.children()
        broker = held.enter_context(backends.redis())
        servers = sorted(accounting.children() - before)
        database = folder / "ordinary.sqlite3"
        settings = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.bench.ordinary.settings",
            "ORDINARY_DATABASE": str(database),
            "ORDINARY_BROKER": broker,
            "ORDINARY_INTERVAL": str(INTERVAL_SECONDS),
            "ORDINARY_TIMEOUT": str(TIMEOUT_SECONDS),
        }
        _create(database, target, load, settings)
        celery = [sys.executable, "-m", "celery", "-A", "tests.bench.ordinary"]
        commands = {
            "worker": [*celery, "worker", "--concurrency", str(WORKERS), "--loglevel", "WARNING"],
            "beat": [*celery, "beat", "--schedule", str(folder / "beat"), "--loglevel", "WARNING"],
        }
        programs = []
        for name, command in commands.items():
            log = folder / f"ordinary-{name}.log"
            running = held.enter_context(program(command, log=log, environment=settings))
            programs.append(Program(running, log))
        yield programs, servers


def _create(database: Path, target: Target, load: Load, settings: Mapping[str, str]) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
    run(command, environment=settings)
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        rows = [(url,) for url in urls(target, load)]
        connection.executemany("INSERT INTO ordinary_check (url) VALUES (?)", rows)
    connection.close()


def urls(target: Target, load: Load) -> list[str]:
    """What is asked, in this order: the hung ones evenly among the others, so that chance decides nothing."""
    found = [target.url(number) for number in range(load.checks)]
    for number in range(load.hung):
        position = (number + 1) * load.checks // load.hung + number
        found.insert(position, target.hanging_url(load.checks + number))
    return found
