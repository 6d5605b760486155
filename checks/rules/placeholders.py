"""
``${NAME}`` in settings: stored as written, replaced from an environment only when a probe is built.

So a secret stands in the environment of the process that probes and nowhere else: not in the
file, the database, an event or an export. ``$${`` writes a literal ``${``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.errors import InvalidInput, Problem

PLACEHOLDER = re.compile(r"\$\$\{|\$\{([^}]*)\}|\$\{")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

OWN_SETTINGS = frozenset({"SECRET_KEY", "DATABASE_URL", "BROKER_URL", "ADMIN_PASSWORD"})
"""Breakwater's own secrets: a check that sent them to its target would give the house away."""


def names(value: Any) -> frozenset[str]:
    """Every NAME that `value`, with all that is in it, asks for."""
    return frozenset(
        match[1] for _, text in _texts(value, "") for match in PLACEHOLDER.finditer(text) if match[1]
    )


def expand(settings: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """
    Return `settings` with every placeholder replaced, at any depth; keys are left alone.

    Raises:
        InvalidInput: Per placeholder that is not set, not allowed or not well written.
    """
    problems = [
        Problem(where, message)
        for where, text in _texts(settings, "")
        for match in PLACEHOLDER.finditer(text)
        if (message := _objection(match, environ))
    ]
    if problems:
        raise InvalidInput(problems)
    return {key: _expanded(value, environ) for key, value in settings.items()}


def conceal(message: str, used: frozenset[str], environ: Mapping[str, str]) -> str:
    """Put the placeholders back into a message that may quote their values."""
    for name in used:
        if len(value := environ.get(name, "")) > 2:
            message = message.replace(value, f"${{{name}}}")
    return message


def _objection(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match[0] == "$${":
        return ""
    name = match[1]
    if name is None or not NAME.fullmatch(name):
        return f"{match[0]!r} is no placeholder: write ${{NAME}}, or $${{ for a literal ${{"
    if name.removesuffix("_FILE") in OWN_SETTINGS:
        return f"${{{name}}} is Breakwater's own secret and never handed to a check; use a name of your own"
    if name not in environ:
        return f"the environment variable {name} is not set; set it where Breakwater runs, or mend the name"
    return ""


def _expanded(value: Any, environ: Mapping[str, str]) -> Any:
    match value:
        case str():
            return PLACEHOLDER.sub(lambda match: environ[match[1]] if match[1] else "${", value)
        case Mapping():
            return {key: _expanded(item, environ) for key, item in value.items()}
        case list() | tuple():
            return [_expanded(item, environ) for item in value]
        case _:
            return value


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield where, value
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, f"{where}.{key}" if where else str(key))
        case list() | tuple():
            for number, item in enumerate(value):
                yield from _texts(item, f"{where}.{number}" if where else str(number))
