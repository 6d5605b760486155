"""
Rollups and forgetting: raw results are summed by minute, minutes by hour, hours by day.

A span is summed once it is closed; what arrives later (after an outage of the database, say) is
added by commands.late_results. Each span is its own short transaction, and a run that is killed
goes on where it stopped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from checks.commands.actor import Actor
from checks.models import Check, Checkpoint, Event, Result, Rollup, bulk, partitions, rollup_rows
from checks.models.clock import database_now
from checks.rules import rollup
from checks.rules.outcome import Verdict

CLOSED_AFTER = {
    Rollup.MINUTE: timedelta(seconds=130),
    Rollup.HOUR: timedelta(minutes=5),
    Rollup.DAY: timedelta(minutes=10),
}
"""How long after its end a span is summed: a minute's last probe may take two minutes to answer."""
NAMES = {Rollup.MINUTE: "rollup-minute", Rollup.HOUR: "rollup-hour", Rollup.DAY: "rollup-day"}
FINER = {Rollup.HOUR: Rollup.MINUTE, Rollup.DAY: Rollup.HOUR}
AT_A_TIME = {Rollup.MINUTE: 1440, Rollup.HOUR: 240, Rollup.DAY: 60}
"""Spans summed by one run at the most; the next run goes on. After an outage pages wait for these sums."""
KEPT_UNSUMMED = timedelta(days=30)
"""Beyond its retention a row waits this long for its sum."""
SLICE = 2000
"""Rows forgotten in one transaction."""
PARTITIONS_AHEAD = 2

SLOTS_WITHOUT_RESULT = ("SlotsMissed", "SlotOverrun", "SlotLost")


@dataclass(frozen=True, slots=True)
class RollUp:
    """Sum every span that has closed since the last run."""


@dataclass(frozen=True, slots=True)
class ForgetOld:
    """Remove results and rollups that are older than their retention."""


def roll_up(command: RollUp, actor: Actor) -> int:
    """Return how many spans were summed."""
    now = database_now()
    done = 0
    for span in (Rollup.MINUTE, Rollup.HOUR, Rollup.DAY):
        for start in _open_spans(span, now):
            with transaction.atomic():
                if (rolled_until(span, locked=True) or start) > start:
                    break  # another worker was here first
                sums = _minute(start) if span == Rollup.MINUTE else _from_finer(span, start)
                save(span, start, sums)
                Checkpoint.objects.update_or_create(
                    name=NAMES[span], defaults={"reached": start + timedelta(minutes=span)}
                )
            done += 1
    return done


def save(span: int, start: datetime, sums: dict[int, rollup.Rollup]) -> None:
    """Write the sums of one span, by check id; rows that exist are overwritten."""
    bulk.upsert(
        Rollup,
        rollup_rows.KEY,
        rollup_rows.COLUMNS,
        ((check_id, span, start, *rollup_rows.to_row(value)) for check_id, value in sums.items()),
    )


def rolled_until(span: int, *, locked: bool = False) -> datetime | None:
    """
    The end of the newest summed span; None before the first.

    Args:
        locked: Keep others from summing, or adding to sums, until the transaction ends.
    """
    checkpoints = Checkpoint.objects.filter(name=NAMES[span])
    if locked:
        checkpoints = checkpoints.select_for_update()
    return checkpoints.values_list("reached", flat=True).first()


def _open_spans(span: int, now: datetime) -> Iterator[datetime]:
    length = timedelta(minutes=span)
    start = rolled_until(span) or _first(span)
    closed_until = now - CLOSED_AFTER[span]
    if span in FINER:
        # After an outage the finer sums have a backlog, and a sum over half of them would be wrong.
        closed_until = min(closed_until, rolled_until(FINER[span]) or closed_until)
    for _ in range(AT_A_TIME[span]):
        if start is None or start + length > closed_until:
            return
        yield start
        start += length


def _first(span: int) -> datetime | None:
    """Where summing begins on a new installation."""
    if span == Rollup.MINUTE:
        oldest = Result.objects.aggregate(oldest=Min("slot"))["oldest"]
        return rollup.floor_minute(oldest) if oldest is not None else None
    oldest = Rollup.objects.filter(span_minutes=FINER[span]).aggregate(oldest=Min("start"))["oldest"]
    if oldest is None:
        return None
    return rollup.floor_hour(oldest) if span == Rollup.HOUR else rollup.floor_day(oldest)


