from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis

from checks.errors import CheckError
from checks.rules.outcome import Verdict
from tests.servers import (
    answer,
    refused_port,
    serve,
    tcp_banner,
    tcp_close,
    tcp_reply,
    tcp_silent,
)

HERE = "127.0.0.1"
PING = b"*1\r\n$4\r\nPING\r\n"


@pytest.fixture
def port(redis_url: str) -> int:
    return urlsplit(redis_url).port


@pytest.fixture
def with_user(redis_url: str) -> Iterator[dict[str, str]]:
    with redis.Redis.from_url(redis_url) as client:
        client.acl_setuser("probe", enabled=True, passwords=["+hunter22"], commands=["+ping", "+select"])
        yield {"username": "probe", "password": "hunter22"}
        client.acl_deluser("probe")


async def test_server__that_answers_ping__is_up(probe, port):
    outcome = await probe("redis", host=HERE, port=port, database=3)
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "PONG")
    assert (outcome.facts.connected, outcome.facts.ip) == (True, HERE)
    assert outcome.phases_ms.keys() == {"dns", "connect", "first_byte"}


async def test_credentials__let_us_in(probe, port, with_user):
    assert (await probe("redis", host=HERE, port=port, **with_user)).verdict is Verdict.UP


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"username": "probe", "password": "wrong hunter23"}, "AUTH was refused: WRONGPASS"),
        ({"password": "hunter23"}, "AUTH was refused: ERR"),
        ({"database": 9999}, "SELECT was refused: ERR"),
    ],
)
async def test_refusal__is_down_in_the_servers_words(probe, port, with_user, settings: dict, said: str):
    outcome = await probe("redis", host=HERE, port=port, **settings)
    assert outcome.verdict is Verdict.DOWN
    assert outcome.output.startswith(said)
    assert "hunter" not in str(outcome)


async def test_server_that_still_loads__is_down(probe):
    with serve(tcp_reply({PING: b"-LOADING Redis is loading the dataset in memory\r\n"})) as server:
        outcome = await probe("redis", host=HERE, port=server.port)
    assert outcome.verdict is Verdict.DOWN
    assert outcome.output == "PING was refused: LOADING Redis is loading the dataset in memory"


async def test_password_that_the_server_echoes__is_hidden(probe):
    with serve(tcp_banner(b"-ERR unknown 'hunter22'\r\n")) as server:
        outcome = await probe("redis", host=HERE, port=server.port, password="hunter22")
    assert "hunter22" not in str(outcome)


async def test_something_else_there__is_down_or_fails(probe):
    with serve(answer("web")) as server, pytest.raises(TimeoutError):
        await probe("redis", host=HERE, port=server.port, deadline_seconds=0.2)
    with serve(tcp_banner(b"220 mail.example ESMTP\r\n")) as server:
        outcome = await probe("redis", host=HERE, port=server.port)
    assert outcome.output == "answered '220 mail.example ESMTP' to PING; it does not speak Redis' protocol"
    with serve(tcp_banner(b"x" * 500_000)) as server, pytest.raises(CheckError, match="endless line"):
        await probe("redis", host=HERE, port=server.port)


async def test_refused_closed_or_silent__fails(probe):
    with pytest.raises(CheckError, match="refused"):
        await probe("redis", host=HERE, port=refused_port())
    with serve(tcp_close()) as server, pytest.raises((CheckError, OSError)):
        await probe("redis", host=HERE, port=server.port)
    with serve(tcp_silent()) as server, pytest.raises(TimeoutError):
        await probe("redis", host=HERE, port=server.port, deadline_seconds=0.2)


async def test_tls__is_verified_unless_told_not_to(probe, authority):
    with serve(tcp_reply({PING: b"+PONG\r\n"}), tls=authority.server(HERE)) as server:
        with pytest.raises(CheckError, match="certificate"):
            await probe("redis", host=HERE, port=server.port, tls=True)
        outcome = await probe("redis", host=HERE, port=server.port, tls=True, verify_tls=False)
    assert outcome.verdict is Verdict.UP
