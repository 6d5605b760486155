"""The status of several checks as one word."""

from __future__ import annotations

from collections.abc import Iterable

WORST_FIRST = ("down", "degraded", "unknown", "up")
"""Known trouble outranks not knowing: a failure is never hidden behind a check without a result."""


def worst(statuses: Iterable[str]) -> str:
    """The worst of these; ``unknown`` when there is none, because nothing vouches for anything."""
    return min(statuses, key=WORST_FIRST.index, default="unknown")
