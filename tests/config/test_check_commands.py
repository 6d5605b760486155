"""Commands about single checks: each leaves its event, its version and a schedule that fits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from checks import bus
from checks.commands.actor import Actor
from checks.commands.checks import (
    SPREAD,
    DefineCheck,
    Defined,
    PauseCheck,
    RemoveCheck,
    ResumeCheck,
    RunCheckNow,
)
from checks.errors import Conflict, IllegalMove, InvalidInput, NotFound, WrongExpectedVersion
from checks.events import store
from checks.models import Check, CheckState, Result, Rollup

pytestmark = pytest.mark.django_db

ANNA = Actor("anna", "person")
URL = "http://a.example.test"


def define(
    slug: str = "api", *, source: str = "admin", expected_version: int | None = None, **raw: Any
) -> Defined:
    command = DefineCheck(
        slug=slug, definition={"url": URL, **raw}, source=source, expected_version=expected_version
    )
    defined: Defined = bus.handle(command, actor=ANNA)
    return defined


def state(slug: str = "api") -> CheckState:
    return CheckState.objects.get(check_ref__slug=slug)


def events(slug: str = "api") -> list[tuple[str, str]]:
    return [(event.type, event.metadata["actor"]) for event in store.read_stream(f"check-{slug}")]


def test_define__new_check__starts_within_seconds_and_is_unknown_until_then():
    before = timezone.now()
    assert define() == Defined(slug="api", version=1, changed=True)
    new = state()
    assert before <= new.next_due_at <= timezone.now() + SPREAD
    assert (new.status, new.location, new.paused) == ("unknown", "default", False)
    assert events() == [("CheckDefined", "anna")]


def test_define__many_new_checks__do_not_start_together():
    for number in range(30):
        define(f"api-{number}", interval=3600)
    starts = {new.next_due_at for new in CheckState.objects.all()}
    assert len(starts) > 20


def test_define__check_that_runs_each_second__starts_within_one():
    before = timezone.now()
    define(interval=1)
    assert state().next_due_at <= before + timedelta(seconds=2)


def test_define__the_same_again__changes_nothing():
    define(interval=30)
    assert define(interval=30) == Defined(slug="api", version=1, changed=False)
    assert len(events()) == 1


def test_define__another_interval__moves_the_next_slot_onto_the_new_grid():
    define(interval=3600)
    CheckState.objects.update(next_due_at=timezone.now() + timedelta(minutes=50))
    assert define(interval=5).version == 2
    assert state().next_due_at <= timezone.now() + timedelta(seconds=5)
    assert events()[-1] == ("CheckChanged", "anna")


def test_define__another_name__leaves_the_schedule_alone():
    define()
    due = state().next_due_at
    define(name="The API")
    assert state().next_due_at == due


def test_define__with_the_version_that_was_seen__wins_only_once():
    define(expected_version=0)
    define(interval=30, expected_version=1)
    with pytest.raises(WrongExpectedVersion) as caught:
        define(interval=20, expected_version=1)
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    assert Check.objects.get().definition["interval"] == 30


def test_define__expected_to_be_new_but_there__is_refused():
    define()
    with pytest.raises(WrongExpectedVersion):
        define(expected_version=0)


def test_define__from_another_source__is_refused():
    define()
    with pytest.raises(Conflict, match="'api' belongs to admin"):
        define(source="file:checks.yaml")


def test_define__unknown_location_or_dependency__is_refused_at_once():
    with pytest.raises(InvalidInput) as caught:
        define(location="moon", depends_on=["nobody"])
    assert [problem.where for problem in caught.value.problems] == ["location", "depends_on"]


def test_define__circle_through_another_check__is_refused():
    define("a")
    define("b", depends_on=["a"])
    with pytest.raises(InvalidInput, match="goes round in a circle"):
        define("a", depends_on=["b"])


def test_define__literal_secret__is_kept_for_the_probe_and_masked_in_the_log():
    define(username="me", password="hunter2-hunter2")
    assert Check.objects.get().definition["password"] == "hunter2-hunter2"
    (defined,) = store.read_stream("check-api")
    assert "hunter2" not in str(defined.data)


def test_pause__takes_the_check_out_of_the_schedule_and_out_of_the_workers_hands():
    define()
    CheckState.objects.update(
        leased_slot=timezone.now(), leased_until=timezone.now(), leased_by="w1", fence=7
    )
    bus.handle(PauseCheck(slug="api"), actor=ANNA)
    paused = state()
    assert (paused.paused, paused.next_due_at, paused.leased_slot, paused.leased_by) == (True, None, None, "")
    assert paused.fence == 8
    assert events()[-1] == ("CheckPaused", "anna")
    with pytest.raises(IllegalMove, match="paused already"):
        bus.handle(PauseCheck(slug="api"), actor=ANNA)


def test_resume__runs_soon_again():
    define(interval=3600)
    bus.handle(PauseCheck(slug="api"), actor=ANNA)
    bus.handle(ResumeCheck(slug="api"), actor=ANNA)
    resumed = state()
    assert not resumed.paused
    assert resumed.next_due_at <= timezone.now() + SPREAD
    assert [event for event, _ in events()] == ["CheckDefined", "CheckPaused", "CheckResumed"]
    with pytest.raises(IllegalMove, match="is not paused"):
        bus.handle(ResumeCheck(slug="api"), actor=ANNA)


def test_resume__with_a_placeholder_that_is_gone__is_possible(monkeypatch: pytest.MonkeyPatch):
    """What the probe then lacks is told by its outcome."""
    monkeypatch.setenv("A_TARGET", URL)
    define(url="${A_TARGET}")
    bus.handle(PauseCheck(slug="api"), actor=ANNA)
    monkeypatch.delenv("A_TARGET")
    bus.handle(ResumeCheck(slug="api"), actor=ANNA)
    assert not state().paused


def test_change__while_paused__does_not_wake_the_check():
    define()
    bus.handle(PauseCheck(slug="api"), actor=ANNA)
    define(interval=5)
    assert state().next_due_at is None


def test_run_now__makes_the_check_due_at_once():
    define(interval=3600)
    bus.handle(RunCheckNow(slug="api"), actor=ANNA)
    assert state().next_due_at <= timezone.now()
    assert events()[-1] == ("CheckRunRequested", "anna")


def test_run_now__while_it_runs__is_refused():
    define()
    CheckState.objects.update(leased_slot=timezone.now())
    with pytest.raises(Conflict, match="is running right now"):
        bus.handle(RunCheckNow(slug="api"), actor=ANNA)


def test_run_now__while_paused__says_to_resume_first():
    define()
    bus.handle(PauseCheck(slug="api"), actor=ANNA)
    with pytest.raises(IllegalMove, match="resume it first"):
        bus.handle(RunCheckNow(slug="api"), actor=ANNA)


def test_remove__takes_results_and_rollups_along_and_leaves_the_history():
    define()
    define("other")
    now = timezone.now()
    for check in Check.objects.all():
        Result.objects.create(check_id=check.pk, slot=now, started_at=now, verdict="up", late_ms=0)
        Rollup.objects.create(check_id=check.pk, span_minutes=1, start=now)
    bus.handle(RemoveCheck(slug="api", expected_version=1), actor=ANNA)
    other = Check.objects.get().pk
    assert list(Result.objects.values_list("check_id", flat=True)) == [other]
    assert list(Rollup.objects.values_list("check_id", flat=True)) == [other]
    assert events() == [("CheckDefined", "anna"), ("CheckRemoved", "anna")]


def test_remove__what_others_depend_on__names_them():
    define()
    define("shop", depends_on=["api"])
    with pytest.raises(Conflict, match="others depend on it: shop"):
        bus.handle(RemoveCheck(slug="api"), actor=ANNA)


def test_remove__at_an_old_version__is_refused():
    define()
    define(interval=30)
    with pytest.raises(WrongExpectedVersion):
        bus.handle(RemoveCheck(slug="api", expected_version=1), actor=ANNA)


@pytest.mark.parametrize("command", [RemoveCheck, PauseCheck, ResumeCheck, RunCheckNow])
def test_every_command__for_a_check_that_is_not_there__says_so(command: type):
    with pytest.raises(NotFound, match="There is no check 'nope'"):
        bus.handle(command(slug="nope"), actor=ANNA)
