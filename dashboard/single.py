"""One embedded system per SQLite file."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.errors import BreakwaterError


class AlreadyRunning(BreakwaterError):
    """Another process serves this database."""


@contextmanager
def only_instance(database: Path) -> Iterator[None]:
    """
    Hold the database for this process. The system lets go of a lock when its holder dies, however it dies.

    Raises:
        AlreadyRunning: With a sentence that names the other process.
    """
    path = database.with_name(f"{database.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise AlreadyRunning(
                f"Breakwater already runs on {database} (process {holder}): "
                "stop it first, or give this one its own DATA_DIR."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
