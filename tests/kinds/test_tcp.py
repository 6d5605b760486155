from __future__ import annotations

import pytest

from checks.errors import CheckError
from checks.rules.outcome import Verdict
from tests.servers import (
    deaf_port,
    raw,
    refused_port,
    serve,
    tcp_banner,
    tcp_close,
    tcp_reply,
    tcp_reset,
    tcp_silent,
)

HERE = "127.0.0.1"


async def test_open_port__is_up(probe):
    with serve(tcp_silent()) as server:
        outcome = await probe("tcp", host=HERE, port=server.port)
    assert (outcome.verdict, outcome.output) == (Verdict.UP, f"connected to 127.0.0.1:{server.port}")
    assert outcome.facts.connected
    assert outcome.facts.ip == HERE


async def test_closed_port__fails(probe):
    with pytest.raises(CheckError, match="refused"):
        await probe("tcp", host=HERE, port=refused_port())


async def test_port_that_never_opens__is_left_at_the_deadline(probe):
    with deaf_port() as port, pytest.raises(TimeoutError):
        await probe("tcp", host=HERE, port=port, deadline_seconds=0.2)


async def test_banner__as_expected__is_up_and_is_the_body(probe):
    with serve(tcp_banner(b"220 mail.example ESMTP\r\n")) as server:
        outcome = await probe("tcp", host=HERE, port=server.port, expect="ESMTP")
    assert outcome.verdict is Verdict.UP
    assert outcome.facts.body == "220 mail.example ESMTP\r\n"
    assert outcome.phases_ms.keys() == {"dns", "connect", "first_byte"}


async def test_answer_to_what_was_sent__is_compared(probe):
    with serve(tcp_reply({b"PING\r\n": b"+PONG\r\n"})) as server:
        outcome = await probe("tcp", host=HERE, port=server.port, send="PING\r\n", expect="+PONG")
    assert outcome.verdict is Verdict.UP
    assert server.requests == [b"PING\r\n"]


async def test_other_answer__is_down_and_shown(probe):
    with serve(raw(b"-ERR \x1b[2Jgo away\0\r\n")) as server:
        outcome = await probe("tcp", host=HERE, port=server.port, send="\r\n\r\n", expect="+PONG")
    assert outcome.verdict is Verdict.DOWN
    assert outcome.output == r"answered '-ERR \x1b[2Jgo away\r\n' without the expected text"


@pytest.mark.parametrize("behaviour", [tcp_close(), tcp_reset()])
async def test_connection_closed_without_an_answer__fails(probe, behaviour):
    with serve(behaviour) as server, pytest.raises((CheckError, OSError), match=r"closed|reset"):
        await probe("tcp", host=HERE, port=server.port, expect="hello")


async def test_answer_without_end__is_read_to_its_limit_only(probe):
    with serve(tcp_banner(b"x" * 1_000_000)) as server:
        outcome = await probe("tcp", host=HERE, port=server.port, expect="y")
    assert outcome.verdict is Verdict.DOWN
    assert len(outcome.facts.body) == 65_536


async def test_silence_where_an_answer_is_expected__is_left_at_the_deadline(probe):
    with serve(tcp_silent()) as server, pytest.raises(TimeoutError):
        await probe("tcp", host=HERE, port=server.port, expect="hello", deadline_seconds=0.2)
