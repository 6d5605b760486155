"""``/api/v1/status``: where every check stands, for alerting and for status readers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from checks.queries.status import Wanted, status_report
from checks.rules.status import Status
from dashboard.api.errors import ErrorDocument, refuse_unknown_parameters
from dashboard.api.frame import FORMATS, JSON
from dashboard.api.status_document import Rendered, render

router = Router(tags=["Status"])


class StatusQuery(Schema):
    status: list[Status] = Field([], description="Only checks with one of these statuses.")
    group: list[str] = Field([], description="Only checks of these groups.")
    tag: list[str] = Field([], description="Only checks with at least one of these tags.")
    slug: list[str] = Field([], description="Only these checks.")
    kind: list[str] = Field([], description="Only checks of these kinds.")
    fail_on: Annotated[
        Status | None,
        Field(description="Answer 503 when the whole is this bad or worse (down is the worst)."),
    ] = None


class CheckStatusDocument(Schema):
    id: str = Field(description="Stays the same for as long as the check exists.")
    slug: str
    name: str
    group: str
    tags: list[str]
    kind: str
    status: Status
    since: datetime = Field(description="When the check took this status.")
    last_ok_at: datetime | None
    last_run_at: datetime | None
    next_run_at: datetime | None = Field(description="null while the check is paused.")
    consecutive_failures: int
    latency_ms: float | None
    output: str = Field(description="What the last probe said.")
    stale: bool = Field(description="Too old to be relied on: runs are missing, or nothing is being run.")
    paused: bool
    maintenance: bool = Field(description="A flag beside the status; it never hides a failure.")
    breaker: str | None
    incident: str | None


class StatusDocument(Schema):
    status: Status = Field(description="The worst of the checks; unknown when there are none.")
    generated_at: datetime
    position: int = Field(description="Newest position of the event log: follow /events from here.")
    counts: dict[str, int]
    checks: list[CheckStatusDocument]


@router.get(
    "/status",
    url_name="status",
    response={200: StatusDocument, 304: None, 401: ErrorDocument, 422: ErrorDocument, 503: StatusDocument},
    summary="Where every check stands",
)
def status(request: HttpRequest, query: Query[StatusQuery]) -> HttpResponse:
    """
    The whole's status and that of each check. Filters given several times mean *any of*; different
    filters must all hold. `ETag` stands for the content without `generated_at`; ask with
    `If-None-Match`. With `Accept: application/health+json` the answer is in that format.
    """
    refuse_unknown_parameters(request, StatusQuery.model_fields)
    wanted = Wanted(
        statuses=query.status, groups=query.group, tags=query.tag, slugs=query.slug, kinds=query.kind
    )
    report = status_report(now=timezone.now(), wanted=wanted)
    media_type = request.get_preferred_type(FORMATS["status"]) or JSON
    rendered = render(report, media_type=media_type, fail_on=query.fail_on)
    if rendered.code == 200 and is_current(rendered, request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers={"ETag": rendered.etag})
    response = HttpResponse(rendered.body, status=rendered.code, headers=dict(rendered.headers))
    response._has_been_logged = True  # a 503 is the answer asked for, not a failure of ours to be logged
    return response


def rendered_status() -> Rendered:
    """The whole document, unfiltered, as a public reader without wishes gets it."""
    return render(status_report(now=timezone.now()))


def is_current(rendered: Rendered, if_none_match: str) -> bool:
    """Whether the reader already has this content; by weak comparison, as If-None-Match wants it."""
    known = (etag.strip().removeprefix("W/") for etag in if_none_match.split(","))
    return if_none_match.strip() == "*" or rendered.etag.removeprefix("W/") in known
