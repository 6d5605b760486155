"""Answers that are the same for everybody, made once and handed out for a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 10
"""An answer is kept this many times as long as it took to make, so making takes a tenth of a core at most."""


class Kept(Generic[T]):
    """
    Keeps what `make` returned, by key; thread-safe. Readers who come while it is being made wait for it.

    Args:
        seconds: How long an answer is kept at least.
        limit: How many answers are kept; the one asked for longest ago goes first.
    """

    def __init__(
        self, *, seconds: float, limit: int = 64, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._answers: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The kept answer, or a new one. An error of `make` passes through and is not kept."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            fresh_until, answer = self._answers.get(key, (0.0, None))
            began = self._clock()
            if answer is not None and began < fresh_until:
                return answer
            try:
                made = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            ended = self._clock()
            with self._lock:
                self._answers[key] = (ended + max(self._seconds, SHARE * (ended - began)), made)
                self._answers.move_to_end(key)
                if len(self._answers) > self._limit:
                    self._answers.popitem(last=False)
            return made

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()
