"""
Checks with a past, made quickly and the same every time.

`fill()` writes rows as the engine would have left them: definitions, states, raw results, rollups by
minute, hour and day, events. What happened to a check follows from its number alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from checks.events.store import NONE, Append, NewEvent, append_all
from checks.models import (
    Check,
    Checkpoint,
    CheckState,
    Result,
    Rollup,
    StatusPage,
    WorkerSign,
    bulk,
    rollup_rows,
)
from checks.rules import rollup
from checks.rules.outcome import Verdict

PHASES = ("dns", "connect", "tls", "first_byte", "transfer")
SHARES = (0.06, 0.12, 0.2, 0.52, 0.1)
RESULT_COLUMNS = (
    "check_id", "slot", "started_at", "verdict", "latency_ms", "late_ms", "attempts", "output", "detail",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """
    One check to make.

    Attributes:
        typical_ms: Its middling latency.
        troubled_days: Days ago on which a part of its probes failed.
    """

    slug: str
    name: str
    definition: dict[str, Any]
    status: str = "up"
    strip: str = "u" * 60
    typical_ms: float = 40
    output: str = "HTTP 200"
    paused: bool = False
    never_run: bool = False
    troubled_days: Sequence[int] = field(default=())

    @property
    def kind(self) -> str:
        return str(self.definition.get("kind", "http"))


def http(host: str, group: str, *tags: str, **more: Any) -> dict[str, Any]:
    return {
        "url": f"https://{host}",
        "group": group,
        "tags": list(tags),
        "interval": 30,
        "conditions": ["[STATUS] == 200", "[RESPONSE_TIME] < 800"],
        **more,
    }


SAMPLES = (
    Sample(
        slug="checkout-api",
        name="Checkout API",
        definition=http(
            "shop.example.org/api/health",
            "Payments",
            "critical",
            "api",
            owner="team-payments",
            runbook_url="https://wiki.example.org/runbooks/checkout",
            description="Takes orders. When it is down, nobody can pay.",
            headers={"Authorization": "Bearer ${CHECKOUT_TOKEN}"},
            depends_on=["orders-db"],
        ),
        status="down",
        strip="u" * 44 + "gguuuugg" + "ddu" + "ddddd",
        output="HTTP 503 Service Unavailable; expected 200",
        troubled_days=(0, 11, 47),
    ),
    Sample(
        slug="card-gateway",
        name="Card gateway",
        definition=http("gateway.example.org/v2/ping", "Payments", "critical", "third-party"),
        status="degraded",
        strip="u" * 50 + "ugugggg" + "ggg",
        typical_ms=640,
        output="1.9 s is slower than the 800 ms allowed",
        troubled_days=(3, 4),
    ),
    Sample(
        slug="orders-db",
        name="Orders database",
        definition={
            "kind": "tcp",
            "host": "db-1.example.org",
            "port": 5432,
            "group": "Payments",
            "tags": ["critical"],
        },
        typical_ms=3.2,
        output="connected to db-1.example.org:5432",
    ),
    Sample(
        slug="invoices",
        name="Invoice renderer",
        definition=http("invoices.example.org/livez", "Payments"),
        strip="u" * 30 + "-" * 8 + "u" * 22,
        typical_ms=88,
    ),
    Sample(
        slug="storefront",
        name="Storefront",
        definition=http("www.example.org/", "Web", "public", "critical"),
        typical_ms=122,
        troubled_days=(29,),
    ),
    Sample(
        slug="search",
        name="Search suggestions, as typed by customers in every language",
        definition=http("search.example.org/suggest?q=tea", "Web", "public", "api"),
        strip="u" * 40 + "g" + "u" * 19,
        typical_ms=61,
    ),
    Sample(
        slug="images",
        name="Image resizer",
        definition=http("img.example.org/health", "Web", "cdn"),
        paused=True,
        strip="u" * 60,
        typical_ms=34,
    ),
    Sample(
        slug="login",
        name="Sign-in",
        definition=http("id.example.org/.well-known/openid-configuration", "Web", "public", "critical"),
        typical_ms=47,
    ),
    Sample(
        slug="python-api",
        name="python-api",
        definition={
            "kind": "python",
            "function": "python-api",
            "timeout": 5,
            "interval": 30,
            "group": "Breakwater",
        },
        typical_ms=1.4,
        output="",
    ),
    Sample(
        slug="memory",
        name="memory",
        definition={"kind": "memory", "timeout": 1, "interval": 30, "group": "Breakwater"},
        typical_ms=0.3,
        output="118 MB of this process",
    ),
    Sample(
        slug="model",
        name="Language model",
        definition=http("models.example.org/v1/models", "Platform", "ai"),
        strip="u" * 20 + "n" * 12 + "b" * 3 + "n" * 25,
        status="unknown",
        output="models.example.org could not be resolved: no name server answered",
        troubled_days=(1, 2),
    ),
    Sample(
        slug="queue",
        name="Job queue",
        definition={"kind": "tcp", "host": "mq.example.org", "port": 5672, "group": "Platform"},
        strip="u" * 12,
        typical_ms=2.1,
        output="connected to mq.example.org:5672",
    ),
    Sample(
        slug="reports",
        name="Nightly reports",
        definition=http("reports.example.org/health", "", cron="0 3 * * *", timezone="Europe/Berlin")
        | {"interval": None},
        strip="",
        output="",
        status="unknown",
        never_run=True,
    ),
)


def many(count: int) -> list[Sample]:
    """Plain checks in groups of 25; every fiftieth is down, every fortieth degraded."""
    samples = []
    for number in range(count):
        status = "down" if number % 50 == 7 else "degraded" if number % 40 == 11 else "up"
        last = {"down": "d", "degraded": "g", "up": "u"}[status]
        samples.append(
            Sample(
                slug=f"service-{number:04}",
                name=f"Service {number:04}",
                definition=http(
                    f"service-{number:04}.example.org/health",
                    f"Group {number // 25:02}",
                    f"zone-{number % 3}",
                ),
                status=status,
                strip="u" * (40 + number % 7) + "-" * (number % 3) + last * 5,
                typical_ms=12 + number % 90,
                troubled_days=(number % 90, number % 31),
                output="HTTP 200" if status == "up" else "HTTP 503; expected 200",
            )
        )
    return samples


def fill(
    samples: Sequence[Sample] = SAMPLES,
    *,
    now: datetime | None = None,
    days: int = 90,
    hours: int = 30 * 24,
    minutes: int = 24 * 60,
    results: int = 40,
    page: str = "",
) -> list[Check]:
    """
    Write checks and their past.

    Args:
        days, hours, minutes: How many rollups of each length, up to the last closed one.
        results: Raw results of each check, 30 s apart.
        page: The slug of a status page with every check; none when empty.
    """
    now = now or datetime.now(UTC)
    checks = [
        Check(
            slug=sample.slug,
            name=sample.name,
            kind=sample.kind,
            group=sample.definition.get("group", ""),
            location="default",
            definition={key: value for key, value in sample.definition.items() if value is not None}
            | ({"name": sample.name} if sample.name != sample.slug else {}),
            source="file:checks.yaml",
            set_by="file:checks.yaml",
            version=1,
            created_at=now - timedelta(days=days),
            updated_at=now - timedelta(days=days),
        )
        for sample in samples
    ]
    Check.objects.bulk_create(checks, batch_size=500)
    pairs = list(zip(checks, samples, strict=True))
    CheckState.objects.bulk_create([_state(check, sample, now) for check, sample in pairs], batch_size=200)
    append_all(
        [
            Append(f"check-{check.slug}", [NewEvent("CheckDefined", {"definition": check.definition})], NONE)
            for check in checks
        ],
        now=now - timedelta(days=days),
        metadata={"actor": "file:checks.yaml", "actor_kind": "file"},
    )
    append_all(
        [
            Append(f"check-{check.slug}", [NewEvent("StatusChanged", _change(sample, now))])
            for check, sample in pairs
            if sample.status not in ("up", "unknown")
        ],
        now=now - timedelta(minutes=3),
        metadata={"actor": "breakwater", "actor_kind": "system"},
    )
    ran = [(check, sample) for check, sample in pairs if not sample.never_run]
    _rollups(ran, Rollup.DAY, rollup.floor_day(now), days)
    _rollups(ran, Rollup.HOUR, rollup.floor_hour(now), hours)
    _rollups(ran, Rollup.MINUTE, rollup.floor_minute(now - timedelta(minutes=2)), minutes)
    for check, sample in ran:
        bulk.insert(Result, RESULT_COLUMNS, _results(check, sample, now, results))
    WorkerSign.objects.update_or_create(
        worker="beat", location="", defaults={"seen_at": now, "started_at": now - timedelta(hours=5)}
    )
    if page:
        _page(page, samples, now)
    return checks


def _state(check: Check, sample: Sample, now: datetime) -> CheckState:
    random = Random(sample.slug)
    last_run_at = None if sample.never_run else now - timedelta(seconds=random.randrange(2, 28))
    return CheckState(
        check_ref=check,
        location="default",
        paused=sample.paused,
        status=sample.status,
        since=now
        - (
            timedelta(minutes=3)
            if sample.status in ("down", "degraded")
            else timedelta(hours=random.randrange(30, 900))
        ),
        last_run_at=last_run_at,
        last_ok_at=last_run_at,
        last_verdict=sample.status,
        last_latency_ms=None
        if sample.never_run or sample.status == "unknown"
        else sample.typical_ms * random.uniform(0.8, 1.3),
        last_output=sample.output,
        strip=sample.strip,
        next_due_at=None if sample.paused else now + timedelta(seconds=random.randrange(2, 30)),
    )


def _change(sample: Sample, now: datetime) -> dict[str, Any]:
    return {
        "before": "up",
        "after": sample.status,
        "reason": "failures_reached_threshold"
        if sample.status == "down"
        else "impairments_reached_threshold",
        "slot": (now - timedelta(minutes=3)).isoformat(),
        "output": sample.output,
    }


def _rollups(pairs: Sequence[tuple[Check, Sample]], span: int, until: datetime, count: int) -> None:
    """The newest `count` closed spans before `until`, from a small pool of ready-made sums."""
    pools: dict[tuple[float, bool], list[tuple[Any, ...]]] = {}
    rows = []
    per_span, variety = {Rollup.MINUTE: (2, 60), Rollup.HOUR: (60, 24), Rollup.DAY: (200, 10)}[span]
    for check, sample in pairs:
        random = Random(f"{sample.slug}{span}")
        for back in range(1, count + 1):
            start = until - back * timedelta(minutes=span)
            age = (until - start).days
            troubled = age in sample.troubled_days and (span == Rollup.DAY or start.hour % 8 == 3)
            if random.random() < 0.012 and not troubled:
                continue  # nobody measured
            key = (sample.typical_ms, troubled)
            if key not in pools:
                pools[key] = [_sums(sample, troubled, per_span, Random(f"{key}{n}")) for n in range(variety)]
            rows.append((check.pk, span, start, *random.choice(pools[key])))
    bulk.upsert(Rollup, rollup_rows.KEY, rollup_rows.COLUMNS, rows)
    name = {Rollup.MINUTE: "rollup-minute", Rollup.HOUR: "rollup-hour", Rollup.DAY: "rollup-day"}[span]
    Checkpoint.objects.update_or_create(name=name, defaults={"reached": until})


def _sums(sample: Sample, troubled: bool, count: int, random: Random) -> tuple[Any, ...]:
    mood = random.uniform(0.85, 1.25)
    samples = []
    for _ in range(count):
        latency_ms = sample.typical_ms * mood * random.lognormvariate(0, 0.28)
        failed = troubled and random.random() < 0.15
        samples.append(
            rollup.Sample(
                Verdict.DOWN if failed else Verdict.UP,
                None if failed else latency_ms,
                {} if failed or sample.kind != "http" else _phases(latency_ms),
            )
        )
    return rollup_rows.to_row(rollup.of(samples))


def _phases(latency_ms: float) -> dict[str, float]:
    return {phase: latency_ms * share for phase, share in zip(PHASES, SHARES, strict=True)}


def _results(check: Check, sample: Sample, now: datetime, count: int) -> list[tuple[Any, ...]]:
    random = Random(sample.slug)
    verdicts = {"d": "down", "g": "degraded", "u": "up", "n": "unknown", "b": "blocked"}
    rows = []
    for back in range(count):
        letter = sample.strip[-1 - back] if back < len(sample.strip) else "u"
        if letter not in verdicts:
            continue
        verdict = verdicts[letter]
        slot = now - timedelta(seconds=30 * back + 4)
        latency_ms = (
            sample.typical_ms * random.lognormvariate(0, 0.28) if verdict in ("up", "degraded") else None
        )
        code = 503 if verdict == "down" else 200
        detail: dict[str, Any] = {
            "phases": _phases(latency_ms) if latency_ms and sample.kind == "http" else {}
        }
        detail["conditions"] = (
            [
                {
                    "condition": "[STATUS] == 200",
                    "explained": f"[STATUS] ({code}) == 200",
                    "met": code == 200,
                    "degrades_only": False,
                }
            ]
            if sample.kind == "http"
            else []
        )
        late_ms = random.uniform(1, 9)
        output = sample.output if verdict != "up" else "HTTP 200"
        rows.append(
            (
                check.pk, slot, slot + timedelta(milliseconds=late_ms), verdict, latency_ms, late_ms,
                2 if verdict == "down" else 1, output, detail,
            )
        )  # fmt: skip
    return rows


def _page(slug: str, samples: Sequence[Sample], now: datetime) -> None:
    groups: dict[str, list[str]] = {}
    for sample in samples:
        groups.setdefault(sample.definition.get("group") or "Other", []).append(sample.slug)
    StatusPage.objects.create(
        slug=slug,
        title="Example Shop",
        description="Everything that customers of the shop rely on.",
        sections=[{"title": title, "checks": members} for title, members in groups.items()],
        source="file:checks.yaml",
        set_by="file:checks.yaml",
        version=1,
        updated_at=now,
    )
