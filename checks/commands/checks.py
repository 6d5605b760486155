"""Commands about single checks: define, remove, pause, resume, run now."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from checks.commands.actor import Actor
from checks.errors import (
    AlreadyUnderWay,
    Conflict,
    IllegalMove,
    InvalidInput,
    NotFound,
    Problem,
    WrongExpectedVersion,
)
from checks.events import store
from checks.kinds.masking import masked
from checks.models import Check, CheckState, Result, Rollup
from checks.models.clock import database_now
from checks.rules import strip
from checks.rules.definition import Definition
from checks.rules.definition import parse as parse_definition
from checks.rules.dependencies import find_cycle
from checks.rules.schedule import next_slot, offset_ms, slots_between
from checks.rules.status import Status
from checks.runner.prepared import Prepared, prepare, schedule_of

CODE = "code"
"""The source of checks that are registered functions."""
SPREAD = timedelta(seconds=10)
"""New and resumed checks begin within this time, each at its own moment, so that many are no herd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineCheck:
    """
    Create a check, or change it.

    Attributes:
        definition: Public keys, as in ``checks.yaml``.
        source: ``code``, ``admin``, ``api`` or ``file:NAME``; a check belongs to its source.
        expected_version: The version that the writer has seen, 0 for "does not exist"; None for any.
    """

    slug: str
    definition: Mapping[str, Any]
    source: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveCheck:
    slug: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseCheck:
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeCheck:
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCheckNow:
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """What became of a definition: the check's version, and whether it differs from before."""

    slug: str
    version: int
    changed: bool


def define_check(command: DefineCheck, actor: Actor) -> Defined:
    """
    Raises:
        InvalidInput: Every problem of the definition, each with its key as the place.
        WrongExpectedVersion: The check has changed since it was read.
        Conflict: The check belongs to another source.
    """
    prepared = prepare(command.slug, command.definition, environ=os.environ)
    try:
        with transaction.atomic():
            existing = Check.objects.select_for_update().filter(slug=command.slug).first()
            _expect(command.slug, existing, command.expected_version)
            if existing is not None and existing.source != command.source:
                raise Conflict(belongs_elsewhere(existing))
            if problems := _surroundings(prepared.definition):
                raise InvalidInput(problems)
            if existing is None:
                return _create(prepared, command.source, actor)
            return _change(existing, prepared, actor)
    except IntegrityError as error:
        raise Conflict(f"{command.slug!r} has just been created by someone else.") from error


def remove_check(command: RemoveCheck, actor: Actor) -> None:
    """
    Remove a check with its state, results and rollups. Its events stay: they are history.

    Raises:
        NotFound: There is no such check.
        Conflict: Other checks depend on it.
        WrongExpectedVersion: The check has changed since it was read.
    """
    with transaction.atomic():
        check = _locked(command.slug)
        _expect(command.slug, check, command.expected_version)
        if check.source == CODE:
            raise Conflict(f"{check.slug!r} is defined in code and would come back; remove it there.")
        dependents = [slug for slug, needed in dependencies().items() if check.slug in needed]
        if dependents:
            names = ", ".join(sorted(dependents))
            raise Conflict(f"{check.slug!r} cannot be removed while others depend on it: {names}.")
        store.append(
            stream_of(check.slug),
            [removed_event(check)],
            expected_version=store.ANY,
            now=database_now(),
            metadata=actor.metadata(),
        )
        forget([check.pk])


def pause_check(command: PauseCheck, actor: Actor) -> None:
    """
    Stop running a check until it is resumed; a result that is still on its way is refused.

    Raises:
        NotFound: There is no such check.
        IllegalMove: It is paused already.
    """
    with transaction.atomic():
        check = _locked(command.slug)
        if check.state.paused:
            raise IllegalMove(f"{check.slug!r} is paused already.")
        state = check.state
        given_up = _given_up(check, database_now())
        _record(check, "CheckPaused", actor, given_up)
        state.strip = strip.gapped(state.strip, sum(event.data["count"] for event in given_up))
        state.paused, state.next_due_at = True, None
        _release(state)
        state.save(
            update_fields=(
                "paused",
                "next_due_at",
                "leased_slot",
                "leased_until",
                "leased_by",
                "fence",
                "strip",
            )
        )


