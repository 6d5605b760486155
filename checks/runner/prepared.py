"""
From a definition to something that can be run: the one validation behind code, file, admin and API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from checks.errors import InvalidInput, Problem
from checks.kinds.base import Kind, build, kind_named
from checks.kinds.masking import TELLING, secret_texts
from checks.rules import placeholders
from checks.rules.condition import Condition
from checks.rules.condition import parse as parse_condition
from checks.rules.definition import COMMON_KEYS, DEFAULT_KIND, Definition, parse, settings_in
from checks.rules.reading import unknown_key
from checks.rules.schedule import Every, Schedule, offset_ms, parse_cron
from checks.rules.status import Thresholds

TELLING_LENGTH = 8
"""Characters from which a placeholder's value is taken for a secret though its name is not telling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """
    A check that is ready to run: its kind built, its placeholders replaced, its conditions parsed.

    Attributes:
        host: For the limit of probes in flight per host; empty when nothing is dialled.
        asked: The placeholders that `conditions` ask for; where one is asked for, the condition
            decides instead of the kind's own expectation.
        secrets: What must not stand in an outcome, though the target may say it back.
    """

    definition: Definition
    kind: Kind
    schedule: Schedule
    thresholds: Thresholds
    conditions: tuple[Condition, ...]
    degraded_conditions: tuple[Condition, ...]
    host: str
    asked: frozenset[str]
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


def prepare(slug: str, raw: Mapping[str, Any], *, environ: Mapping[str, str]) -> Prepared:
    """
    Validate a definition and make it ready to run.

    Args:
        environ: Where ``${NAME}`` is looked up; nothing else is read from it.
    Raises:
        InvalidInput: Every problem found, each with its key as the place; never a secret in it.
    """
    problems: list[Problem] = []
    try:
        definition = parse(slug, raw)
    except InvalidInput as error:
        # One round of mending is to be enough, so the kind's settings are judged all the same.
        kind_name = raw.get("kind", DEFAULT_KIND if "url" in raw else None)
        if isinstance(kind_name, str):
            _kind(kind_name, settings_in(raw), environ, problems)
        told = {problem.where for problem in error.problems}
        raise InvalidInput(
            [*error.problems, *(item for item in problems if item.where not in told)]
        ) from None
    kind = _kind(definition.kind, definition.settings, environ, problems)
    conditions = _conditions("conditions", definition.conditions, kind, problems)
    degraded_conditions = _conditions("degraded_conditions", definition.degraded_conditions, kind, problems)
    schedule = _schedule(definition, problems)
    if problems or not isinstance(kind, Kind) or schedule is None:
        raise InvalidInput(problems)
    return Prepared(
        definition=definition,
        kind=kind,
        schedule=schedule,
        thresholds=Thresholds(definition.failure_threshold, definition.success_threshold),
        conditions=conditions,
        degraded_conditions=degraded_conditions,
        host=kind.peer(),
        asked=frozenset().union(*(condition.placeholders for condition in conditions)),
        secrets=_secrets(definition, kind, environ),
    )


def schedule_of(definition: Definition) -> Schedule:
    """Raises `InvalidInput` when the cron expression or its zone cannot be read."""
    if definition.interval is None:
        return parse_cron(definition.cron or "", definition.timezone)
    seconds = int(definition.interval.total_seconds())
    return Every(seconds, offset_ms(definition.slug, definition.interval))


def _kind(
    name: str, given: Mapping[str, Any], environ: Mapping[str, str], problems: list[Problem]
) -> Kind | type[Kind] | None:
    """The kind built from its settings; only its class where they are wrong, nothing where it is unknown."""
    try:
        cls = kind_named(name)
    except InvalidInput as error:
        problems.extend(error.problems)
        return None
    known = {each.name for each in fields(cls)}
    unknown = given.keys() - known
    problems.extend(
        Problem(key, unknown_key(key, known.union(COMMON_KEYS))) for key in sorted(unknown, key=str)
    )
    settings = {key: value for key, value in given.items() if key in known}
    used = placeholders.names(settings)
    try:
        return build(name, placeholders.expand(settings, environ) if used else settings)
    except InvalidInput as error:
        problems.extend(
            Problem(problem.where, placeholders.conceal(problem.message, used, environ))
            for problem in error.problems
        )
        return cls


def _secrets(definition: Definition, kind: Kind, environ: Mapping[str, str]) -> frozenset[str]:
    used = placeholders.names(definition.settings)
    settings = placeholders.expand(definition.settings, environ) if used else definition.settings
    secrets = secret_texts({"kind": definition.kind, **settings})
    if not used:
        return secrets
    # A placeholder may also stand for a host or a region: what is no secret is left to be read.
    target = kind.target()
    values = {name: environ[name] for name in used}
    return secrets | {
        value
        for name, value in values.items()
        if TELLING.search(name) or (len(value) >= TELLING_LENGTH and value not in target)
    }


def _conditions(
    key: str, texts: Iterable[str], kind: Kind | type[Kind] | None, problems: list[Problem]
) -> tuple[Condition, ...]:
    parsed = []
    for number, text in enumerate(texts):
        try:
            condition = parse_condition(text)
        except InvalidInput as error:
            problems.extend(Problem(f"{key}.{number}", problem.message) for problem in error.problems)
            continue
        if kind is not None and (strange := condition.placeholders - kind.placeholders):
            known = ", ".join(f"[{name}]" for name in sorted(kind.placeholders))
            problems.append(
                Problem(
                    f"{key}.{number}",
                    f"[{min(strange)}] is never known to a check of kind {kind.slug}; it knows {known}",
                )
            )
        parsed.append(condition)
    return tuple(parsed)


def _schedule(definition: Definition, problems: list[Problem]) -> Schedule | None:
    try:
        return schedule_of(definition)
    except InvalidInput as error:
        problems.extend(Problem(problem.where or "cron", problem.message) for problem in error.problems)
        return None
