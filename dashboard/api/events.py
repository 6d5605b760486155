"""``/api/v1/events``: the log, to be followed by position."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from checks.queries.event_pages import LogPage, events_after
from dashboard.api.errors import ErrorDocument, refuse_unknown_parameters

router = Router(tags=["Events"])


class EventDocument(Schema):
    position: int = Field(description="Place in the whole log; without gaps, in the order of commits.")
    stream: str
    version: int = Field(description="Place in the stream, counted from 1.")
    type: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    recorded_at: datetime


class EventList(Schema):
    events: list[EventDocument] = Field(description="Oldest first.")
    next_after: int = Field(description="The `after` of the next request.")
    head: int = Field(description="The log's newest position.")


class EventQuery(Schema):
    after: int = Field(0, ge=0, le=2**63 - 1, description="Only events with a position above this.")
    limit: int = Field(100, ge=1, le=500)
    type: list[str] = Field([], description="Only events of these types, such as StatusChanged.")


@router.get(
    "/events",
    url_name="events",
    response={200: EventList, 401: ErrorDocument, 422: ErrorDocument},
    summary="What has happened",
)
def list_events(request: HttpRequest, query: Query[EventQuery]) -> LogPage:
    refuse_unknown_parameters(request, EventQuery.model_fields)
    return events_after(query.after, limit=query.limit, types=query.type)
