"""The bench's own instruments: figures are worth as much as what they are read with."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.bench import accounting
from tests.bench.measure import against_instants, against_interval
from tests.bench.processes import ended
from tests.bench.target import FLUSH_SECONDS, Hit, running_target

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"""import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
print("done", flush=True)
input()
"""


def test_cpu_seconds__child_has_ended__counts_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with ended(process):
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        assert accounting.cpu_seconds([process.pid]) >= 0.29
        assert process.stdin is not None
        process.stdin.close()


def test_cpu_seconds__own_process__agrees_with_its_own_clock() -> None:
    before = time.process_time()
    counted = next(each.cpu_seconds for each in accounting.tree([os.getpid()]) if each.pid == os.getpid())
    children = sum(os.times()[2:4])
    assert counted - children == pytest.approx(before, abs=0.05)


def test_against_instants__a_late_and_a_missing_run__are_told_apart() -> None:
    offsets = {0: 1.0, 1: 4.0, 2: 9.95}
    hits = [Hit(1001.002, 0), Hit(1004.5, 1), Hit(1010.0, 2), Hit(1011.001, 0), Hit(1019.95, 2)]

    late, kept = against_instants(offsets)(hits, 1000.0, 1020.0)

    assert late == pytest.approx([0.0, 0.001, 0.002, 0.05, 0.5])
    assert kept == pytest.approx(5 / 6)  # the second run of check 1 never came


def test_against_instants__more_than_a_second_late__is_not_kept() -> None:
    late, kept = against_instants({0: 1.0})([Hit(1002.5, 0)], 1000.0, 1010.0)
    assert (late, kept) == ([], 0.0)


def test_against_interval__tells_how_far_two_runs_lie_from_ten_seconds() -> None:
    late, kept = against_interval(1)([Hit(1000.0, 0), Hit(1010.5, 0)], 1000.0, 1020.0)
    assert late == pytest.approx([0.5])
    assert kept == 1.0


def test_target__notes_each_request(tmp_path: Path) -> None:
    with running_target(tmp_path) as target:
        for number in (7, 8):
            with urllib.request.urlopen(target.url(number)) as answer:
                assert answer.read() == b'{"status":"ok"}'
        deadline = time.monotonic() + 20 * FLUSH_SECONDS
        while len(hits := target.hits(0, time.time())) < 2 and time.monotonic() < deadline:
            time.sleep(FLUSH_SECONDS / 4)
    assert [hit.number for hit in hits] == [7, 8]
