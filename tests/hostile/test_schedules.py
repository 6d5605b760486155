"""Cron expressions and zones that would never fire, fire twice, or lead elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from checks.errors import InvalidInput
from checks.rules.schedule import next_slot
from checks.runner.prepared import prepare
from tests.factories import SAMPLES, fill
from tests.hostile.catalogue import Item, items
from tests.hostile.conftest import says
from tests.hostile.test_definitions import as_yaml
from tests.hostile.test_requests import is_sound

URL = "http://a.example.test/"


@items("time", only=("TIM-002", "TIM-003", "TIM-005", "TIM-006"))
def test_cron__on_a_day_when_the_clock_is_changed__runs_as_often_as_people_expect(item: Item):
    given = item["input"]
    zone, day = ZoneInfo(given["tz"]), date.fromisoformat(given["day"])
    prepared = prepare("x", {"url": URL, "cron": given["cron"], "timezone": given["tz"]}, environ={})
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    last = at + timedelta(days=5)
    runs: list[datetime] = []
    while (at := next_slot(prepared.schedule, at)) < last:
        runs.append(at)
    on_the_day = [at.astimezone(zone) for at in runs if at.astimezone(zone).date() == day]
    assert len(on_the_day) == (0 if item["id"] == "TIM-006" else 1)
    assert len(set(runs)) == len(runs)
    if item["id"] == "TIM-003":
        assert (on_the_day[0].hour, on_the_day[0].minute, on_the_day[0].fold) == (2, 30, 0)


def cron_cases(item: Item) -> list[dict[str, object]]:
    given = item["input"]
    if "tz" in given:
        return [{"cron": "0 3 * * *", "timezone": zone} for zone in given["tz"]]
    crons = given["cron"] if isinstance(given["cron"], list) else [given["cron"]]
    return [{"cron": cron} for cron in crons]


@items("time", only=("TIM-008", "TIM-009", "TIM-010"))
def test_bad_cron_or_zone__is_refused_by_its_name(item: Item):
    for case in cron_cases(item):
        with pytest.raises(InvalidInput) as refused:
            prepare("x", {"url": URL, **case}, environ={})
        assert {problem.where for problem in refused.value.problems} <= {"cron", "timezone"}, case
        if item["id"] == "TIM-009":
            says(str(refused.value), "never")


@items("time", only=("TIM-008", "TIM-009", "TIM-010"))
@pytest.mark.django_db
def test_bad_cron_or_zone__is_refused_in_files_and_forms(item: Item, apply, post):
    for case in cron_cases(item):
        assert apply(as_yaml({"checks": {"hostile": {"url": URL, **case}}})).code
        status, errors = post("http", url=URL, **{key: str(value) for key, value in case.items()})
        if case.get("timezone") == "":
            continue  # an empty field stands for the default
        assert status == 200
        assert errors.keys() & {"cron", "timezone"}, (case, errors)


@items("time", only=("TIM-019",))
@pytest.mark.django_db
def test_odd_instant__as_a_cursor__is_named_or_read(item: Item, client):
    fill(SAMPLES[:1], days=0, hours=0, minutes=0, results=0)
    client.raise_request_exception = False
    for instant in item["input"]["at"]:
        response = client.get(f"/api/v1/checks/{SAMPLES[0].slug}/results", {"before": instant})
        is_sound(response, allowed=(200, 422))
        if response.status_code == 422:
            assert response.json()["error"]["problems"][0]["where"] == "query.before"
