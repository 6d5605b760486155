"""
Short blocking calls of our own kinds, off the loop.

Each gets a daemon thread, not one of a pool's: a call that hangs (a dead network file system, a
broker that stopped answering) then holds up neither the calls after it nor the process's end.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from checks.errors import CheckError

P = ParamSpec("P")
R = TypeVar("R")

MOST_AT_ONCE = 32
_free = threading.BoundedSemaphore(MOST_AT_ONCE)


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """
    Cancelling ends the waiting at once; the call itself ends when it does.

    Raises:
        CheckError: As many calls as there may be have not come back.
    """
    free = _free
    if not free.acquire(blocking=False):
        raise CheckError(f"{MOST_AT_ONCE} earlier calls like this one hang")
    answer: Future[R] = Future()

    def call() -> None:
        answer.set_running_or_notify_cancel()
        try:
            answer.set_result(function(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  handed on to who waits
            answer.set_exception(error)
        finally:
            free.release()

    threading.Thread(target=call, name="kind", daemon=True).start()
    return await asyncio.wrap_future(answer)
