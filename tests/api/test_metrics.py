"""``/metrics``: what Prometheus reads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from checks.models import Check, WorkerSign


def scrape(client):
    """Samples by name: a list of (labels, value)."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/plain")
    samples = {}
    for family in text_string_to_metric_families(response.content.decode()):
        assert family.documentation, family.name
        assert family.type != "untyped", family.name
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def of(samples, name, check, **labels):
    """The one value of a check's series; None when there is none."""
    found = [
        value
        for seen, value in samples.get(name, ())
        if seen["check"] == check and labels.items() <= seen.items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


def test_status__is_told_as_reachable_and_as_label(client, make_check):
    for slug, status in (("fine", "up"), ("slow", "degraded"), ("gone", "down"), ("new", "unknown")):
        make_check(slug, status=status, group="web")
    samples = scrape(client)
    assert [of(samples, "check_up", slug) for slug in ("fine", "slow", "gone", "new")] == [1, 1, 0, None]
    assert of(samples, "check_status", "gone", status="down") == 1
    assert of(samples, "check_status", "gone", status="up") == 0
    assert samples["check_up"][0][0] == {"check": "fine", "group": "web", "kind": "http"}


def test_durations__are_in_seconds_and_by_phase(client, make_check, make_result):
    check = make_check("api", last_latency_ms=120.0)
    now = timezone.now()
    make_result(check, now - timedelta(minutes=2), detail={"phases": {"dns": 900.0}})
    phases = {"dns": 10.0, "connect": 20.0, "tls": 30.0, "first_byte": 40.0, "transfer": 50.0}
    make_result(check, now - timedelta(minutes=1), detail={"phases": phases})
    samples = scrape(client)
    assert of(samples, "check_duration_seconds", "api") == 0.12
    assert of(samples, "probe_duration_seconds", "api") == pytest.approx(0.15)
    assert of(samples, "probe_dns_lookup_time_seconds", "api") == 0.01
    assert of(samples, "probe_http_duration_seconds", "api", phase="processing") == 0.04
    assert of(samples, "probe_success", "api") == 1


def test_check_without_an_answer__has_no_duration(client, make_check):
    make_check("gone", status="down", last_latency_ms=None)
    samples = scrape(client)
    assert of(samples, "check_duration_seconds", "gone") is None
    assert of(samples, "probe_success", "gone") == 0


def test_removed_check__takes_its_series_with_it(client, make_check):
    make_check("api")
    assert of(scrape(client), "check_up", "api") == 1
    Check.objects.all().delete()
    assert b'check="api"' not in client.get("/metrics").content


def test_free_text__is_in_no_label(client, make_check):
    make_check("api", last_output="refused by 10.0.0.7", name="A long name")
    answer = client.get("/metrics").content
    assert b"refused by" not in answer
    assert b"A long name" not in answer


def test_workers__tell_their_last_sign_and_their_lateness(client, beat):
    now = timezone.now()
    WorkerSign.objects.create(
        worker="w1",
        location="eu",
        seen_at=now - timedelta(seconds=40),
        started_at=now,
        in_flight=3,
        lateness_p99_ms=25.0,
        retries=3,
    )
    samples = scrape(client)
    seen = {labels["worker"]: value for labels, value in samples["worker_last_seen_seconds"]}
    assert seen["w1"] == pytest.approx(40, abs=5)
    assert seen["beat"] == pytest.approx(0, abs=5)
    assert ({"worker": "w1", "location": "eu"}, 3.0) in samples["worker_probes_in_flight"]
    late = ({"worker": "w1", "location": "eu", "quantile": "0.99"}, 0.025)
    assert late in samples["scheduler_lateness_seconds"]
    assert 3 in [value for _, value in samples["retry_attempts_total"]]


def test_oldest_due_slot__is_told_by_location(client, make_check):
    make_check("waiting", next_due_at=timezone.now() - timedelta(seconds=30))
    make_check("soon", next_due_at=timezone.now() + timedelta(seconds=30))
    [(labels, value)] = scrape(client)["scheduler_oldest_due_seconds"]
    assert labels == {"location": "default"}
    assert value == pytest.approx(30, abs=5)


def test_api_answers__are_counted_by_route_template(client, make_check):
    make_check("api")
    client.get("/api/v1/checks/api")
    routes = {labels["route"] for labels, _ in scrape(client)["api_response_seconds_count"]}
    assert "/api/v1/checks/<slug>" in routes
    assert "/api/v1/checks/api" not in routes


def test_own_process__tells_its_memory(client, db):
    [(labels, value)] = scrape(client)["memory_usage_mb"]
    assert labels == {}
    assert 10 < value < 4096


def test_queries__do_not_grow_with_the_checks(client, make_check, django_assert_num_queries):
    for number in range(20):
        make_check(f"c{number}")
    with django_assert_num_queries(4):
        client.get("/metrics")


def test_private_dashboard__tells_nothing(client, settings, make_check):
    make_check("api")
    settings.PUBLIC_DASHBOARD = False
    response = client.get("/metrics")
    assert response.status_code == 401
    assert b"check_up" not in response.content
