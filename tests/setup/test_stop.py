"""How `serve` stops when its parts do not."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from datetime import timedelta

import pytest

from dashboard import serve


class StuckEngine:
    """Does not stop before it is let go."""

    def __init__(self):
        self.let_go = threading.Event()
        self.stopping = threading.Event()

    def start(self, ended):
        self.ended = ended

    def stop(self, timeout):
        self.stopping.set()
        self.let_go.wait(10)
        return ["worker"]


class Web:
    def __init__(self):
        self.stopped = asyncio.Event()

    async def run_until_stopped(self):
        await self.stopped.wait()

    def stop(self):
        self.stopped.set()


@pytest.fixture
def said():
    return []


@pytest.fixture
def engine(monkeypatch, said):
    """A stuck engine; leaving the process lets it go and is written down instead."""
    engine = StuckEngine()

    def leave(say):
        said.append("left")
        engine.let_go.set()

    monkeypatch.setattr(serve, "leave", leave)
    return engine


def run(engine, said):
    return serve.run(Web(), None, engine, lambda topic, sentence: said.append(sentence))


async def test_run__second_signal_while_stopping__leaves_at_once(engine, said):
    running = asyncio.create_task(run(engine, said))
    await asyncio.sleep(0)
    while not any("open " in sentence for sentence in said):  # noqa: ASYNC110  until it listens to signals
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    assert await asyncio.to_thread(engine.stopping.wait, 5)
    os.kill(os.getpid(), signal.SIGINT)
    assert await running == 0
    assert "left" in said


async def test_run__part_that_does_not_stop__is_left_behind_in_time(monkeypatch, engine, said):
    monkeypatch.setattr(serve, "STOP_TIMEOUT", timedelta(seconds=0.1))
    running = asyncio.create_task(run(engine, said))
    while not any("open " in sentence for sentence in said):  # noqa: ASYNC110  until it listens to signals
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await running == 0
    assert "left" in said
    assert said[-1] == "stopped, without waiting for worker"


async def test_run__part_ends_by_itself__everything_stops_with_an_error(engine, said):
    engine.let_go.set()
    running = asyncio.create_task(run(engine, said))
    while not any("open " in sentence for sentence in said):  # noqa: ASYNC110  until it has started
        await asyncio.sleep(0.01)
    await asyncio.to_thread(engine.ended, "beat")
    assert await running == 1
    assert "beat has ended by itself; see the log above" in said
