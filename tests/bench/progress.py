"""What the bench is doing right now, on stderr, so that the tables on stdout can be kept."""

from __future__ import annotations

import sys
import time


class Progress:
    """One line that is written over on a terminal; one line per step elsewhere."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.live = sys.stderr.isatty()
        self.title = ""

    def begin(self, title: str) -> None:
        """Start a new step, to which the following `say` belong."""
        self.title = title

    def say(self, doing: str) -> None:
        line = f"{time.monotonic() - self.began:5.0f} s  {self.title}: {doing}"
        print(f"\r\033[K{line}" if self.live else f"{line}\n", end="", file=sys.stderr, flush=True)

    def wait(self, seconds: float, doing: str) -> None:
        """Wait, counting down."""
        until = time.monotonic() + seconds
        if not self.live:
            self.say(f"{doing}, {seconds:.0f} s")
        while (left := until - time.monotonic()) > 0:
            if self.live:
                self.say(f"{doing}, {left:.0f} s left")
            time.sleep(min(left, 1.0))

    def end(self) -> None:
        if self.live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
