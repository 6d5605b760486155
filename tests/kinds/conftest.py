"""A door that opens to this machine only, and one probe under a deadline as the runner sets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import checks.kinds  # noqa: F401  fills the register
from checks.egress import Egress, parse_policy
from checks.kinds.base import Probing, build
from checks.kinds.python import call_registered
from checks.rules.outcome import Outcome
from tests.servers import Authority


@dataclass
class Probe:
    """
    Builds a kind from settings and probes once.

    Attributes:
        egress: The door, or whatever a test puts in its place.
        signs: What the workers' signs of life are.
    """

    egress: Any
    signs: Mapping[str, datetime] = field(default_factory=dict)

    async def __call__(self, slug: str, /, *, deadline_seconds: float = 5, **settings: Any) -> Outcome:
        kind = build(slug, settings)
        probing = Probing(
            egress=self.egress,
            timeout=timedelta(seconds=deadline_seconds),
            now=datetime.now(UTC),
            run_registered=self.run_registered,
            worker_signs=self.worker_signs,
        )
        async with asyncio.timeout(deadline_seconds):
            return await kind.probe(probing)

    async def run_registered(self, name: str) -> object:
        return call_registered(name)

    async def worker_signs(self) -> Mapping[str, datetime]:
        return self.signs


@pytest.fixture
async def probe() -> AsyncIterator[Probe]:
    door = Egress(parse_policy("list", ["127.0.0.1", "::1"], []))
    yield Probe(door)
    door.close()


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()
