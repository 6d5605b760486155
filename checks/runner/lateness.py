"""How late probes begin: a short memory, for the metric and the ready probe."""

from __future__ import annotations

from collections import deque


class Lateness:
    """The last 2,000 starts' delays in milliseconds."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=2000)

    def add(self, late_ms: float) -> None:
        self._recent.append(late_ms)

    def quantile(self, q: float) -> float | None:
        """The delay that the share `q` of recent starts stayed within; None before the first."""
        if not self._recent:
            return None
        ordered = sorted(self._recent)
        return ordered[min(len(ordered) - 1, int(q * len(ordered)))]
