"""Limits on memory and disk: ``80%``, ``512MiB``, or bytes as a number."""

from __future__ import annotations

import re
from dataclasses import dataclass

from checks.rules.outcome import Outcome

UNITS = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
_WRITTEN = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,3})?) ?(%|[KMGT]i?B|B)", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """
    Attributes:
        amount: Percent of the whole, or bytes.
    """

    amount: float
    is_percent: bool

    def reached(self, used_bytes: int, whole_bytes: int) -> bool:
        return used_bytes >= self.in_bytes(whole_bytes)

    def in_bytes(self, whole_bytes: int) -> float:
        return whole_bytes * self.amount / 100 if self.is_percent else self.amount

    def __str__(self) -> str:
        return f"{self.amount:g} %" if self.is_percent else shown_bytes(self.amount)


def parse_limit(written: object) -> Limit:
    """Raises ValueError saying what would be right."""
    if isinstance(written, int) and not isinstance(written, bool):
        limit = Limit(written, is_percent=False)
    elif isinstance(written, str) and (match := _WRITTEN.fullmatch(written.strip())):
        unit = match[2].upper()
        limit = Limit(float(match[1]) * UNITS.get(unit, 1), is_percent=unit == "%")
    else:
        raise ValueError('must be percent such as "80%", a size such as "512MiB", or bytes as a number')
    if limit.amount <= 0 or (limit.is_percent and limit.amount > 100) or limit.amount > 2**60:
        raise ValueError("must be above 0, and not above 100% or 2^60 bytes")
    return limit


def judge_usage(
    whose: str, used_bytes: int, whole_bytes: int, limit: int | str, degraded_limit: int | str
) -> Outcome:
    """Down from `limit` on, degraded from `degraded_limit` on (empty for none), up below both."""
    percent = 100 * used_bytes / whole_bytes if whole_bytes else 0.0
    sentence = f"{whose} uses {shown_bytes(used_bytes)} ({percent:.1f} % of {shown_bytes(whole_bytes)})"
    if (down_at := parse_limit(limit)).reached(used_bytes, whole_bytes):
        return Outcome.down(f"{sentence}; the limit is {down_at}")
    degraded_at = parse_limit(degraded_limit) if degraded_limit != "" else None
    if degraded_at is not None and degraded_at.reached(used_bytes, whole_bytes):
        return Outcome.degraded(f"{sentence}; degraded from {degraded_at}")
    return Outcome.up(sentence)


def shown_bytes(amount: float) -> str:
    """A size for people, in binary units: ``1.5 GiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.4g} {unit}"
        amount /= 1024
    return f"{amount:.4g} TiB"
