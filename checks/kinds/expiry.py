"""Kinds that watch for an end to come, and warn some days before."""

from __future__ import annotations

from datetime import timedelta

from checks.rules.outcome import Verdict


def check_order(degraded_days: int, down_days: int) -> None:
    """Raises ValueError when the warning would come after the alarm."""
    if degraded_days < down_days:
        raise ValueError(f"degraded_days ({degraded_days}) is below down_days ({down_days}): raise it")


def verdict_by_days(
    left: timedelta, *, degraded_days: int, down_days: int, usual: tuple[int, int]
) -> tuple[Verdict, bool]:
    """
    What is left until the end as a verdict, and whether it comes from one of the `usual` limits.

    Args:
        usual: The kind's defaults for both limits; a condition of the check's own replaces those.
    """
    if left < timedelta(days=down_days) or left <= timedelta(0):
        return Verdict.DOWN, down_days == usual[1]
    if left < timedelta(days=degraded_days):
        return Verdict.DEGRADED, degraded_days == usual[0]
    return Verdict.UP, False
