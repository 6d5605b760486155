"""Fixtures for every test. Servers are started by the first test that asks, once per session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections
from django.utils import translation

from tests import servers


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite tests use a file, as in life: a database in memory locks in another way."""
    for connection in connections.all():
        if connection.vendor == "sqlite":
            file = tmp_path_factory.mktemp("database") / "test.sqlite3"
            connection.settings_dict["TEST"]["NAME"] = str(file)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server's URL; its database `postgres` is empty."""
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server's URL."""
    with servers.redis() as url:
        yield url


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A page that was asked for in Russian leaves its thread speaking Russian; the next test starts anew."""
    yield
    translation.deactivate()
