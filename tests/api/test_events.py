"""``/api/v1/events``: following the log."""

from __future__ import annotations

from checks.events import store
from checks.events.store import ANY, NewEvent
from tests.api.conftest import NOON


def append(stream, *types):
    store.append(stream, [NewEvent(type_, {"n": 1}) for type_ in types], expected_version=ANY, now=NOON)


def test_event__tells_where_it_stands_and_what_happened(client, db):
    append("check-api", "CheckDefined")
    assert client.get("/api/v1/events").json() == {
        "events": [
            {
                "position": 1,
                "stream": "check-api",
                "version": 1,
                "type": "CheckDefined",
                "data": {"n": 1},
                "metadata": {},
                "recorded_at": "2026-11-24T12:00:00Z",
            }
        ],
        "next_after": 1,
        "head": 1,
    }


def test_follower__sees_every_event_once_and_in_order(client, db):
    for number in range(5):
        append(f"check-{number}", "CheckDefined", "StatusChanged")
    seen, after = [], 0
    for _ in range(6):
        page = client.get(f"/api/v1/events?after={after}&limit=2").json()
        seen += [event["position"] for event in page["events"]]
        after = page["next_after"]
    assert seen == list(range(1, 11))
    append("check-0", "StatusChanged")
    assert client.get(f"/api/v1/events?after={after}").json()["events"][0]["position"] == 11


def test_filter_by_type__skips_the_others_for_good(client, db):
    append("check-api", "CheckDefined", "StatusChanged", "CheckPaused", "CheckResumed")
    page = client.get("/api/v1/events?type=StatusChanged&type=CheckPaused&limit=10").json()
    assert [event["type"] for event in page["events"]] == ["StatusChanged", "CheckPaused"]
    assert page["next_after"] == page["head"] == 4


def test_position_past_the_end__waits_there(client, db):
    append("check-api", "CheckDefined")
    assert client.get("/api/v1/events?after=99").json() == {"events": [], "next_after": 99, "head": 1}
