"""``python -m tests.bench``: run the bench, or parts of it, and print what it found."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from tests.bench.measure import Span
from tests.bench.processes import Broken
from tests.bench.progress import Progress
from tests.bench.report import Report
from tests.bench.runs import PARTS, Plan

WARM_UP_SECONDS = 12.0
WINDOW_SECONDS = 20.0
QUICK_WINDOW_SECONDS = 10.0


def main() -> int:
    options = _options()
    window = options.window or (QUICK_WINDOW_SECONDS if options.quick else WINDOW_SECONDS)
    progress, report = Progress(), Report()
    plan = Plan(
        sizes=options.checks or ([1000] if options.quick else [1000, 4000]),
        span=Span(options.warm_up, window),
        progress=progress,
        report=report,
    )
    # Whatever ends us, the programs of the run end with us.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    try:
        for name in options.only:
            PARTS[name](plan)
    except KeyboardInterrupt:
        progress.end()
        print("interrupted")
        report.failed = True
    except Broken as broken:
        progress.end()
        print(broken)
        report.failed = True
    progress.end()
    print(report.text() or "nothing was measured")
    return 1 if report.failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=_parts,
        default=list(PARTS),
        metavar="PART,…",
        help="of " + ", ".join(f"{name} ({part.__doc__})" for name, part in PARTS.items()),
    )
    parser.add_argument("--checks", type=_numbers, metavar="N,…", help="how many checks; 1000,4000")
    parser.add_argument("--window", type=float, metavar="SECONDS", help=f"of each run; {WINDOW_SECONDS:g}")
    parser.add_argument("--warm-up", type=float, metavar="SECONDS", default=WARM_UP_SECONDS)
    parser.add_argument("--quick", action="store_true", help="shorter windows, 1,000 checks only")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    wanted = [part.strip() for part in text.split(",")]
    if unknown := [part for part in wanted if part not in PARTS]:
        raise argparse.ArgumentTypeError(f"no such part {unknown[0]!r}; there are {', '.join(PARTS)}")
    return [part for part in PARTS if part in wanted]


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _leave(_signal: int, _frame: FrameType | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a second one must not cut short the clearing up
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