def resume_check(command: ResumeCheck, actor: Actor) -> None:
    """
    Run a paused check again; its first run comes at once.

    Raises:
        NotFound: There is no such check.
        IllegalMove: It is not paused.
    """
    with transaction.atomic():
        check = _locked(command.slug)
        if not check.state.paused:
            raise IllegalMove(f"{check.slug!r} is not paused.")
        _record(check, "CheckResumed", actor)
        definition = parse_definition(check.slug, check.definition)
        check.state.paused = False
        check.state.next_due_at = first_due(definition, database_now())
        check.state.save(update_fields=("paused", "next_due_at"))


def run_check_now(command: RunCheckNow, actor: Actor) -> None:
    """
    Make a check due at once; its schedule goes on from there as before.

    Raises:
        NotFound: There is no such check.
        IllegalMove: It is paused.
        AlreadyUnderWay: It is running right now.
    """
    with transaction.atomic():
        check = _locked(command.slug)
        if check.state.paused:
            raise IllegalMove(f"{check.slug!r} is paused; resume it first.")
        if check.state.leased_slot is not None:
            raise AlreadyUnderWay(f"{check.slug!r} is running right now.")
        _record(check, "CheckRunRequested", actor)
        now = database_now()
        # A slot that is due already is run at once; moving it would leave it and those since unaccounted for.
        if check.state.next_due_at is None or check.state.next_due_at > now:
            check.state.next_due_at = now
            check.state.save(update_fields=("next_due_at",))


def stream_of(slug: str) -> str:
    return f"check-{slug}"


def belongs_elsewhere(check: Check) -> str:
    return f"{check.slug!r} belongs to {check.source}: change it there, or choose another slug."


def new_rows(prepared: Prepared, source: str, actor: Actor, now: datetime) -> tuple[Check, CheckState]:
    """A new check's rows, unsaved; its version is the caller's to set."""
    check = Check(slug=prepared.definition.slug, source=source, version=0, created_at=now)
    fill(check, prepared, actor, now)
    state = CheckState(
        location=prepared.definition.location,
        status=Status.UNKNOWN,
        since=now,
        next_due_at=first_due(prepared.definition, now),
    )
    return check, state


def fill(check: Check, prepared: Prepared, actor: Actor, now: datetime) -> None:
    """Write a definition into its row."""
    definition = prepared.definition
    check.name, check.kind, check.group = definition.name, definition.kind, definition.group
    check.location = definition.location
    check.definition = definition.public()
    check.set_by, check.updated_at = actor.name, now


def follow(state: CheckState, before: Mapping[str, Any], prepared: Prepared, now: datetime) -> bool:
    """Let a check's state follow its changed definition; say whether it had to."""
    old = parse_definition(prepared.definition.slug, before)
    moved = old.location != prepared.definition.location
    rescheduled = schedule_of(old) != prepared.schedule and not state.paused
    if moved:
        state.location = prepared.definition.location
    # A slot that is due already stays: the claim accounts for it, and for those since by the new schedule.
    if rescheduled and (state.next_due_at is None or state.next_due_at > now):
        state.next_due_at = next_slot(prepared.schedule, max(now, state.leased_slot or now))
    return moved or rescheduled


def first_due(definition: Definition, now: datetime) -> datetime:
    """At once, or nearly so: spread by the slug within `SPREAD`, and within one interval."""
    within = SPREAD if definition.interval is None else min(SPREAD, definition.interval)
    return now + timedelta(milliseconds=offset_ms(definition.slug, within))


def defined_event(check: Check) -> store.NewEvent:
    return store.NewEvent("CheckDefined", {"definition": masked(check.definition), "source": check.source})


def changed_event(check: Check, before: Mapping[str, Any]) -> store.NewEvent:
    """What is new, and which keys differ; secrets are masked, so a new secret shows by its key alone."""
    return store.NewEvent(
        "CheckChanged",
        {
            "definition": masked(check.definition),
            "changed": changed_keys(before, check.definition),
            "source": check.source,
        },
    )


def removed_event(check: Check) -> store.NewEvent:
    return store.NewEvent("CheckRemoved", {"definition": masked(check.definition), "source": check.source})


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def forget(check_ids: Iterable[int]) -> None:
    """Remove checks and all that was measured for them."""
    ids = list(check_ids)
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        Result.objects.filter(check_id__in=some).delete()
        Rollup.objects.filter(check_id__in=some).delete()
        Check.objects.filter(pk__in=some).delete()


