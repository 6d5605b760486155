"""
Which of many sockets are ready, behind one file descriptor that an event loop can watch.

`select.epoll` is that already and costs no Python; where a system has none (macOS, BSD) the
standard library's selector gets the same few methods.
"""

from __future__ import annotations

import select
import selectors
from typing import Protocol

READ, WRITE = 1, 4
"""As epoll numbers them; bits beyond these two mean an error or the end."""


class Watched(Protocol):
    """The part of `select.epoll` that is used. `modify` of an unknown socket raises FileNotFoundError."""

    @property
    def closed(self) -> bool: ...
    def fileno(self) -> int: ...
    def register(self, fd: int, mask: int, /) -> None: ...
    def modify(self, fd: int, mask: int, /) -> None: ...
    def unregister(self, fd: int, /) -> None: ...
    def poll(self, seconds: float, /) -> list[tuple[int, int]]: ...
    def close(self) -> None: ...


class Selected:
    """A selector with epoll's methods."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.closed = False

    def fileno(self) -> int:
        number: int = self._selector.fileno()
        return number

    def register(self, fd: int, mask: int, /) -> None:
        self._selector.register(fd, _to_selector(mask))

    def modify(self, fd: int, mask: int, /) -> None:
        try:
            self._selector.modify(fd, _to_selector(mask))
        except KeyError:
            raise FileNotFoundError(fd) from None

    def unregister(self, fd: int, /) -> None:
        self._selector.unregister(fd)

    def poll(self, seconds: float, /) -> list[tuple[int, int]]:
        return [(key.fd, _from_selector(events)) for key, events in self._selector.select(seconds)]

    def close(self) -> None:
        self._selector.close()
        self.closed = True


def watched_sockets() -> Watched:
    return select.epoll() if hasattr(select, "epoll") else Selected()


def _to_selector(mask: int) -> int:
    return (selectors.EVENT_READ if mask & READ else 0) | (selectors.EVENT_WRITE if mask & WRITE else 0)


def _from_selector(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)
