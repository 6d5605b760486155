"""
(d) The floor: the least that any program of this kind can cost here.

One process and one thread: a libcurl multi loop that asks every check once per interval over a new
connection, evenly spread, and one SQLite transaction per quarter of a second. No conditions, no
states, no rollups, no web. Run as ``python -m tests.bench.floor``, it goes on until it is ended.
"""

from __future__ import annotations

import argparse
import select
import sqlite3
import time
from pathlib import Path

import pycurl

BATCH_SECONDS = 0.25
TIMEOUT_MS = 5000
EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}


def offset_seconds(number: int, checks: int, interval: float) -> float:
    """When in its interval a check is asked: evenly spread, by the clock."""
    return number * interval / checks


class Floor:
    """
    Args:
        urls: One per check; the position is the check's number.
        interval: Seconds.
    """

    def __init__(self, urls: list[str], interval: float, database: Path) -> None:
        self.urls = urls
        self.interval = interval
        self.epoll = select.epoll()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_SOCKETFUNCTION, self.watch)
        self.multi.setopt(pycurl.M_TIMERFUNCTION, self.set_timer)
        self.watched: set[int] = set()
        self.curl_wakes_at: float | None = None
        self.idle: list[pycurl.Curl] = []
        self.rows: list[tuple[int, float, int, float]] = []
        self.database = sqlite3.connect(database, isolation_level=None)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.execute(
            "CREATE TABLE result (number INTEGER, slot REAL, status INTEGER, latency_ms REAL,"
            " PRIMARY KEY (number, slot)) WITHOUT ROWID"
        )

    def run(self) -> None:
        step = self.interval / len(self.urls)
        tick = int(time.time() / step) + 1
        store_at = time.time() + BATCH_SECONDS
        while True:
            now = time.time()
            while tick * step <= now:
                self.ask(tick % len(self.urls), tick * step)
                tick += 1
            if now >= store_at:
                self.store()
                store_at = now + BATCH_SECONDS
            if self.curl_wakes_at is not None and now >= self.curl_wakes_at:
                self.curl_wakes_at = None
                self.multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
                self.collect()
            wakes_at = min(tick * step, store_at, self.curl_wakes_at or store_at)
            for socket, _ in self.epoll.poll(max(0.0, wakes_at - time.time())):
                self.multi.socket_action(socket, 0)
            self.collect()

    def watch(self, what: int, socket: int, *_: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self.epoll.unregister(socket)
            self.watched.discard(socket)
        elif socket in self.watched:
            self.epoll.modify(socket, EVENTS[what])
        else:
            self.epoll.register(socket, EVENTS[what])
            self.watched.add(socket)

    def set_timer(self, timeout_ms: int) -> None:
        self.curl_wakes_at = None if timeout_ms < 0 else time.time() + timeout_ms / 1000

    def ask(self, number: int, slot: float) -> None:
        curl = self.idle.pop() if self.idle else self.handle()
        curl.setopt(pycurl.URL, self.urls[number])
        curl.number, curl.slot = number, slot
        self.multi.add_handle(curl)

    def handle(self) -> pycurl.Curl:
        curl = pycurl.Curl()
        curl.setopt(pycurl.FRESH_CONNECT, 1)
        curl.setopt(pycurl.FORBID_REUSE, 1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.TIMEOUT_MS, TIMEOUT_MS)
        curl.setopt(pycurl.WRITEFUNCTION, len)
        return curl

    def collect(self) -> None:
        _, done, failed = self.multi.info_read()
        for curl in (*done, *(each[0] for each in failed)):
            status = curl.getinfo(pycurl.RESPONSE_CODE)
            latency_ms = curl.getinfo(pycurl.TOTAL_TIME) * 1000
            self.rows.append((curl.number, curl.slot, status, latency_ms))
            self.multi.remove_handle(curl)
            self.idle.append(curl)

    def store(self) -> None:
        if self.rows:
            self.database.execute("BEGIN IMMEDIATE")
            self.database.executemany("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?)", self.rows)
            self.database.execute("COMMIT")
            self.rows.clear()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--checks", type=int, required=True)
    parser.add_argument("--interval", type=float, required=True)
    parser.add_argument("--database", type=Path, required=True)
    options = parser.parse_args()
    urls = [f"http://127.0.0.1:{options.port}/{number}" for number in range(options.checks)]
    Floor(urls, options.interval, options.database).run()


if __name__ == "__main__":
    main()
