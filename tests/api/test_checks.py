"""``/api/v1/checks``: definitions and results."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from checks.models import Checkpoint
from tests.api.conftest import NOON


def test_list__holds_definitions_by_group_and_name(client, make_check):
    make_check("b", group="x")
    make_check("a", group="x")
    checks = client.get("/api/v1/checks").json()["checks"]
    assert [check["slug"] for check in checks] == ["a", "b"]
    assert checks[0]["definition"]["interval"] == 30
    assert (checks[0]["source"], checks[0]["set_by"], checks[0]["version"]) == ("admin", "anna", 1)


def test_one__that_does_not_exist__is_404_and_says_which(client, db):
    response = client.get("/api/v1/checks/nobody")
    assert response.status_code == 404
    assert response.json() == {
        "error": {"code": "not_found", "message": "There is no check 'nobody'.", "problems": []}
    }


def test_one__never_shows_a_secret(client, make_check):
    make_check(
        "secret",
        definition={
            "url": "https://anna:hunter2@example.org/",
            "headers": {"Authorization": "Bearer hunter2"},
        },
    )
    for address in ("/api/v1/checks", "/api/v1/checks/secret"):
        assert b"hunter2" not in client.get(address).content


def test_results__come_newest_first_with_what_the_conditions_saw(client, make_check, make_result):
    check = make_check("api")
    seen = {
        "condition": "[STATUS] == 200",
        "explained": "[STATUS] (503) == 200",
        "met": False,
        "degrades_only": False,
    }
    make_result(check, NOON)
    make_result(
        check,
        NOON + timedelta(minutes=1),
        verdict="down",
        latency_ms=None,
        attempts=2,
        output="503",
        detail={"phases": {"dns": 1.5, "connect": 2.5}, "conditions": [seen]},
    )
    document = client.get("/api/v1/checks/api/results").json()
    assert document["next_before"] is None
    assert document["results"][0] == {
        "slot": "2026-11-24T12:01:00Z",
        "started_at": "2026-11-24T12:01:00Z",
        "verdict": "down",
        "latency_ms": None,
        "late_ms": 1.5,
        "attempts": 2,
        "output": "503",
        "phases_ms": {"dns": 1.5, "connect": 2.5},
        "conditions": [seen],
    }


def test_results__in_pages__are_complete_and_without_doubles(client, make_check, make_result):
    check = make_check("api")
    slots = [NOON + timedelta(microseconds=number) for number in range(5)]
    for slot in slots:
        make_result(check, slot)
    pages, before = [], ""
    while before is not None:
        document = client.get(f"/api/v1/checks/api/results?limit=2{before and f'&before={before}'}").json()
        pages.append(len(document["results"]))
        before = document["next_before"]
    assert pages == [2, 2, 1]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=many",
        "before=yesterday",
        "before=0001-01-01T00:00:00%2B01:00",
        "after=1",
    ],
)
def test_results__asked_wrongly__are_refused_with_the_place(client, make_check, query):
    make_check("api")
    response = client.get(f"/api/v1/checks/api/results?{query}")
    assert response.status_code == 422
    assert response.json()["error"]["problems"][0]["where"] == f"query.{query.partition('=')[0]}"


def test_results__of_a_check_that_does_not_exist__are_404(client, db):
    assert client.get("/api/v1/checks/nobody/results").status_code == 404


def test_uptime__counts_what_was_measured_and_leaves_gaps_out(client, make_check, make_result):
    check = make_check("api")
    now = timezone.now()
    Checkpoint.objects.create(name="rollup-minute", reached=now - timedelta(minutes=10))
    for minutes, verdict in enumerate(["up", "up", "degraded", "down", "unknown"], start=1):
        make_result(check, now - timedelta(minutes=minutes), verdict=verdict)
    document = client.get("/api/v1/checks/api/uptime").json()
    assert document["slug"] == "api"
    assert [row["window"] for row in document["uptime"]] == ["24h", "7d", "30d", "90d"]
    assert document["uptime"][0] == {"window": "24h", "share": 0.75, "failed": 1, "measured": 4, "gaps": 1}


def test_uptime__of_a_new_check__is_null_not_perfect(client, make_check):
    make_check("api")
    assert client.get("/api/v1/checks/api/uptime").json()["uptime"][0]["share"] is None
