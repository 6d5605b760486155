"""
A check's recent slots as one short text, newest last: cheap to keep, cheap to draw.

A letter per slot says what became of it; a gap stands for a slot that was not measured at all.
"""

from __future__ import annotations

from checks.rules.outcome import Verdict

LENGTH = 60
GAP = "-"
LETTERS = {
    Verdict.UP: "u",
    Verdict.DEGRADED: "g",
    Verdict.DOWN: "d",
    Verdict.BLOCKED: "b",
    Verdict.SKIPPED: "s",
    Verdict.UNKNOWN: "n",
}


def extended(strip: str, verdict: Verdict) -> str:
    """The strip after one more result."""
    return (strip + LETTERS[verdict])[-LENGTH:]


def gapped(strip: str, slots: int) -> str:
    """The strip after `slots` that nobody measured."""
    return (strip + GAP * min(slots, LENGTH))[-LENGTH:]