def _minute(start: datetime) -> dict[int, rollup.Rollup]:
    samples: defaultdict[int, list[rollup.Sample]] = defaultdict(list)
    for check_id, verdict, latency_ms, detail in _results(start, start + timedelta(minutes=1)):
        samples[check_id].append(rollup.Sample(Verdict(verdict), latency_ms, detail.get("phases", {})))
    sums = {check_id: rollup.of(some) for check_id, some in samples.items()}
    for check_id, count in _slots_without_result(start, start + timedelta(minutes=1)).items():
        gaps = rollup.Rollup(missed=count)
        sums[check_id] = rollup.merge(sums[check_id], gaps) if check_id in sums else gaps
    return sums


def _results(
    start: datetime, end: datetime
) -> Iterable[tuple[int, str, float | None, dict[str, dict[str, float]]]]:
    # Through the checks, so that the key of the results, which begins with the check, is of use.
    ids = list(Check.objects.order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(ids), 500):
        yield from Result.objects.filter(
            check_id__in=ids[first : first + 500], slot__gte=start, slot__lt=end
        ).values_list("check_id", "verdict", "latency_ms", "detail")


def _slots_without_result(start: datetime, end: datetime) -> dict[int, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    events = Event.objects.filter(recorded_at__gte=start, recorded_at__lt=end, type__in=SLOTS_WITHOUT_RESULT)
    for stream, data in events.values_list("stream", "data"):
        counts[stream.removeprefix("check-")] += data.get("count", 1)
    ids = dict(Check.objects.filter(slug__in=counts).values_list("slug", "pk"))
    return {ids[slug]: count for slug, count in counts.items() if slug in ids}


def _from_finer(span: int, start: datetime) -> dict[int, rollup.Rollup]:
    rows = Rollup.objects.filter(
        span_minutes=FINER[span], start__gte=start, start__lt=start + timedelta(minutes=span)
    ).values_list("check_id", *rollup_rows.COLUMNS)
    sums: dict[int, rollup.Rollup] = {}
    for check_id, *columns in rows.iterator():
        value = rollup_rows.from_row(columns)
        sums[check_id] = rollup.merge(sums[check_id], value) if check_id in sums else value
    return sums


def forget_old(command: ForgetOld, actor: Actor) -> int:
    """Return how many rows (on PostgreSQL: rows and partitions) were removed."""
    now = database_now()
    removed = _forget_results(now)
    retention = {
        Rollup.MINUTE: (settings.MINUTE_RETENTION, Rollup.HOUR),
        Rollup.HOUR: (settings.HOUR_RETENTION, Rollup.DAY),
        Rollup.DAY: (settings.DAY_RETENTION, None),
    }
    for span, (age, coarser) in retention.items():
        until = _until(now, age, coarser)
        removed += _in_slices(Rollup._meta.db_table, "span_minutes = %s AND start < %s", [span, until])
    return removed


def _until(now: datetime, age: timedelta, coarser: int | None) -> datetime:
    """
    Before which instant there is nothing worth keeping.

    After an outage that was longer than the retention the newest rows are old, and not summed yet: those
    wait for their sum, but not for ever.
    """
    old = now - age
    summed = rolled_until(coarser) if coarser is not None else None
    return old if summed is None else min(old, max(summed, old - KEPT_UNSUMMED))


def _forget_results(now: datetime) -> int:
    until = _until(now, settings.RESULT_RETENTION, Rollup.MINUTE)
    if connection.vendor != "postgresql":
        ids = Check.objects.values_list("pk", flat=True)
        stored = Result._meta.db_table
        return sum(_in_slices(stored, "check_id = %s AND slot < %s", [check_id, until]) for check_id in ids)
    today = now.astimezone(UTC).date()
    days = partitions.days(connection)
    for ahead in range(PARTITIONS_AHEAD + 1):
        if (day := today + timedelta(days=ahead)) not in days:
            partitions.add_day(connection, day)
    old = [day for day in days if day < until.date()]
    for day in old:
        partitions.drop_day(connection, day)
    return len(old) + _in_slices(partitions.DEFAULT, "slot < %s", [until])


def _in_slices(table: str, condition: str, values: list[int | datetime]) -> int:
    """Delete in short transactions, so that no probe's result waits for the write lock."""
    row = "ctid" if connection.vendor == "postgresql" else "rowid"
    sql = f"DELETE FROM {table} WHERE {row} IN (SELECT {row} FROM {table} WHERE {condition} LIMIT {SLICE})"  # noqa: S608
    # As it is stored: SQLite compares texts, and an offset behind makes an instant later than itself.
    stored = [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in values
    ]
    removed = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, stored)
            count: int = cursor.rowcount
        removed += count
        if count < SLICE:
            return removed
