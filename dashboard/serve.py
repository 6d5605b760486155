"""
The whole system in one process: web, worker and beat.

The main thread runs the event loop of the web; worker and beat have threads of their own. Everything
that may be refused is tried before anything is started.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from django.conf import settings
from django.db import connection

from dashboard.asgi import application
from dashboard.demo.server import DemoServer
from dashboard.embedded import Engine
from dashboard.first_start import Say, prepare
from dashboard.protocol import share_open_files
from dashboard.server import Server, listen
from dashboard.single import only_instance

STOP_TIMEOUT = timedelta(seconds=4)  # for everything together, so that a stop takes less than 5 s
ENGINE_STOP_TIMEOUT = timedelta(seconds=3)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last when its terminal is closed


def serve(say: Say) -> int:
    """
    Run until SIGTERM or Ctrl-C; return the exit code.

    Args:
        say: Tells the person at the terminal a topic and a sentence.
    Raises:
        BreakwaterError: Something we need is not to be had; its sentence names the mend.
    """
    with ExitStack() as held:
        alone = connection.vendor == "sqlite"
        if alone:
            held.enter_context(only_instance(Path(settings.DATABASES["default"]["NAME"])))
        listener = held.enter_context(listen(settings.HOST, settings.PORT, "PORT"))
        demo = None
        if settings.DEMO:
            demo = DemoServer(held.enter_context(listen("127.0.0.1", settings.DEMO_PORT, "DEMO_PORT")))
        prepare(say)
        share_open_files()
        server = Server(application, listener)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            return runner.run(run(server, demo, Engine(settings.LOCATIONS, alone=alone), say))


async def run(server: Server, demo: DemoServer | None, engine: Engine, say: Say) -> int:
    stop = asyncio.Event()
    failed: list[str] = []

    def part_ended(name: str) -> None:
        failed.append(name)
        loop.call_soon_threadsafe(stop.set)

    loop = asyncio.get_running_loop()
    with signals(lambda: leave(say) if stop.is_set() else stop.set()):
        await asyncio.to_thread(engine.start, part_ended)
        if demo is not None:
            await demo.start()
            say("demo", f"targets to break and mend: {settings.DEMO_URL}/")
        web = asyncio.create_task(server.run_until_stopped())
        say("ready", f"open {settings.BASE_URL}/ (Ctrl-C stops)")
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((web, stopped), return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        for name in failed:
            say("failed", f"{name} has ended by itself; see the log above")
        say("stop", "ending open pages and what is being checked")
        watchdog = threading.Timer(STOP_TIMEOUT.total_seconds(), leave, [say])
        watchdog.daemon = True  # it must not keep alive what it is to end
        watchdog.start()
        application.end_streams()
        server.stop()
        late = await asyncio.to_thread(engine.stop, ENGINE_STOP_TIMEOUT)
        if demo is not None:
            await demo.stop()
        await web
        say("stop", f"stopped, without waiting for {' and '.join(late)}" if late else "stopped")
        return 1 if failed else 0


@contextmanager
def signals(handle: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, handle)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


def leave(say: Say) -> NoReturn:
    """Leave at once. What is recorded is safe: every batch is a transaction of its own."""
    say("stop", "leaving now")
    sys.stdout.flush()
    os._exit(1)
