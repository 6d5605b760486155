"""Answers that are the same for everybody, made once and handed out for a moment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SHARE = 10
"""A dear answer is kept this many times as long as it took to make, so making takes a tenth of a core."""
DEAR_SECONDS = 0.1
"""From this cost on an answer may be old; a cheaper one is made anew as soon as there is news."""


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    made: T
    version: Hashable
    ended: float
    cost: float


class Kept(Generic[T]):
    """
    Keeps what `make` returned, by key; thread-safe. Readers who come while it is being made wait for it.

    Args:
        seconds: How long an answer is good while its version stays the same.
        limit: How many answers are kept; the one made longest ago goes first.
    """

    def __init__(
        self, *, seconds: float, limit: int = 64, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._limit = limit
        self._clock = clock
        self._answers: OrderedDict[Hashable, _Answer[T]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T], *, version: Hashable = None) -> T:
        """
        The kept answer, or a new one. An error of `make` passes through and is not kept.

        Args:
            version: Of what the answer is made from; another one than last time means news.
        """
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            began = self._clock()
            known = self._answers.get(key)
            if known is not None and self._is_good(known, began, version):
                return known.made
            try:
                made = make()
            except Exception:
                # Anybody may ask for what does not exist; nothing of that is remembered.
                with self._lock:
                    self._making.pop(key, None)
                raise
            ended = self._clock()
            with self._lock:
                self._answers[key] = _Answer(made, version, ended, ended - began)
                self._answers.move_to_end(key)
                while len(self._answers) > self._limit:
                    oldest, _ = self._answers.popitem(last=False)
                    self._making.pop(oldest, None)
            return made

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def _is_good(self, answer: _Answer[T], now: float, version: Hashable) -> bool:
        age = now - answer.ended
        if answer.cost >= DEAR_SECONDS and age < SHARE * answer.cost:
            return True
        return age < self._seconds and version == answer.version
