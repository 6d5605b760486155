"""
All checks at a glance, wrong ones first, in at most five queries whatever their number.

One light query ranks every check; only the rows of the wanted page are then read in full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from checks.models import CheckState, StatusPage, WorkerSign
from checks.queries.facts import CheckFacts, Version, facts_of
from checks.queries.health import BEAT
from checks.queries.log import head
from checks.queries.status import interval_of
from checks.rules.freshness import beat_is_silent, is_stale
from checks.rules.status import SEVERITY, Status, worst

PAGE_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """
    What to show; an empty field asks for everything.

    Attributes:
        text: Words that must all occur in name, slug, group, tags or target; case is ignored.
        status: A status, or ``paused``.
    """

    text: str = ""
    status: str = ""
    group: str = ""
    tag: str = ""

    def __bool__(self) -> bool:
        return any((self.text, self.status, self.group, self.tag))


NO_FILTERS = Filters()


@dataclass(frozen=True, slots=True)
class CheckRow:
    """
    One check as lists show it.

    Attributes:
        since: When it took its status.
        latency_ms: Of the last probe; None when nothing answered.
        next_run_at: The next slot; None while paused.
        running_slot: The slot that is being probed right now.
        strip: One letter per recent slot, newest last; see `checks.rules.strip`.
        stale: The status is too old to speak about the present.
    """

    facts: CheckFacts
    status: str
    paused: bool
    stale: bool
    since: datetime
    last_run_at: datetime | None
    next_run_at: datetime | None
    running_slot: datetime | None
    latency_ms: float | None
    output: str
    strip: str


@dataclass(frozen=True, slots=True)
class Section:
    """
    Attributes:
        group: The group's name; empty for checks without one.
        wrong: How many of the group's checks stand among those that need attention instead.
        total: How many match the filters in all, those on other pages included.
    """

    group: str
    rows: tuple[CheckRow, ...]
    total: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Overview:
    """
    Attributes:
        position: The log's position when reading began: rows are at least as new.
        status: The worst of all checks, whatever the filters.
        counts: All checks by status, and ``total`` and ``paused``.
        matching: How many match the filters.
        attention: Those that match and are wrong, worst first; every other in its section.
        beat_silent: Nothing is being run at present.
    """

    position: int
    status: str
    counts: Mapping[str, int]
    matching: int
    attention: tuple[CheckRow, ...]
    attention_total: int
    sections: tuple[Section, ...]
    page: int
    pages: int
    groups: tuple[str, ...]
    tags: tuple[str, ...]
    beat_silent: bool
    generated_at: datetime
    status_pages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Standing:
    facts: CheckFacts
    status: str
    paused: bool
    measured: bool

    @property
    def wrong(self) -> bool:
        """A check that has never run is not wrong, only new."""
        return self.status != Status.UP and (self.measured or self.status != Status.UNKNOWN)


def overview(*, now: datetime, filters: Filters = NO_FILTERS, page: int = 1) -> Overview:
    """
    The wanted page of all checks.

    Args:
        page: Counted from 1; one past the end shows the last.
    """
    position = head()
    beat_silent = beat_is_silent(
        WorkerSign.objects.filter(worker=BEAT).values_list("seen_at", flat=True).first(), now
    )
    standings = _standings()
    matching = [standing for standing in standings if _matches(standing, filters)]
    wrong = sorted((standing for standing in matching if standing.wrong), key=_worst_first)
    calm = sorted((standing for standing in matching if not standing.wrong), key=_by_group)
    ordered = [*wrong, *calm]
    pages = max(1, -(-len(ordered) // PAGE_SIZE))
    page = min(max(page, 1), pages)
    shown = ordered[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    rows = rows_of([standing.facts for standing in shown], now=now, beat_silent=beat_silent)
    return Overview(
        position=position,
        status=worst(Status(standing.status) for standing in standings),
        counts=_counts(standings),
        matching=len(matching),
        attention=tuple(
            rows[standing.facts.check_id]
            for standing in shown
            if standing.wrong and standing.facts.check_id in rows
        ),
        attention_total=len(wrong),
        sections=_sections(shown, matching, rows),
        page=page,
        pages=pages,
        groups=tuple(sorted({standing.facts.group for standing in standings if standing.facts.group})),
        tags=tuple(sorted({tag for standing in standings for tag in standing.facts.tags})),
        beat_silent=beat_silent,
        generated_at=now,
        status_pages=tuple(StatusPage.objects.order_by("title").values_list("slug", "title")),
    )


def counts() -> dict[str, int]:
    """All checks by status, and ``total`` and ``paused``."""
    return _counts(_standings())


def rows_named(slugs: Iterable[str], *, now: datetime) -> dict[str, CheckRow]:
    """The rows of these checks by slug; checks that do not exist (any more) are left out."""
    versions = list(CheckState.objects.filter(check_ref__slug__in=list(slugs)).values_list(*VERSION_COLUMNS))
    rows = rows_of(list(facts_of(versions).values()), now=now, beat_silent=False)
    return {row.facts.slug: row for row in rows.values()}


VERSION_COLUMNS = ("check_ref_id", "check_ref__version", "check_ref__updated_at")
ROW_COLUMNS = (
    "check_ref_id",
    "check_ref__created_at",
    "status",
    "paused",
    "since",
    "last_run_at",
    "next_due_at",
    "leased_slot",
    "last_latency_ms",
    "last_output",
    "strip",
)


def rows_of(facts: Sequence[CheckFacts], *, now: datetime, beat_silent: bool) -> dict[int, CheckRow]:
    """Rows by check id, in one query."""
    by_id = {fact.check_id: fact for fact in facts}
    states = CheckState.objects.filter(pk__in=list(by_id)).values_list(*ROW_COLUMNS) if by_id else ()
    return {state[0]: _row(by_id[state[0]], state, now, beat_silent) for state in states}


def _row(facts: CheckFacts, state: tuple[Any, ...], now: datetime, beat_silent: bool) -> CheckRow:
    (
        _,
        created_at,
        status,
        paused,
        since,
        last_run_at,
        next_due_at,
        running_slot,
        latency_ms,
        output,
        strip,
    ) = state
    return CheckRow(
        facts=facts,
        status=status,
        paused=paused,
        stale=is_stale(
            now=now,
            interval=interval_of(facts.definition),
            last_run_at=last_run_at,
            waiting_since=created_at,
            next_due_at=next_due_at,
            beat_silent=beat_silent,
            paused=paused,
        ),
        since=since,
        last_run_at=last_run_at,
        next_run_at=next_due_at,
        running_slot=running_slot,
        latency_ms=latency_ms,
        output=output,
        strip=strip,
    )


def _standings() -> list[_Standing]:
    columns = (*VERSION_COLUMNS, "status", "paused", "last_run_at")
    found = list(CheckState.objects.values_list(*columns))
    versions: list[Version] = [row[:3] for row in found]
    facts = facts_of(versions)
    return [
        _Standing(facts[check_id], status, paused, last_run_at is not None)
        for check_id, _, _, status, paused, last_run_at in found
        if check_id in facts
    ]


def _matches(standing: _Standing, filters: Filters) -> bool:
    facts = standing.facts
    if filters.status == "paused":
        if not standing.paused:
            return False
    elif filters.status and filters.status != standing.status:
        return False
    if filters.group and facts.group != filters.group:
        return False
    if filters.tag and filters.tag not in facts.tags:
        return False
    if not filters.text:
        return True
    hay = " ".join((facts.name, facts.slug, facts.group, *facts.tags, facts.target, facts.kind)).casefold()
    return all(word in hay for word in filters.text.casefold().split())


def _worst_first(standing: _Standing) -> tuple[bool, int, str, str, str]:
    """A paused failure is still shown as one, after those that are being measured."""
    return (standing.paused, SEVERITY.index(Status(standing.status)), *_by_group(standing)[1:])


def _by_group(standing: _Standing) -> tuple[bool, str, str, str]:
    facts = standing.facts
    return (not facts.group, facts.group.casefold(), facts.name.casefold(), facts.slug)


def _sections(
    shown: Sequence[_Standing], matching: Sequence[_Standing], rows: Mapping[int, CheckRow]
) -> tuple[Section, ...]:
    total = Counter(standing.facts.group for standing in matching)
    wrong = Counter(standing.facts.group for standing in matching if standing.wrong)
    calm = [standing for standing in shown if not standing.wrong]
    return tuple(
        Section(
            group=group,
            rows=tuple(rows[one.facts.check_id] for one in members if one.facts.check_id in rows),
            total=total[group],
            wrong=wrong[group],
        )
        for group, members in groupby(calm, key=lambda standing: standing.facts.group)
    )


def _counts(standings: Sequence[_Standing]) -> dict[str, int]:
    by_status = Counter(standing.status for standing in standings)
    return {
        "total": len(standings),
        **{status: by_status[status] for status in ("up", "degraded", "down", "unknown")},
        "paused": sum(standing.paused for standing in standings),
    }
