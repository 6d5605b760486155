"""Start programs for a run, and leave none behind."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.bench import accounting

ROOT = Path(__file__).resolve().parents[2]
STOP_SECONDS = 8.0


class Broken(Exception):
    """A program of the bench did not do its part; the message holds what it said."""


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process to a block and end its whole tree after it, however the block ends."""
    try:
        yield process
    finally:
        family = [each.pid for each in accounting.tree([process.pid])]
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        for pid in family:
            if pid != process.pid or process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@contextmanager
def program(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program beside the block; what it prints goes to `log`."""
    with (
        log.open("wb") as output,
        # A group of its own: Ctrl-C reaches the bench alone, which then ends its programs in order.
        ended(
            subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=ROOT,
                env=environment,
                start_new_session=True,
            )
        ) as process,
    ):
        yield process


def run(command: Sequence[str], *, environment: Mapping[str, str], input_text: str | None = None) -> str:
    """
    Run a program to its end; return what it printed.

    Raises:
        Broken: It failed.
    """
    done = subprocess.run(
        command, input=input_text, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    if done.returncode:
        raise Broken(f"{' '.join(command)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def must_live(process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises Broken, with the end of the log, when the program has ended."""
    if process.poll() is not None:
        said = log.read_text(errors="replace")[-4000:]
        raise Broken(f"{process.args!r} ended with {process.returncode}:\n{said}")
