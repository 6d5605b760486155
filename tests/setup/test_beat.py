"""The timer's entries."""

from __future__ import annotations

import pytest
from django_celery_beat.models import PeriodicTask

from dashboard.beat import Scheduler
from dashboard.celery import app, beat_schedule


@pytest.fixture
def schedule(monkeypatch):
    """Set the locations, start a scheduler, and return the names in the database."""

    def schedule(*locations):
        monkeypatch.setitem(app.conf, "beat_schedule", beat_schedule(list(locations)))
        Scheduler(app=app)._finalize.cancel()
        return set(PeriodicTask.objects.values_list("name", flat=True))

    return schedule


@pytest.mark.django_db(transaction=True)
def test_scheduler__location_taken_out__its_entry_is_forgotten(schedule):
    assert {"run-due-default", "run-due-eu-west"} <= schedule("default", "eu-west")
    assert "run-due-eu-west" not in schedule("default")


@pytest.mark.django_db(transaction=True)
def test_scheduler__entries__go_to_the_queue_of_their_location_and_expire(schedule):
    schedule("eu-west")
    entry = PeriodicTask.objects.get(name="run-due-eu-west")
    assert (entry.task, entry.args, entry.queue) == (
        "checks.tasks.run_due",
        '["eu-west"]',
        "location.eu-west",
    )
    assert entry.expire_seconds == 10
    assert PeriodicTask.objects.get(name="sweep").queue == "system"


def test_schedule__holds_no_entry_per_check():
    assert set(beat_schedule(["default"])) == {"run-due-default", "sweep", "roll_up", "expire"}


def test_app__takes_json_only_and_obeys_nobody_from_afar():
    assert app.conf.accept_content == ["json"]
    assert app.conf.worker_enable_remote_control is False
