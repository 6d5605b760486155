"""``/api/v1/status``: the document, its filters, its codes and its caching."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from checks.models import CheckState, WorkerSign

URL = "/api/v1/status"
FIELDS = {
    "id", "slug", "name", "group", "tags", "kind", "status", "since", "last_ok_at", "last_run_at",
    "next_run_at", "consecutive_failures", "latency_ms", "output", "stale", "paused", "maintenance",
    "breaker", "incident",
}  # fmt: skip


@pytest.fixture
def four(make_check, beat):
    """One check in each status."""
    return {
        "fine": make_check("fine", group="web", definition={"tags": ["eu", "prod"]}),
        "slow": make_check("slow", status="degraded", group="web", definition={"tags": ["us"]}),
        "gone": make_check("gone", status="down", kind="tcp", failures=4, last_output="refused"),
        "new": make_check(
            "new",
            status="unknown",
            created_at=timezone.now(),
            last_run_at=None,
            last_ok_at=None,
            last_latency_ms=None,
        ),
    }


def read(client, query="", **headers):
    return client.get(f"{URL}{query}", headers=headers)


def slugs(response):
    return {check["slug"] for check in response.json()["checks"]}


def test_document__has_exactly_the_promised_fields(client, four):
    document = read(client).json()
    assert set(document) == {"status", "generated_at", "position", "counts", "checks"}
    assert all(set(check) == FIELDS for check in document["checks"])
    assert document["position"] == 4
    assert document["counts"] == {
        "total": 4, "up": 1, "degraded": 1, "down": 1, "unknown": 1, "paused": 0, "stale": 0,
    }  # fmt: skip


def test_check__tells_what_alerting_asks(client, four):
    gone = next(check for check in read(client).json()["checks"] if check["slug"] == "gone")
    assert gone["id"] == str(four["gone"].pk)
    assert (gone["kind"], gone["status"], gone["consecutive_failures"]) == ("tcp", "down", 4)
    assert (gone["output"], gone["latency_ms"]) == ("refused", 12.346)
    assert (gone["breaker"], gone["incident"], gone["maintenance"]) == (None, None, False)


def test_times__are_rfc_3339_in_utc(client, four):
    document = read(client).json()
    times = [document["generated_at"], *(check["since"] for check in document["checks"])]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times)


def test_whole__is_the_worst_of_its_checks(client, four):
    assert read(client).json()["status"] == "down"
    assert read(client, "?slug=slow&slug=new").json()["status"] == "degraded"
    assert read(client, "?slug=fine&slug=new").json()["status"] == "unknown"
    assert read(client, "?slug=fine").json()["status"] == "up"


def test_whole__without_checks__is_unknown(client, db):
    assert read(client).json()["status"] == "unknown"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?status=down", {"gone"}),
        ("?status=down&status=unknown", {"gone", "new"}),
        ("?group=web", {"fine", "slow"}),
        ("?group=", {"gone", "new"}),
        ("?tag=eu", {"fine"}),
        ("?tag=eu&tag=us", {"fine", "slow"}),
        ("?kind=tcp", {"gone"}),
        ("?slug=fine&slug=gone", {"fine", "gone"}),
        ("?group=web&status=up", {"fine"}),
        ("?slug=nobody", set()),
    ],
)
def test_filters__of_one_name_widen_and_of_different_names_narrow(client, four, query, found):
    assert slugs(read(client, query)) == found


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 200),
        ("?fail_on=down", 503),
        ("?fail_on=down&slug=slow", 200),
        ("?fail_on=degraded&slug=slow", 503),
        ("?fail_on=degraded&slug=new", 200),
        ("?fail_on=unknown&slug=new", 503),
        ("?fail_on=unknown&slug=fine", 200),
    ],
)
def test_fail_on__answers_503_when_the_whole_is_that_bad(client, four, query, code):
    response = read(client, query)
    assert response.status_code == code
    assert response.json()["checks"]


def test_misspelt_filter__is_refused_and_the_right_ones_are_named(client, four):
    response = read(client, "?statsu=down")
    assert response.status_code == 422
    problem = response.json()["error"]["problems"][0]
    assert problem["where"] == "query.statsu"
    assert "status" in problem["message"]


def test_unknown_status__is_refused(client, four):
    response = read(client, "?status=broken")
    assert response.status_code == 422
    assert response.json()["error"]["problems"][0]["where"].startswith("query.status")


def test_etag__of_unchanged_content__saves_the_body(client, four):
    first = read(client)
    again = read(client, **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])


def test_etag__of_changed_content__gives_the_body(client, four):
    first = read(client)
    CheckState.objects.filter(check_ref=four["fine"]).update(status="down")
    assert read(client, **{"If-None-Match": first["ETag"]}).status_code == 200


def test_failing_answer__is_never_304(client, four):
    etag = read(client)["ETag"]
    assert read(client, "?fail_on=down", **{"If-None-Match": etag}).status_code == 503


def test_health_json__has_its_words_its_type_and_fails_by_code(client, four):
    response = read(client, Accept="application/health+json")
    document = response.json()
    assert (response.status_code, response["Content-Type"]) == (503, "application/health+json")
    assert document["status"] == "fail"
    assert document["checks"]["fine:responseTime"][0] == {
        "componentId": str(four["fine"].pk),
        "componentType": "component",
        "observedValue": 12.346,
        "observedUnit": "ms",
        "status": "pass",
        "time": document["checks"]["fine:responseTime"][0]["time"],
    }
    assert document["checks"]["gone:responseTime"][0]["output"] == "refused"
    assert document["checks"]["new:responseTime"][0]["status"] == "warn"


def test_health_json__of_a_warning__is_200(client, four):
    response = read(client, "?slug=slow", Accept="application/health+json")
    assert (response.status_code, response.json()["status"]) == (200, "warn")


def test_stale__when_runs_are_missing(client, make_check, beat):
    make_check("old", last_run_at=timezone.now() - timedelta(minutes=2))
    make_check("held", last_run_at=timezone.now() - timedelta(days=2), paused=True, next_due_at=None)
    by_slug = {check["slug"]: check for check in read(client).json()["checks"]}
    assert by_slug["old"]["stale"] is True
    assert (by_slug["held"]["stale"], by_slug["held"]["paused"]) == (False, True)


def test_stale__when_beat_is_silent(client, make_check):
    make_check("fresh")
    seen = timezone.now() - timedelta(minutes=1)
    WorkerSign.objects.create(worker="beat", location="system", seen_at=seen, started_at=seen)
    assert read(client).json()["checks"][0]["stale"] is True


def test_queries__do_not_grow_with_the_checks(client, make_check, beat, django_assert_num_queries):
    for number in range(30):
        make_check(f"c{number}")
    with django_assert_num_queries(2):
        assert len(read(client).json()["checks"]) == 30


def test_head__is_a_get_without_its_body(client, four):
    response = client.head(URL)
    assert response.status_code == 200
    assert response["ETag"] == read(client)["ETag"]


def test_text__survives_as_it_is(client, make_check, beat):
    make_check("umlaut", last_output='Übel "quoted" \n <b>')
    response = read(client)
    assert json.loads(response.content)["checks"][0]["output"] == 'Übel "quoted" \n <b>'
