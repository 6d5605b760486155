"""How long a phase took, for kinds whose library does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta


@contextmanager
def timed(phases_ms: dict[str, float], phase: str) -> Iterator[None]:
    """Add what the block takes to `phase`, in milliseconds."""
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        yield
    finally:
        phases_ms[phase] = phases_ms.get(phase, 0.0) + (clock() - started) * 1000


def total(phases_ms: Mapping[str, float]) -> timedelta:
    return timedelta(milliseconds=sum(phases_ms.values()))
