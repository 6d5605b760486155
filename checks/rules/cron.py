"""
Cron expressions on a zone's wall clock, with both clock changes of the year handled.

Reading an expression and deciding whether it names a day is `cronsim`'s work. What to do when
clocks change is decided here, because `cronsim` moves a fixed time that falls into a gap to the
gap's end (a herd, and out of order), and steps over half-hour changes:

- **Fixed times** (``30 2 * * *``, ``0 */6 * * *``: coarser than an hour). Inside a gap: once, at
  the same instant as under the old offset, so that 02:30 runs when the clock shows 03:30. Instants
  that become equal by that are one slot. In a doubled hour: once, at the first.
- **Steps and wildcards of an hour or finer** (``*/15 * * * *``, ``5 * * * *``, ``* 2 * * *``) go on
  in real time: whenever the clock on the wall matches, twice in a doubled hour, never in a gap.

Instants and wall clocks are whole seconds from the Unix epoch in here; a wall clock is an instant
plus its offset. Spans are half open, ``(after, until]``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from functools import lru_cache
from math import floor
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from checks.errors import InvalidInput, Problem

MAX_EXPRESSION_LENGTH = 200

_DAY = 86_400
_WEEK = 7 * _DAY
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# The rarest day there is, a 29 February that is a Monday, comes at most 40 years after the last.
_HORIZON = 60 * 366 * _DAY
_YEAR_2020 = 1_577_836_800

_FIELDS = {
    "minute": "0-59",
    "hour": "0-23",
    "day-of-month": "1-31, L (last) or LW (last weekday)",
    "month": "1-12 or JAN-DEC",
    "day-of-week": "0-7 (0 and 7 are Sunday) or SUN-SAT",
}
# Names that stand for another zone on every machine.
_OF_THE_MACHINE = {"localtime", "posixrules"}
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Cron:
    """
    A five-field cron expression, read on the wall clock of an IANA zone. Make one by `parse_cron`.
    """

    expression: str
    zone: str = "UTC"


def parse_cron(expression: str, zone: str = "UTC") -> Cron:
    """
    Check an expression and a zone.

    Raises:
        InvalidInput: With problems at ``cron`` and ``timezone``: not five fields, a value out of
            range, a day that never comes (30 February), a zone that is not known.
    """
    cron = Cron(" ".join(expression.split()), zone)
    problems: list[Problem] = []
    for check in (lambda: _calendar(cron.expression), lambda: _zone(cron.zone)):
        try:
            check()
        except InvalidInput as error:
            problems.extend(error.problems)
    if problems:
        raise InvalidInput(problems)
    return cron


def next_slot(cron: Cron, after: datetime) -> datetime:
    """The first slot strictly after an instant, in UTC."""
    calendar, start = _calendar(cron.expression), floor(after.timestamp())
    for stretch in _stretches(_zone(cron.zone), start, start + _HORIZON, fixed=calendar.fixed):
        if (slot := stretch.first(calendar)) is not None:
            return datetime.fromtimestamp(slot, UTC)
    raise InvalidInput(_never(cron.expression))


def slots_between(cron: Cron, after: datetime, until: datetime) -> tuple[int, datetime | None]:
    """How many slots the span holds, and the newest."""
    calendar, start, end = _calendar(cron.expression), floor(after.timestamp()), floor(until.timestamp())
    total, newest = 0, None
    for stretch in _stretches(_zone(cron.zone), start, end, fixed=calendar.fixed):
        if count := stretch.count(calendar):
            total, newest = total + count, stretch.last(calendar)
    return total, None if newest is None else datetime.fromtimestamp(newest, UTC)


class _Calendar:
    """
    An expression's days and its minutes of the day, on a wall clock that nobody changes.

    Attributes:
        minutes: The minutes of a day, counted from midnight, sorted.
        fixed: Whether these are fixed times, or a step or wildcard of an hour or finer.
    """

    __slots__ = ("_cronsim", "fixed", "minutes")

    def __init__(self, cronsim: CronSim, minute_field: str) -> None:
        self._cronsim = cronsim
        self.minutes = [
            hour * 60 + minute for hour in sorted(cronsim.hours) for minute in sorted(cronsim.minutes)
        ]
        stepped = len(cronsim.minutes) > 1 and ("*" in minute_field or "/" in minute_field)
        self.fixed = not (stepped or len(cronsim.minutes) == 60 or len(cronsim.hours) == 24)

    def _names(self, day: int) -> bool:
        that = date.fromordinal(_EPOCH_ORDINAL + day)
        return that.month in self._cronsim.months and self._cronsim.match_day(that)

    def first(self, after: int, until: int) -> int | None:
        for day in range(after // _DAY, until // _DAY + 1):
            index = bisect_right(self.minutes, (after - day * _DAY) // 60)
            if index < len(self.minutes) and self._names(day):
                wall = day * _DAY + self.minutes[index] * 60
                return wall if wall <= until else None
        return None

    def last(self, after: int, until: int) -> int | None:
        for day in range(until // _DAY, after // _DAY - 1, -1):
            index = bisect_right(self.minutes, (until - day * _DAY) // 60)
            if index and self._names(day):
                wall = day * _DAY + self.minutes[index - 1] * 60
                return wall if wall > after else None
        return None

    def count(self, after: int, until: int) -> int:
        total = 0
        for day in range(after // _DAY, until // _DAY + 1):
            if self._names(day):
                high = bisect_right(self.minutes, (until - day * _DAY) // 60)
                total += high - bisect_right(self.minutes, (after - day * _DAY) // 60)
        return total


class _Stretch(NamedTuple):
    """
    A span of time in which walls translate to instants by the same offsets.

    There is one offset as a rule; none where a doubled hour is not to run again; two where what
    fell into a gap runs between what the new clock names.
    """

    after: int
    until: int
    offsets: tuple[int, ...]

    def first(self, calendar: _Calendar) -> int | None:
        found = [
            wall - offset
            for offset in self.offsets
            if (wall := calendar.first(self.after + offset, self.until + offset)) is not None
        ]
        return min(found, default=None)

    def last(self, calendar: _Calendar) -> int | None:
        found = [
            wall - offset
            for offset in self.offsets
            if (wall := calendar.last(self.after + offset, self.until + offset)) is not None
        ]
        return max(found, default=None)

    def count(self, calendar: _Calendar) -> int:
        if len(self.offsets) == 1:
            offset = self.offsets[0]
            return calendar.count(self.after + offset, self.until + offset)
        total, rest = 0, self
        while (slot := rest.first(calendar)) is not None:
            total, rest = total + 1, rest._replace(after=slot)
        return total


def _stretches(zone: ZoneInfo, after: int, until: int, *, fixed: bool) -> Iterator[_Stretch]:
    """
    Cut a span at its clock changes, lazily.

    Offsets are compared a week apart: no zone changes its clock twice within four weeks. For fixed
    times a change of the last day still matters, because what it moved may lie ahead.
    """
    seen = after - _DAY if fixed else after
    offset = _offset(zone, seen)
    while after < until:
        ahead = min(seen + _WEEK, until)
        if (new := _offset(zone, ahead)) == offset:
            if ahead > after:
                yield _Stretch(after, ahead, (offset,))
            after, seen = max(after, ahead), ahead
            continue
        before = _last_with(zone, offset, seen, ahead)
        if before > after:
            yield _Stretch(after, before, (offset,))
            after = before
        settled = min(before + abs(new - offset), until)
        if fixed and settled > after:
            yield _Stretch(after, settled, (new, offset) if new > offset else ())
            after = settled
        seen, offset = max(before + 1, after), new


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _last_with(zone: ZoneInfo, offset: int, low: int, high: int) -> int:
    """The last second that has this offset, which `low` has and `high` has not."""
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return low


@lru_cache(maxsize=4096)
def _calendar(expression: str) -> _Calendar:
    fields = expression.split()
    if expression.lower() in _NICKNAMES:
        raise _refused(f"{expression} is not supported; write {_NICKNAMES[expression.lower()]!r}")
    if len(expression) > MAX_EXPRESSION_LENGTH:
        raise _refused(f"a cron expression has at most {MAX_EXPRESSION_LENGTH} characters")
    if len(fields) != len(_FIELDS):
        raise _refused(
            f"{expression!r} has {len(fields)} fields; a cron expression has five: {', '.join(_FIELDS)}, "
            "as in '30 2 * * *'"
        )
    try:
        cronsim = CronSim(expression, datetime(1970, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise _refused(_explain(str(error), dict(zip(_FIELDS, fields, strict=True)), expression)) from error
    calendar = _Calendar(cronsim, fields[0])
    if calendar.first(_YEAR_2020, _YEAR_2020 + _HORIZON) is None:
        raise InvalidInput(_never(expression))
    return calendar


def _explain(error: str, fields: dict[str, str], expression: str) -> str:
    """`cronsim` says ``Bad hour``; say what stands there and what could."""
    name = error.removeprefix("Bad ")
    if (
        name == "day-of-month"
        and fields["day-of-month"].isdecimal()
        and 1 <= int(fields["day-of-month"]) <= 31
    ):
        return _never(expression).message
    return (
        f"{expression!r}: {fields.get(name, '')!r} cannot be the {name}; "
        f"expected {_FIELDS.get(name, 'another')}, a list (1,2), a range (1-5), a step (*/2) or *"
    )


def _never(expression: str) -> Problem:
    return Problem("cron", f"{expression!r} never fires: no such day exists; choose a day that comes")


def _refused(message: str) -> InvalidInput:
    return InvalidInput(Problem("cron", message))


def _zone(name: str) -> ZoneInfo:
    # A missing key, a path that leaves the database, a folder and a name too long for the file
    # system each raise something else.
    try:
        zone = None if name in _OF_THE_MACHINE else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        zone = None
    if zone is None:
        close = get_close_matches(name[:100], available_timezones() - _OF_THE_MACHINE, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "expected an IANA name such as 'Europe/Berlin'"
        raise InvalidInput(Problem("timezone", f"unknown zone {name[:100]!r}; {hint}"))
    return zone
