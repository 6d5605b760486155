import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.errors import InvalidInput
from checks.rules.schedule import (
    LATE_RUN_LIMIT,
    PHASE_STEP_MS,
    CatchUp,
    Cron,
    Every,
    Slots,
    catch_up,
    next_slot,
    offset_ms,
    parse_cron,
    slots_between,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONES = sorted(available_timezones() - {"localtime", "posixrules"})
TWO_DAYS = timedelta(days=2)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(schedule, after: datetime, until: datetime) -> list[datetime]:
    found, slot = [], next_slot(schedule, after)
    while slot <= until:
        found.append(slot)
        slot = next_slot(schedule, slot)
    return found


def clock(slots_, zone: str) -> list[str]:
    return [slot.astimezone(ZoneInfo(zone)).strftime("%d %H:%M%z") for slot in slots_]


# Grids

grids = st.builds(Every, st.integers(1, 604_800), st.integers(0, 20).map(lambda step: step * PHASE_STEP_MS))
instants = st.timedeltas(timedelta(0), timedelta(days=17.9 * 365)).map(lambda late: utc("2020-01-01") + late)


@pytest.mark.parametrize(
    ("after", "slot"),
    [
        ("2026-06-01T12:00:00", "2026-06-01T12:00:00.250"),
        ("2026-06-01T12:00:00.249999", "2026-06-01T12:00:00.250"),
        ("2026-06-01T12:00:00.250", "2026-06-01T12:00:10.250"),
        ("2026-06-01T12:00:00.250001", "2026-06-01T12:00:10.250"),
        ("1969-12-31T23:59:55", "1970-01-01T00:00:00.250"),
    ],
)
def test_next_slot__on_a_grid__is_the_first_strictly_after(after, slot):
    assert next_slot(Every(10, 250), utc(after)) == utc(slot)


@given(grids, instants)
def test_next_slot__on_any_grid__lies_on_it_and_is_the_nearest(grid, after):
    slot = next_slot(grid, after)
    assert after < slot <= after + timedelta(seconds=grid.seconds)
    milliseconds = (slot - utc("1970-01-01")) / timedelta(milliseconds=1)
    assert milliseconds % (grid.seconds * 1000) == grid.offset_ms % (grid.seconds * 1000)


@given(st.text(), st.integers(1, 604_800))
def test_offset_ms__any_key__is_a_stable_step_inside_the_interval(key, seconds):
    offset = offset_ms(key, timedelta(seconds=seconds))
    assert 0 <= offset < seconds * 1000
    assert offset % PHASE_STEP_MS == 0
    assert offset == offset_ms(key, timedelta(seconds=seconds))


def test_offset_ms__many_keys__spread_over_the_whole_interval():
    offsets = [offset_ms(f"check-{n}", timedelta(seconds=10)) for n in range(1000)]
    assert len(set(offsets)) == 100
    assert max(offsets.count(offset) for offset in set(offsets)) < 25


def test_offset_ms__does_not_change_between_releases():
    """A new hash would move every check's slots at an upgrade."""
    assert offset_ms("python-api", timedelta(seconds=30)) == 2_300


# Cron: what is refused


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("* * * *", "has 4 fields; a cron expression has five"),
        ("0 * * * * *", "has 6 fields"),
        ("", "has 0 fields"),
        ("@daily", r"@daily is not supported; write '0 0 \* \* \*'"),
        ("61 * * * *", r"'61' cannot be the minute; expected 0-59"),
        ("0 24 * * *", "'24' cannot be the hour"),
        ("0 0 * foo *", "'foo' cannot be the month"),
        ("0 0 * * 8", "'8' cannot be the day-of-week"),
        ("*/0 * * * *", "cannot be the minute"),
        ("0 0 32 * *", "'32' cannot be the day-of-month"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6 *", "never fires"),
        ("0 0 */30 2 MON#5", "never fires"),
        ("9" * 5000 + " * * * *", "at most 200 characters"),
        ("٣ * * * *", "cannot be the minute"),
    ],
)
def test_parse_cron__bad_expression__is_refused_with_what_would_be_right(expression, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        parse_cron(expression)
    assert [problem.where for problem in refused.value.problems] == ["cron"]


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berln", "did you mean 'Europe/Berlin'"),
        ("europe/berlin", "did you mean 'Europe/Berlin'"),
        ("America", "unknown zone"),
        ("../etc/passwd", "expected an IANA name"),
        ("/etc/passwd", "expected an IANA name"),
        ("", "expected an IANA name"),
        ("localtime", "unknown zone"),
        ("a" * 5000, "unknown zone"),
        ("\0", "unknown zone"),
        ("\udc80", "unknown zone"),
    ],
)
def test_parse_cron__bad_zone__is_refused_with_what_would_be_right(zone, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        parse_cron("0 0 * * *", zone)
    assert [problem.where for problem in refused.value.problems] == ["timezone"]


def test_parse_cron__expression_and_zone_bad__tells_both():
    with pytest.raises(InvalidInput) as refused:
        parse_cron("x", "y")
    assert [problem.where for problem in refused.value.problems] == ["cron", "timezone"]


@given(st.text(max_size=40), st.text(max_size=20))
def test_parse_cron__any_text__is_accepted_or_refused_but_never_raises_anything_else(expression, zone):
    try:
        cron = parse_cron(expression, zone)
    except InvalidInput:
        return
    assert next_slot(cron, NOON) > NOON


def test_parse_cron__spaces__do_not_matter():
    assert parse_cron("  0  2 * *\t* ", "UTC") == Cron("0 2 * * *", "UTC")


def test_next_slot__rare_day__is_found_decades_ahead():
    assert next_slot(parse_cron("0 0 * 2 MON#5"), NOON) == utc("2044-02-29T00:00")


# Cron: clock changes


@pytest.mark.parametrize(
    ("expression", "zone", "after", "times"),
    [
        # A fixed time in the gap runs at the instant it would have had without the change.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28", ["28 02:30+0100", "29 03:30+0200", "30 02:30+0200"]),
        # It keeps its order among the others, and equal instants are one slot.
        ("30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29 03:30+0200", "30 02:30+0200"]),
        (
            "0,30 2,3 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            ["29 03:00+0200", "29 03:30+0200", "30 02:00+0200"],
        ),
        ("45 2,4 * * *", "Europe/Berlin", "2026-03-28T12:00", ["29 03:45+0200", "29 04:45+0200"]),
        # A doubled fixed time runs once, at the first.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", ["25 02:30+0200", "26 02:30+0100"]),
        ("0,45 2 * * *", "Europe/Berlin", "2026-10-25T00:10", ["25 02:45+0200", "26 02:00+0100"]),
        ("0,45 2 * * *", "Europe/Berlin", "2026-10-25T01:10", ["26 02:00+0100"]),
        # So does a step that is coarser than an hour.
        (
            "0 */2 * * *",
            "Europe/Berlin",
            "2026-03-28T22:30",
            ["29 00:00+0100", "29 03:00+0200", "29 04:00+0200"],
        ),
        (
            "0 */2 * * *",
            "Europe/Berlin",
            "2026-10-24T21:30",
            ["25 00:00+0200", "25 02:00+0200", "25 04:00+0100"],
        ),
        # Steps and wildcards of an hour or finer go on in real time.
        ("30 * * * *", "Europe/Berlin", "2026-03-29T00:00", ["29 01:30+0100", "29 03:30+0200"]),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2026-10-25T00:00",
            ["25 02:30+0200", "25 02:30+0100", "25 03:30+0100"],
        ),
        ("30 0-23 * * *", "Europe/Berlin", "2026-10-25T00:00", ["25 02:30+0200", "25 02:30+0100"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", ["30 02:00+0200", "30 02:30+0200"]),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            ["25 02:00+0200", "25 02:30+0200", "25 02:00+0100", "25 02:30+0100", "26 02:00+0100"],
        ),
        # A midnight that does not exist, and one that is doubled.
        ("0 0 * * *", "America/Havana", "2026-03-07T12:00", ["08 01:00-0400", "09 00:00-0400"]),
        ("30 0 * * *", "America/Havana", "2026-10-31T12:00", ["01 00:30-0400", "02 00:30-0500"]),
        # Half an hour, and three.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00", ["04 02:45+1100", "05 02:15+1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00", ["05 01:45+1100", "06 01:45+1030"]),
        ("*/20 1 * * *", "Australia/Lord_Howe", "2026-04-04T14:35", ["05 01:40+1100", "05 01:40+1030"]),
        ("30 1 * * *", "Antarctica/Casey", "2020-10-03T12:00", ["04 04:30+1100", "05 01:30+1100"]),
    ],
)
def test_next_slot__clock_changes__are_told_apart_by_fixed_times_and_real_time(
    expression, zone, after, times
):
    cron = parse_cron(expression, zone)
    assert clock(itertools.islice(forever(cron, utc(after)), len(times)), zone) == times


