from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

import psycopg
import pytest

from checks.errors import CheckError, EgressBlocked, ProbeUnable
from checks.rules.outcome import Verdict
from tests.servers import refused_port, serve, tcp_banner, tcp_close, tcp_silent


@pytest.fixture
def place(postgres_url: str) -> dict[str, object]:
    parts = urlsplit(postgres_url)
    return {"host": parts.hostname, "port": parts.port, "user": parts.username, "database": "postgres"}


async def test_server_that_lets_us_in__is_up(probe, place):
    outcome = await probe("postgres", **place)
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "accepts queries to postgres")
    assert (outcome.facts.connected, outcome.facts.ip) == (True, "127.0.0.1")
    assert outcome.phases_ms.keys() == {"dns", "connect", "first_byte"}


async def test_query__that_returns_true__is_up(probe, place):
    outcome = await probe("postgres", **place, query="SELECT count(*) > 0 FROM pg_class")
    assert (outcome.verdict, outcome.output, outcome.facts.body) == (
        Verdict.UP,
        "the query returned true",
        "True",
    )


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT false", "False"),
        ("SELECT 1", "1"),
        ("SELECT NULL", "nothing"),
        ("SELECT 1 WHERE false", "nothing"),
        ("SET work_mem = '1MB'", "nothing"),
    ],
)
async def test_query__that_returns_anything_else__is_down(probe, place, query: str, said: str):
    outcome = await probe("postgres", **place, query=query)
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, f"the query returned {said}, not true")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query": "SELEC 1"}, "syntax error"),
        ({"query": "CREATE TABLE t (n int)"}, "read-only transaction"),
        ({"query": "SELECT 1 % 0"}, "division by zero"),
        ({"database": "gone"}, 'database "gone" does not exist'),
        ({"user": "gone"}, 'role "gone" does not exist'),
        ({"tls": "require"}, "does not support SSL"),
    ],
)
async def test_refusal__is_told_in_the_servers_words(probe, place, change: dict, said: str):
    with pytest.raises(CheckError, match=said) as failure:
        await probe("postgres", **place | change)
    assert "\n" not in str(failure.value)


async def test_nothing_there_or_something_else__fails(probe):
    with pytest.raises(CheckError, match=r"[Rr]efused"):
        await probe("postgres", host="127.0.0.1", port=refused_port())
    for behaviour in (tcp_close(), tcp_banner(b"HTTP/1.1 400 Bad Request\r\n\r\n")):
        with serve(behaviour) as server, pytest.raises(CheckError):
            await probe("postgres", host="127.0.0.1", port=server.port, deadline_seconds=2)


async def test_server_that_hangs__is_left_at_the_deadline(probe):
    with serve(tcp_silent()) as server, pytest.raises(TimeoutError):
        await probe("postgres", host="127.0.0.1", port=server.port, deadline_seconds=0.3)


async def test_query_that_hangs__is_left_at_the_deadline_and_its_connection_closed(
    probe, place, postgres_url
):
    started = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await probe("postgres", **place, query="SELECT pg_sleep(30)", deadline_seconds=0.3)
    # psycopg by itself would wait for the server to cancel it.
    assert asyncio.get_running_loop().time() - started < 2
    # The server itself would notice only when it is done.
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%'"
            " AND pid <> pg_backend_pid()"
        )


async def test_environment_of_this_process__reaches_no_target(probe, place, monkeypatch):
    monkeypatch.setenv("PGDATABASE", "gone")
    monkeypatch.setenv("PGOPTIONS", "-c work_mem=nonsense")
    monkeypatch.setenv("PGSSLMODE", "require")
    assert (await probe("postgres", **place)).verdict is Verdict.UP


async def test_address__that_policy_forbids__is_blocked(probe):
    with pytest.raises(EgressBlocked):
        await probe("postgres", host="10.0.0.1")


async def test_without_psycopg__nobody_is_blamed_and_the_extra_is_named(probe, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "checks.kinds.postgres_session", raising=False)
    monkeypatch.delattr("checks.kinds.postgres_session", raising=False)
    with pytest.raises(ProbeUnable, match="extra postgres"):
        await probe("postgres", host="127.0.0.1")
