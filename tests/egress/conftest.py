"""What the tests of the way out share: doors with different policies, and an authority."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop

from checks.egress import Address, Egress, parse_policy
from checks.errors import NameNotResolved
from tests.servers import Authority


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Whatever dials here does so on both loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Names:
    """A resolver that says what it is told: per name a list of answers, one for each time it is asked."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(lists) for name, lists in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        lists = self.answers.get(host)
        if not lists:
            raise NameNotResolved(f"the name {host} has no address")
        found = lists.pop(0) if len(lists) > 1 else lists[0]
        if found == ["hang"]:
            await asyncio.Event().wait()
        if not found:
            raise NameNotResolved(f"looking up {host} failed")
        return tuple(ip_address(text) for text in found)


@pytest.fixture
def names() -> type[Names]:
    return Names


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """Loopback is open; names ending in .test lead there."""
    door = Egress(
        parse_policy("lan", "127.0.0.0/8 ::1"), Names(a_test=[["127.0.0.1"]], b_test=[["127.0.0.1"]])
    )
    yield door
    door.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def ca_bundle(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write_bundle(tmp_path_factory.mktemp("authority"))
