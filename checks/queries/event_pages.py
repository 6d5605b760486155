"""The event log in pages, by position or by stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.events import store
from checks.events.store import Recorded


@dataclass(frozen=True, slots=True)
class LogPage:
    """
    Attributes:
        next_after: Ask with `after` set to this for what follows; the same while nothing does.
        head: The log's newest position.
    """

    events: tuple[Recorded, ...]
    next_after: int
    head: int


def events_after(after: int = 0, *, limit: int = 100, types: Iterable[str] = ()) -> LogPage:
    """
    Events with a position above `after`, oldest first.

    Args:
        types: Only events of these types; none means all.
    """
    head = store.head()
    events = tuple(store.read_all(after=after, limit=limit, types=tuple(types) or None))
    newest = max(head, events[-1].position) if events else head
    # A filtered page that is not full has seen everything up to the newest position it knows of.
    reached = events[-1].position if len(events) == limit else max(newest, after)
    return LogPage(events, reached, newest)


def stream_history(stream: str, *, limit: int = 1000) -> tuple[Recorded, ...]:
    """A stream's events, newest first."""
    events = store.read_stream(stream, limit=limit)
    return tuple(reversed(events))
