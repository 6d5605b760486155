"""Which HTTP status codes count as expected: ``200``, ``"204"``, ``"2xx"``, ``"200-299"``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WRITTEN = re.compile(
    r"(?P<hundred>[1-5])xx|(?P<first>[1-5][0-9]{2})(?: ?- ?(?P<last>[1-5][0-9]{2}))?", re.ASCII
)


def parse_status(written: object) -> range:
    """Raises ValueError saying what would be right."""
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written)
    match = _WRITTEN.fullmatch(written.lower()) if isinstance(written, str) else None
    if match is None:
        raise ValueError('must be a code from 100 to 599, or text such as "2xx" or "200-299"')
    if match["hundred"]:
        first = int(match["hundred"]) * 100
        return range(first, first + 100)
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if last < first:
        raise ValueError(f"{written!r} begins above its end; write {last}-{first}")
    return range(first, last + 1)


def shown_status(codes: range) -> str:
    return str(codes.start) if len(codes) == 1 else f"{codes.start}-{codes.stop - 1}"


def is_expected(status: int, expected: Iterable[range]) -> bool:
    return any(status in codes for codes in expected)
