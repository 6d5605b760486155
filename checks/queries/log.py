"""Where the event log stands."""

from __future__ import annotations

from checks.events import store


def head() -> int:
    """The newest position; 0 for an empty log."""
    return store.head()
