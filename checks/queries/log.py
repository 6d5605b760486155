"""Where the event log stands, and what has come since."""

from __future__ import annotations

from collections.abc import Iterable

from checks.events import store
from checks.events.store import Recorded


def head() -> int:
    """The newest position; 0 for an empty log."""
    return store.head()


def events_after(position: int, *, limit: int = 500, types: Iterable[str] | None = None) -> list[Recorded]:
    """Events with a greater position, in commit order."""
    return store.read_all(after=position, limit=limit, types=types)