def dependencies() -> dict[str, tuple[str, ...]]:
    """Each check with those it depends on."""
    rows = Check.objects.values_list("slug", "definition__depends_on")
    return {slug: tuple(depends_on or ()) for slug, depends_on in rows}


def location_problems(definition: Definition) -> list[Problem]:
    if definition.location in settings.LOCATIONS:
        return []
    known = ", ".join(settings.LOCATIONS)
    message = f"no such location {definition.location!r}; LOCATIONS names {known}"
    return [Problem("location", message)]


def missing_dependencies(definition: Definition, known: Container[str]) -> list[Problem]:
    return [
        Problem("depends_on", f"no such check {slug!r}")
        for slug in definition.depends_on
        if slug not in known
    ]


def cycle_sentence(cycle: Iterable[str]) -> str:
    return f"goes round in a circle: {' → '.join(cycle)}"


def _surroundings(definition: Definition) -> list[Problem]:
    """What is wrong with a definition among the checks and locations that exist."""
    problems = location_problems(definition)
    if definition.depends_on:
        all_of_them = dependencies() | {definition.slug: definition.depends_on}
        problems += missing_dependencies(definition, all_of_them)
        if not problems and (cycle := find_cycle(all_of_them)):
            problems.append(Problem("depends_on", cycle_sentence(cycle)))
    return problems


def _create(prepared: Prepared, source: str, actor: Actor) -> Defined:
    now = database_now()
    check, state = new_rows(prepared, source, actor, now)
    check.version = _append(check, [defined_event(check)], actor, now)
    check.save(force_insert=True)
    state.check_ref = check
    state.save(force_insert=True)
    return Defined(slug=check.slug, version=check.version, changed=True)


def _change(check: Check, prepared: Prepared, actor: Actor) -> Defined:
    before = check.definition
    if before == prepared.definition.public():
        return Defined(slug=check.slug, version=check.version, changed=False)
    # Rows before the log, as where results are recorded: the other way round is a deadlock.
    state = CheckState.objects.select_for_update().get(pk=check.pk)
    now = database_now()
    fill(check, prepared, actor, now)
    check.version = _append(check, [changed_event(check, before)], actor, now)
    check.save()
    if follow(state, before, prepared, now):
        state.save(update_fields=("location", "next_due_at"))
    return Defined(slug=check.slug, version=check.version, changed=True)


def _given_up(check: Check, now: datetime) -> list[store.NewEvent]:
    """Slots that have come by now and get no result because their check is paused."""
    state, given_up = check.state, []
    if state.leased_slot is not None and state.leased_slot <= now:
        given_up.append(_missed(1, state.leased_slot, state.leased_slot, "paused while it ran"))
    if state.next_due_at is not None and state.next_due_at <= now:
        plan = schedule_of(parse_definition(check.slug, check.definition))
        later = slots_between(plan, state.next_due_at, now)
        last = later.newest or state.next_due_at
        given_up.append(_missed(1 + later.count, state.next_due_at, last, "paused before they were claimed"))
    return given_up


def _missed(count: int, first: datetime, last: datetime, why: str) -> store.NewEvent:
    data = {"count": count, "first": first.isoformat(), "last": last.isoformat(), "why": why}
    return store.NewEvent("SlotsMissed", data)


def _record(check: Check, event_type: str, actor: Actor, before: Sequence[store.NewEvent] = ()) -> None:
    check.version = _append(check, [*before, store.NewEvent(event_type, {})], actor, database_now())
    check.save(update_fields=("version",))


def _append(check: Check, events: Sequence[store.NewEvent], actor: Actor, now: datetime) -> int:
    # The row's lock guards against a slower writer; transitions share the stream and clash with nobody.
    return store.append(
        stream_of(check.slug), events, expected_version=store.ANY, now=now, metadata=actor.metadata()
    )


def _locked(slug: str) -> Check:
    check = Check.objects.select_for_update().filter(slug=slug).first()
    if check is None:
        raise NotFound(f"There is no check {slug!r}.")
    check.state = CheckState.objects.select_for_update().get(pk=check.pk)
    return check


def _expect(slug: str, check: Check | None, expected: int | None) -> None:
    actual = 0 if check is None else check.version
    if expected is not None and expected != actual:
        raise WrongExpectedVersion(stream_of(slug), expected=expected, actual=actual)


def _release(state: CheckState) -> None:
    """Take a check out of the hands of whoever runs it; the fence refuses what they bring."""
    state.leased_slot = state.leased_until = None
    state.leased_by = ""
    state.fence += 1
