"""CPU and memory of whole process trees, as the kernel accounts them (Linux, /proc)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/<pid>/stat. `cpu_seconds` counts children that have ended and been waited for."""

    pid: int
    parent: int
    cpu_seconds: float


def processes() -> Iterator[Process]:
    for entry in os.listdir(PROC):  # noqa: PTH208  numbers are wanted, not paths
        if entry.isdigit() and (found := process(int(entry))) is not None:
            yield found


def process(pid: int) -> Process | None:
    """None when it has ended meanwhile."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in brackets and may hold anything, so count from the last one.
    fields = stat.rpartition(")")[2].split()
    try:
        own = time.clock_gettime(_cpu_clock(pid))
    except OSError:
        return None
    of_ended_children = sum(int(field) for field in fields[13:15])  # user and system, in ticks
    return Process(pid, int(fields[1]), own + of_ended_children / TICKS_PER_SECOND)


def _cpu_clock(pid: int) -> int:
    """
    The clock that runs while any thread of a process does, user and system, to the nanosecond.

    /proc/<pid>/stat has the same in ticks of 10 ms, too coarse for a window of half a second's work.
    """
    return ~pid << 3 | 2  # as clock_getcpuclockid(3) makes it


def tree(roots: Iterable[int]) -> list[Process]:
    """These processes and all their living descendants."""
    every = {each.pid: each for each in processes()}
    children: dict[int, list[int]] = {}
    for each in every.values():
        children.setdefault(each.parent, []).append(each.pid)
    found: dict[int, Process] = {}
    waiting = [pid for pid in roots if pid in every]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found[pid] = every[pid]
            waiting += children.get(pid, [])
    return list(found.values())


def children() -> set[int]:
    """What this process has started, directly or not."""
    return {each.pid for each in tree([os.getpid()])} - {os.getpid()}


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees since they began."""
    return sum(each.cpu_seconds for each in tree(roots))


def memory_mib(roots: Iterable[int]) -> float:
    """Proportional set size of the trees: what is shared counts once among those who share it."""
    return sum(_pss_kib(each.pid) for each in tree(roots)) / KIB_PER_MIB


def machine_cpu_seconds() -> float:
    """Time that all cores together were busy since the machine began."""
    line = (PROC / "stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, _idle, _waiting, irq, soft_irq, *_ = (int(field) for field in line.split()[1:])
    return (user + nice + system + irq + soft_irq) / TICKS_PER_SECOND


def _pss_kib(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0  # ended, or a kernel thread's
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
