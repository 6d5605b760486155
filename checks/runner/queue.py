"""
Which slot begins when: at its instant, while there is room, and not too many against one host.

Pure book-keeping; the prober owns the loop and the clock.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Iterator

from checks.runner.assignment import Assignment


class StartQueue:
    """
    Args:
        in_flight: Probes that may run at once.
        per_host: Of those, how many against one host.
    """

    def __init__(self, *, in_flight: int, per_host: int) -> None:
        self._in_flight_limit = in_flight
        self._per_host = per_host
        self._waiting: list[tuple[float, int, Assignment]] = []
        self._ready: deque[tuple[float, Assignment]] = deque()
        self._held_back: dict[str, deque[tuple[float, Assignment]]] = {}
        self._hosts: defaultdict[str, int] = defaultdict(int)
        self._in_flight = 0
        self._sequence = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._ready) + sum(map(len, self._held_back.values()))

    def add(self, assignment: Assignment, at: float) -> None:
        """
        Args:
            at: When it begins, by the clock that the caller goes by throughout.
        """
        heapq.heappush(self._waiting, (at, next(self._sequence), assignment))

    def next_at(self) -> float | None:
        """When the next slot begins; None when none waits for its instant."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def is_crowded(self) -> bool:
        """Whether slots whose instant has come wait for room."""
        return bool(self._ready)

    def begin(self, until: float) -> Iterator[tuple[float, Assignment]]:
        """
        Yield what begins now with the instant it was due at, each counted as in flight from here on.

        Args:
            until: Slots up to this instant have come.
        """
        while self._waiting and self._waiting[0][0] <= until:
            at, _, assignment = heapq.heappop(self._waiting)
            self._ready.append((at, assignment))
        while self._ready and self._in_flight < self._in_flight_limit:
            at, assignment = self._ready.popleft()
            host = host_of(assignment)
            if host and self._hosts[host] >= self._per_host:
                self._held_back.setdefault(host, deque()).append((at, assignment))
                continue
            self._in_flight += 1
            self._hosts[host] += 1
            yield at, assignment

    def end(self, assignment: Assignment) -> None:
        """Make room: the assignment is in flight no more."""
        host = host_of(assignment)
        self._in_flight -= 1
        self._hosts[host] -= 1
        if waiting := self._held_back.get(host):
            self._ready.appendleft(waiting.popleft())
        elif not self._hosts[host]:
            del self._hosts[host]
            self._held_back.pop(host, None)

    def drain(self) -> list[Assignment]:
        """Remove and return everything that has not begun."""
        unbegun = [item[2] for item in self._waiting]
        unbegun += (item[1] for item in self._ready)
        unbegun += (item[1] for item in itertools.chain.from_iterable(self._held_back.values()))
        self._waiting.clear()
        self._ready.clear()
        self._held_back.clear()
        return unbegun


def host_of(assignment: Assignment) -> str:
    return assignment.prepared.host if assignment.prepared is not None else ""
