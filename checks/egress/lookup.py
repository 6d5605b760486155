"""
Names to addresses, by the system's own resolver, without letting a hung lookup hold anybody else.

`getaddrinfo` blocks and cannot be cancelled, so it runs on threads of our own. Whoever waits for
one may leave at any moment; the thread goes on alone and its answer is dropped.
"""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from ipaddress import ip_address
from typing import Any, Protocol

from checks.egress.addresses import Address, literal
from checks.errors import NameNotResolved, ProbeUnable

SLOW_SECONDS = 1.0
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)


class Lookup(Protocol):
    """How names become addresses; tests hand in one that lies, hangs or changes its mind."""

    async def __call__(self, host: str) -> Sequence[Address]:
        """
        Look `host` up, in plain ASCII form.

        Raises:
            NameNotResolved: There is no address.
            ProbeUnable: We were not able to ask.
        """
        ...


def ascii_name(host: str) -> str:
    """
    A host name in the form it is asked for, ``xn--`` labels included.

    Raises:
        NameNotResolved: Not a name: an empty or overlong label, forbidden characters.
    """
    if host.isascii():
        name = host
    else:
        try:
            name = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise NameNotResolved(
                f"{host!r} is not a host name: it has characters that no name may have"
            ) from None
    labels = name.removesuffix(".").split(".")
    if len(name) > 254 or not all(_LABEL.fullmatch(label) for label in labels):
        raise NameNotResolved(
            f"{host!r} is not a host name: labels of 1 to 63 letters, digits and hyphens, joined by dots"
        )
    if literal(name) is None and _NUMERIC.fullmatch(labels[-1]):
        raise NameNotResolved(f"{host!r} is neither a host name nor an address")
    return name


class SystemLookup:
    """
    `getaddrinfo` on two bounded sets of threads.

    A name that was slow goes to a small set of its own next time, so that a domain whose servers
    hang cannot take the threads from names that answer. A name that is being looked up is waited
    for, not asked for twice. Nothing is remembered: each probe sees what the resolver says now.

    Args:
        threads, slow_threads: How many lookups run at once, of quick and of slow names.
        waiting: How many more may queue before the next one is refused.
    """

    def __init__(
        self,
        *,
        threads: int = 24,
        slow_threads: int = 8,
        waiting: int = 1_000,
        ask: Callable[[str], Sequence[Address]] | None = None,
    ) -> None:
        self._ask = ask or _getaddrinfo
        self._quick = _Lane(threads, waiting, self._run)
        self._slow = _Lane(slow_threads, waiting, self._run)
        self._slow_names: set[str] = set()
        self._running: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    async def __call__(self, host: str) -> Sequence[Address]:
        with self._lock:
            asked = self._running.get(host)
            if asked is None:
                asked = _Asked(host)
                (self._slow if host in self._slow_names else self._quick).put(asked)
                self._running[host] = asked
            asked.waiting += 1
        try:
            return await asyncio.wrap_future(asked.answer)
        finally:
            with self._lock:
                asked.waiting -= 1

    def _run(self, asked: _Asked) -> None:
        with self._lock:
            if not asked.waiting:
                self._running.pop(asked.host, None)
                return
        began = time.monotonic()
        try:
            addresses = self._ask(asked.host)
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, not to this thread
            self._finish(asked, began)
            asked.answer.set_exception(error)
        else:
            self._finish(asked, began)
            asked.answer.set_result(addresses)

    def _finish(self, asked: _Asked, began: float) -> None:
        with self._lock:
            self._running.pop(asked.host, None)
            if time.monotonic() - began < SLOW_SECONDS:
                self._slow_names.discard(asked.host)
            elif len(self._slow_names) < 10_000:
                self._slow_names.add(asked.host)


class _Asked:
    """One lookup under way and how many wait for it."""

    __slots__ = ("answer", "host", "waiting")

    def __init__(self, host: str) -> None:
        self.host = host
        self.waiting = 0
        self.answer: Future[Sequence[Address]] = Future()
        # A running future cannot be cancelled: who leaves takes nothing from who stays.
        self.answer.set_running_or_notify_cancel()


class _Lane:
    """Daemon threads, started when first needed: a hung lookup must not hold the process's end."""

    def __init__(self, threads: int, waiting: int, run: Callable[[_Asked], None]) -> None:
        self._limit, self._most = threads, threads + waiting
        self._run = run
        self._threads = self._idle = 0
        self._queue: deque[_Asked] = deque()
        self._changed = threading.Condition()

    def put(self, asked: _Asked) -> None:
        with self._changed:
            if len(self._queue) >= self._most:
                raise ProbeUnable("too many name lookups are waiting: the resolver does not answer")
            self._queue.append(asked)
            if self._idle:
                self._idle -= 1  # by who wakes it, so that two lookups never count on one idle thread
                self._changed.notify()
            elif self._threads < self._limit:
                self._threads += 1
                threading.Thread(target=self._work, name="lookup", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    self._idle += 1
                    self._changed.wait()
                asked = self._queue.popleft()
            self._run(asked)


def _getaddrinfo(host: str) -> Sequence[Address]:
    try:
        found: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, socket.EAI_NODATA):
            raise NameNotResolved(f"the name {host} has no address") from None
        if error.errno == socket.EAI_AGAIN:
            raise NameNotResolved(f"looking up {host} failed: the resolver gave no usable answer") from None
        raise NameNotResolved(f"looking up {host} failed: {error.strerror}") from None
    except UnicodeError:
        raise NameNotResolved(f"{host!r} is not a host name") from None
    return tuple(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))