def forever(schedule, after: datetime):
    while True:
        yield (after := next_slot(schedule, after))


def model_slots(minutes, hours, zone: str, fixed: bool, start: date, days: int) -> set[datetime]:
    """All slots whose wall clock lies in these days, one wall minute after the other."""
    tz, found = ZoneInfo(zone), set()
    for day, hour, minute in itertools.product(range(days), hours, minutes):
        wall = datetime.combine(start + timedelta(days=day), time(hour, minute))
        for fold in (0,) if fixed else (0, 1):
            instant = wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)
            if fixed or instant.astimezone(tz).replace(tzinfo=None) == wall:
                found.add(instant)
    return found


def clock_changes(zone: str) -> list[datetime]:
    """To the day, from 2020 to 2037: the day before each."""
    tz, days = ZoneInfo(zone), [utc("2020-01-01") + timedelta(days=n) for n in range(18 * 365 + 5)]
    offsets = [day.astimezone(tz).utcoffset() for day in days]
    return [day for day, now, then in zip(days, offsets, offsets[1:], strict=False) if now != then]


@st.composite
def days_around_a_change(draw):
    zone = draw(st.sampled_from(ZONES))
    changes = clock_changes(zone) or [NOON]
    return zone, draw(st.sampled_from(changes))


few_minutes = st.lists(st.sampled_from([0, 1, 15, 29, 30, 31, 45, 59]), min_size=1, max_size=4, unique=True)
few_hours = st.lists(st.integers(0, 23), min_size=1, max_size=23, unique=True)


