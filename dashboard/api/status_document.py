"""
The status document, rendered: ``application/json`` as Breakwater has it, or ``application/health+json``.

Written by hand, not by a serializer: a thousand checks have to cost no more than some milliseconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from checks.queries.status import CheckStatus, StatusReport
from checks.rules.status import SEVERITY, Status
from dashboard.api.frame import HEALTH_JSON, JSON

HEALTH_WORDS = {Status.UP: "pass", Status.DEGRADED: "warn", Status.UNKNOWN: "warn", Status.DOWN: "fail"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """
    An answer, ready to be sent.

    Attributes:
        code: The HTTP status: 200, or 503 when the report fails the caller's `fail_on`.
        etag: Weak: it stands for the content without the time of its making.
    """

    body: bytes
    etag: str
    content_type: str
    code: int = 200

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Content-Type": self.content_type, "ETag": self.etag, "Vary": "Accept"}


def render(report: StatusReport, *, media_type: str = JSON, fail_on: Status | None = None) -> Rendered:
    """
    Args:
        fail_on: Answer 503 when the whole is this bad or worse. The health+json format fails for
            ``down`` when nothing else is asked, because its readers look at the code alone.
    """
    if media_type == HEALTH_JSON:
        content = _health_document(report)
        fail_on = fail_on or Status.DOWN
    else:
        content = _document(report)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    etag = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    if media_type == JSON:
        first = f'{{"status":"{report.status}",'
        text = f'{first}"generated_at":"{rfc3339(report.generated_at)}",{text.removeprefix(first)}'
    return Rendered(text.encode(), f'W/"{etag}"', media_type, 503 if _fails(report.status, fail_on) else 200)


def rfc3339(moment: datetime | None) -> str | None:
    """UTC to the millisecond, as in ``2026-11-24T02:00:00.000Z``; None stays None."""
    if moment is None:
        return None
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _fails(status: Status, fail_on: Status | None) -> bool:
    return fail_on is not None and SEVERITY.index(status) <= SEVERITY.index(fail_on)


def _document(report: StatusReport) -> dict[str, Any]:
    return {
        "status": report.status,
        "position": report.position,
        "counts": report.counts,
        "checks": [_check(check) for check in report.checks],
    }


def _check(check: CheckStatus) -> dict[str, Any]:
    return {
        "id": check.id,
        "slug": check.slug,
        "name": check.name,
        "group": check.group,
        "tags": check.tags,
        "kind": check.kind,
        "status": check.status,
        "since": rfc3339(check.since),
        "last_ok_at": rfc3339(check.last_ok_at),
        "last_run_at": rfc3339(check.last_run_at),
        "next_run_at": rfc3339(check.next_run_at),
        "consecutive_failures": check.consecutive_failures,
        "latency_ms": None if check.latency_ms is None else round(check.latency_ms, 3),
        "output": check.output,
        "stale": check.stale,
        "paused": check.paused,
        "maintenance": False,
        "breaker": None,
        "incident": None,
    }


def _health_document(report: StatusReport) -> dict[str, Any]:
    return {
        "status": HEALTH_WORDS[report.status],
        "checks": {f"{check.slug}:responseTime": [_health_check(check)] for check in report.checks},
    }


def _health_check(check: CheckStatus) -> dict[str, Any]:
    word = HEALTH_WORDS[check.status]
    measured = (
        {}
        if check.latency_ms is None
        else {"observedValue": round(check.latency_ms, 3), "observedUnit": "ms"}
    )
    run = {} if check.last_run_at is None else {"time": rfc3339(check.last_run_at)}
    # The draft asks to leave the output out where all is well.
    output = {} if word == "pass" else {"output": check.output or check.status}
    return {
        "componentId": check.id,
        "componentType": "component",
        **measured,
        "status": word,
        **run,
        **output,
    }
