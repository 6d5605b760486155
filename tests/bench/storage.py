"""How many results a second can be stored, on both databases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import backends
from tests.bench import accounting, engine, inside


@dataclass(frozen=True, slots=True)
class Rate:
    """
    Attributes:
        what: Rows of results alone, or whole results: fence, judgement, state, row.
        cpu_us: CPU microseconds for each, the database server's included.
    """

    database: str
    what: str
    per_second: float
    cpu_us: float


def on_sqlite(folder: Path) -> list[Rate]:
    return _rates("SQLite", engine.environment(folder, None), set())


def on_postgres(folder: Path) -> list[Rate]:
    before = accounting.children()
    with backends.postgres(durable=True) as url:
        servers = accounting.children() - before
        return _rates("PostgreSQL", engine.environment(folder, None, DATABASE_URL=url), servers)


def _rates(database: str, settings: Mapping[str, str], servers: set[int]) -> list[Rate]:
    engine.manage("migrate", "--verbosity", "0", environment=settings)
    found = inside.ask("result_batches", *map(str, sorted(servers)), environment=settings)
    return [Rate(database, **each) for each in found]