@settings(max_examples=150)
@given(days_around_a_change(), few_minutes, few_hours, st.booleans())
def test_next_slot__around_any_clock_change__agrees_with_a_model_and_never_doubles(
    place, minutes, hours, fixed
):
    zone, change = place
    if fixed:
        field = ",".join(map(str, minutes))
    else:
        field, minutes = "*/20", [0, 20, 40]
    cron = parse_cron(f"{field} {','.join(map(str, hours))} * * *", zone)
    after, until = change - TWO_DAYS, change + TWO_DAYS
    expected = sorted(
        slot
        for slot in model_slots(minutes, hours, zone, fixed, (after - TWO_DAYS).date(), 9)
        if after < slot <= until
    )
    assert slots(cron, after, until) == expected
    assert slots_between(cron, after, until) == Slots(len(expected), expected[-1] if expected else None)
    middle = expected[len(expected) // 2] if expected else change
    assert slots_between(cron, after, middle).count + slots_between(cron, middle, until).count == len(
        expected
    )


def test_next_slot__daily_spec_in_all_zones_2020_to_2037__runs_once_a_day_at_every_change():
    """02:30 in every zone, on the days around every clock change: one run a day, never two, never none."""
    for zone in ZONES:
        cron, tz = parse_cron("30 2 * * *", zone), ZoneInfo(zone)
        for change in clock_changes(zone):
            run = next_slot(cron, change - TWO_DAYS)
            for _ in range(4):
                after, run = run, next_slot(cron, run)
                assert (run.astimezone(tz).date() - after.astimezone(tz).date()).days == 1, (zone, run)


@settings(max_examples=40)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(
        ["0 0 29 2 *", "15 3 * * MON", "0 12 L * *", "*/7 5 1 * *", "0 0 1 1 *", "5 */6 * * 1-5"]
    ),
    instants,
)
def test_next_slot__any_schedule__is_strictly_monotone_and_skips_nothing(zone, expression, after):
    cron = parse_cron(expression, zone)
    first = next_slot(cron, after)
    second = next_slot(cron, first)
    assert after < first < second
    assert slots_between(cron, after, second) == Slots(2, second)
    assert slots_between(cron, first, second - timedelta(microseconds=1)) == Slots(0, None)


