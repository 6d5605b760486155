"""What depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(depends_on: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A chain on which something depends on itself, both ends named; empty if there is none."""
    try:
        TopologicalSorter(depends_on).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()
