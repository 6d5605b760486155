"""
The one bridge to libcurl: its multi interface, driven by the running asyncio loop.

A probe costs well under a millisecond of CPU here, and most of that is the kernel's. What keeps it
so: one multi handle a loop, easy handles used again, and one set of sockets of our own that the
loop watches as a single file descriptor, so that many becoming ready cost it one wake-up.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pycurl

from checks.egress.readiness import READ, WRITE, watched_sockets
from checks.egress.transfer import Transfer

KEPT_HANDLES = 256


class Bridge:
    """libcurl on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._sockets = watched_sockets()
        self._waiting: dict[Any, asyncio.Future[tuple[int, str]]] = {}
        self._free: list[Transfer] = []
        self._made = 0
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        loop.add_reader(self._sockets.fileno(), self._on_ready)

    def transfer(self) -> Transfer:
        if self._free:
            return self._free.pop()
        self._made += 1
        return Transfer(self._made)

    def release(self, transfer: Transfer) -> None:
        transfer.reset()
        if len(self._free) < KEPT_HANDLES:
            self._free.append(transfer)

    async def perform(self, transfer: Transfer) -> tuple[int, str]:
        """
        Run a prepared transfer; returns libcurl's code (0 for none) and its words.

        Cancelling the task closes the connection before the cancellation goes on.
        """
        curl = transfer.curl
        done: asyncio.Future[tuple[int, str]] = self._loop.create_future()
        self._waiting[curl] = done
        self._multi.add_handle(curl)
        try:
            return await done
        finally:
            if self._waiting.pop(curl, None) is not None:
                self._multi.remove_handle(curl)

    def close(self) -> None:
        """Drop what is under way and let go of the loop."""
        if self._sockets.closed:
            return
        for curl, done in list(self._waiting.items()):
            self._multi.remove_handle(curl)
            done.cancel()
        self._waiting.clear()
        self._multi.close()
        if not self._loop.is_closed():
            self._loop.remove_reader(self._sockets.fileno())
        if self._timer is not None:
            self._timer.cancel()
        self._sockets.close()

    def _on_socket(self, event: int, fd: int, multi: object, data: object) -> None:
        if event == pycurl.POLL_REMOVE:
            self._sockets.unregister(fd)
            return
        mask = (READ if event & pycurl.POLL_IN else 0) | (WRITE if event & pycurl.POLL_OUT else 0)
        try:
            self._sockets.modify(fd, mask)
        except FileNotFoundError:
            self._sockets.register(fd, mask)

    def _on_ready(self) -> None:
        running = len(self._waiting)
        socket_action = self._multi.socket_action
        for fd, events in self._sockets.poll(0):
            bits = (pycurl.CSELECT_IN if events & ~WRITE else 0) | (
                pycurl.CSELECT_OUT if events & ~READ else 0
            )
            running = socket_action(fd, bits)[1]
        if running < len(self._waiting):
            self._collect()

    def _on_timer(self, timeout_ms: int) -> None:
        if timeout_ms < 0:
            self._due = None
            return
        self._due = self._loop.time() + timeout_ms / 1000
        # A timer that rings too early looks again; that is cheaper than setting one anew each time.
        if self._timer is None or self._rings_at > self._due:
            self._set_timer(self._due)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = at
        self._timer = self._loop.call_at(at, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.time() + 0.0005:
            self._set_timer(self._due)
            return
        self._due = None
        if self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)[1] < len(self._waiting):
            self._collect()

    def _collect(self) -> None:
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._finish(curl, (0, ""))
            for curl, code, words in failed:
                self._finish(curl, (code, words))

    def _finish(self, curl: Any, result: tuple[int, str]) -> None:
        self._multi.remove_handle(curl)
        done = self._waiting.pop(curl)
        if not done.done():
            done.set_result(result)