# Missed runs


def test_catch_up__on_time__runs_and_misses_nothing():
    assert catch_up(Every(60), NOON, NOON) == CatchUp(NOON, 0, None, None, NOON + timedelta(minutes=1))


def test_catch_up__not_due_yet__does_nothing():
    assert catch_up(Every(60), NOON, NOON - timedelta(seconds=1)) == CatchUp(None, 0, None, None, NOON)


def test_catch_up__after_an_outage__runs_the_newest_slot_once_and_counts_the_rest():
    now = NOON + timedelta(hours=1, seconds=30)
    assert catch_up(Every(60), NOON, now) == CatchUp(
        run=NOON + timedelta(hours=1),
        missed=60,
        first_missed=NOON,
        last_missed=NOON + timedelta(minutes=59),
        next_due=NOON + timedelta(hours=1, minutes=1),
    )


def test_catch_up__newest_slot_too_old__runs_nothing():
    now = NOON + timedelta(hours=3, minutes=5)
    assert catch_up(Every(3600), NOON, now) == CatchUp(
        run=None,
        missed=4,
        first_missed=NOON,
        last_missed=NOON + timedelta(hours=3),
        next_due=NOON + timedelta(hours=4),
    )


def test_catch_up__cron_after_a_month__counts_every_slot():
    cron, now = parse_cron("* * * * *", "Europe/Berlin"), NOON + timedelta(days=30, seconds=1)
    late = catch_up(cron, NOON, now)
    assert (late.run, late.missed) == (NOON + timedelta(days=30), 30 * 1440)
    assert late.last_missed == NOON + timedelta(days=30, minutes=-1)


schedules = st.one_of(
    grids,
    st.builds(
        parse_cron,
        st.sampled_from(["*/5 * * * *", "30 2 * * *", "0 */6 * * *", "0,7 1-4 * * *"]),
        st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"]),
    ),
)


@settings(max_examples=200)
@given(schedules, instants, st.timedeltas(timedelta(0), timedelta(days=3)))
def test_catch_up__any_lateness__accounts_for_every_slot_and_runs_at_most_one(schedule, start, late):
    due_at = next_slot(schedule, start)
    now = due_at + late
    plan = catch_up(schedule, due_at, now)
    due = 1 + slots_between(schedule, due_at, now).count
    assert plan.missed + (plan.run is not None) == due
    assert plan.next_due == next_slot(schedule, now)
    if plan.run is not None:
        assert now - plan.run < min(plan.next_due - plan.run, LATE_RUN_LIMIT)
    if plan.missed:
        assert plan.first_missed == due_at
        assert slots_between(schedule, due_at, plan.last_missed).count == plan.missed - 1
    if plan.run and plan.last_missed:
        assert next_slot(schedule, plan.last_missed) == plan.run


def test_catch_up__schedule_changed_since__counts_the_old_slot_too():
    due_at = NOON + timedelta(seconds=17)
    plan = catch_up(Every(60), due_at, NOON + timedelta(seconds=70))
    assert (plan.run, plan.missed) == (NOON + timedelta(seconds=60), 1)
    assert plan.first_missed == plan.last_missed == due_at


def test_slots_between__limit__caps_the_count_but_not_the_newest():
    assert slots_between(Every(1), NOON, NOON + timedelta(hours=1), limit=100) == Slots(
        100, NOON + timedelta(hours=1)
    )
    assert slots_between(Every(60), NOON, NOON) == Slots(0, None)
    assert slots_between(Every(60), NOON, NOON - timedelta(hours=1)) == Slots(0, None)
