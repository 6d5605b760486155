"""
Short blocking calls of our own kinds, off the loop.

Only for calls that end by themselves (a library with a connect timeout, a system call). They share
a few threads: when all of them hang, the next probe waits here until its own deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="kind")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Cancelling stops the waiting, not the call."""
    return await asyncio.get_running_loop().run_in_executor(_threads, partial(function, *args, **kwargs))
