"""``/api/v1/checks``: the checks as they are defined, and what each has recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from checks.errors import InvalidInput, Problem
from checks.queries.availability import Availability, availability_of
from checks.queries.definitions import CheckDefinition, definition_of, definitions
from checks.queries.results import ResultPage, results_of
from dashboard.api.errors import ErrorDocument, refuse_unknown_parameters

router = Router(tags=["Checks"])

REFUSALS = {401: ErrorDocument, 404: ErrorDocument, 422: ErrorDocument}


class CheckDocument(Schema):
    id: str
    slug: str
    name: str
    kind: str
    group: str
    location: str
    definition: dict[str, Any] = Field(description="The keys of checks.yaml; secrets are masked.")
    source: str = Field(description="Where it is defined: code, admin or file:NAME.")
    set_by: str
    version: int
    created_at: datetime
    updated_at: datetime


class CheckList(Schema):
    checks: list[CheckDocument]


class ConditionDocument(Schema):
    condition: str
    explained: str = Field(description="The condition with what it saw: [STATUS] (503) == 200.")
    met: bool
    degrades_only: bool


class ResultDocument(Schema):
    slot: datetime = Field(description="The scheduled instant.")
    started_at: datetime
    verdict: str = Field(description="up, degraded, down, blocked, skipped or unknown.")
    latency_ms: float | None
    late_ms: float = Field(description="How long after its slot the probe began.")
    attempts: int
    output: str
    phases_ms: Mapping[str, float]
    conditions: list[ConditionDocument]


class ResultList(Schema):
    results: list[ResultDocument] = Field(description="Newest first.")
    next_before: str | None = Field(description="The older page's `before`; null on the last page.")


class AvailabilityDocument(Schema):
    window: str = Field(description="24h, 7d, 30d or 90d, up to now.")
    share: float | None = Field(description="Of the measurements, from 0 to 1; null when there are none.")
    failed: int = Field(description="Measurements that were down.")
    measured: int = Field(description="Measurements that speak about the target.")
    gaps: int = Field(description="Slots that do not: missed, blocked, skipped, or we could not measure.")


class UptimeDocument(Schema):
    slug: str
    uptime: list[AvailabilityDocument]


class ResultQuery(Schema):
    limit: int = Field(100, ge=1, le=500)
    before: datetime | None = Field(None, description="Only slots earlier than this; with a zone.")


@router.get("/checks", url_name="checks", response={200: CheckList, 401: ErrorDocument}, summary="All checks")
def list_checks(request: HttpRequest) -> dict[str, tuple[CheckDefinition, ...]]:
    refuse_unknown_parameters(request, ())
    return {"checks": definitions()}


@router.get("/checks/{slug}", url_name="check", response={200: CheckDocument} | REFUSALS, summary="One check")
def one_check(request: HttpRequest, slug: str) -> CheckDefinition:
    refuse_unknown_parameters(request, ())
    return definition_of(slug)


@router.get(
    "/checks/{slug}/results",
    url_name="results",
    response={200: ResultList} | REFUSALS,
    summary="What a check's probes saw",
)
def list_results(request: HttpRequest, slug: str, query: Query[ResultQuery]) -> dict[str, Any]:
    refuse_unknown_parameters(request, ResultQuery.model_fields)
    page: ResultPage = results_of(slug, limit=query.limit, before=_in_utc(query.before))
    cursor = page.next_before.astimezone(UTC).isoformat().replace("+00:00", "Z") if page.next_before else None
    return {"results": page.results, "next_before": cursor}


@router.get(
    "/checks/{slug}/uptime",
    url_name="uptime",
    response={200: UptimeDocument} | REFUSALS,
    summary="How much of the time a check's target served",
)
def uptime(request: HttpRequest, slug: str) -> dict[str, str | tuple[Availability, ...]]:
    refuse_unknown_parameters(request, ())
    check_id = int(definition_of(slug).id)
    return {"slug": slug, "uptime": availability_of(check_id, now=timezone.now())}


def _in_utc(moment: datetime | None) -> datetime | None:
    """A time without a zone is read as UTC, like every time that the API writes."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError as error:
        raise InvalidInput(Problem("query.before", "lies outside the years 1 to 9999 in UTC")) from error
