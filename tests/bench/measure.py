"""One run: let it warm up, then weigh what a span of time cost and how well it kept time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import accounting
from tests.bench.processes import Broken, must_live
from tests.bench.progress import Progress
from tests.bench.target import FLUSH_SECONDS, Hit, Target

INTERVAL_SECONDS = 10.0
TIMEOUT_SECONDS = 5.0
LATE_ENOUGH_TO_BE_LOST = 1.0  # seconds after its instant; a slot that is asked later still was not kept
EARLY_SECONDS = 0.5  # what comes so long before an instant belongs to it; nothing should


@dataclass(frozen=True, slots=True)
class Load:
    """
    What a run carries.

    Attributes:
        checks: Checks that are answered, every `INTERVAL_SECONDS`.
        hung: Checks beside them whose target accepts and never answers.
    """

    checks: int
    hung: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """How long a run warms up and is measured, in seconds."""

    warm_up: float
    window: float


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What a run cost.

    Attributes:
        checks: Checks that were answered each interval.
        hits: Requests that arrived in the window.
        cpu_ms: User and system time of the whole trees for each of them.
        kept: Share of the wanted slots whose request came within a second.
        late_ms: How long after its instant each of these came, sorted.
        memory_mib: Proportional set size of the trees at the end.
        others_cores: How busy the machine was with other things, the target's own work included.
    """

    checks: int
    hits: int
    cpu_ms: float
    kept: float
    late_ms: Sequence[float]
    memory_mib: float
    others_cores: float

    def late(self, quantile: float) -> float:
        if not self.late_ms:
            return float("nan")
        return self.late_ms[min(len(self.late_ms) - 1, int(quantile * len(self.late_ms)))]


@dataclass(frozen=True, slots=True)
class Program:
    """A running program of a run, and where its output goes."""

    process: subprocess.Popen[bytes]
    log: Path


Lateness = Callable[[Sequence[Hit], float, float], "tuple[list[float], float]"]
"""From hits and the window's begin and end: seconds late, sorted, and the share of slots kept."""


def measure(
    programs: Sequence[Program],
    servers: Sequence[int],
    target: Target,
    load: Load,
    lateness: Lateness,
    span: Span,
    progress: Progress,
) -> Figures:
    """
    Args:
        programs: What is measured; a run in which one of them ends is no run.
        servers: Processes that count as well: database and broker.
    """
    roots = [each.process.pid for each in programs] + list(servers)
    progress.wait(span.warm_up, "warming up")
    began, cpu_before, machine_before = time.time(), accounting.cpu_seconds(roots), _machine()
    progress.wait(span.window, "measuring")
    ended, cpu_after, machine_after = time.time(), accounting.cpu_seconds(roots), _machine()
    memory = accounting.memory_mib(roots)
    time.sleep(LATE_ENOUGH_TO_BE_LOST + 2 * FLUSH_SECONDS)
    for each in programs:
        must_live(each.process, each.log)
    hits = target.hits(began - EARLY_SECONDS, ended + LATE_ENOUGH_TO_BE_LOST)
    inside = sum(began <= hit.at < ended for hit in hits)
    if not inside:
        said = "\n".join(each.log.read_text(errors="replace")[-2000:] for each in programs)
        raise Broken(f"Not one request arrived while it was measured. It said:\n{said}")
    late, kept = lateness(hits, began, ended)
    cpu, machine = cpu_after - cpu_before, machine_after - machine_before
    return Figures(
        checks=load.checks,
        hits=inside,
        cpu_ms=cpu / inside * 1000,
        kept=kept,
        late_ms=[seconds * 1000 for seconds in late],
        memory_mib=memory,
        others_cores=max(0.0, machine - cpu) / (ended - began),
    )


def against_instants(offsets: Mapping[int, float]) -> Lateness:
    """
    Lateness against the instants that were wanted.

    Args:
        offsets: By check number: where in the interval, counted from the Unix epoch, its slots lie.
    """

    def lateness(hits: Sequence[Hit], began: float, ended: float) -> tuple[list[float], float]:
        wanted = {
            (number, slot)
            for number, offset in offsets.items()
            for slot in range(_slot_after(began, offset), _slot_after(ended, offset))
        }
        late: dict[tuple[int, int], float] = {}
        for hit in hits:
            slot, seconds = _slot_of(hit.at, offsets[hit.number])
            if (hit.number, slot) in wanted and seconds <= LATE_ENOUGH_TO_BE_LOST:
                late.setdefault((hit.number, slot), seconds)
        return sorted(late.values()), len(late) / len(wanted)

    return lateness


def against_interval(checks: int) -> Lateness:
    """Lateness of programs that promise no instants: how far two hits on a path lie from one interval."""

    def lateness(hits: Sequence[Hit], began: float, ended: float) -> tuple[list[float], float]:
        last: dict[int, float] = {}
        late: list[float] = []
        inside = 0
        for hit in sorted(hits, key=lambda hit: hit.at):
            if hit.number in last:
                late.append(hit.at - last[hit.number] - INTERVAL_SECONDS)
            last[hit.number] = hit.at
            inside += began <= hit.at < ended
        return sorted(late), inside / (checks * (ended - began) / INTERVAL_SECONDS)

    return lateness


def _slot_after(instant: float, offset: float) -> int:
    """The first slot that does not lie before an instant."""
    return -int(-(instant - offset) // INTERVAL_SECONDS)


def _slot_of(instant: float, offset: float) -> tuple[int, float]:
    """The slot that a hit belongs to, and how many seconds after it the hit came."""
    slot = int((instant + EARLY_SECONDS - offset) // INTERVAL_SECONDS)
    return slot, instant - offset - slot * INTERVAL_SECONDS


def _machine() -> float:
    return accounting.machine_cpu_seconds()
