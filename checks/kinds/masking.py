"""
Which settings are secret, and how they look to whoever may read everything else.

A secret that is a placeholder (``${TOKEN}``) is shown as it stands: it gives nothing away. A
literal one is shown as `MASK` in pages, events, plans and exports.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from checks.kinds.base import KINDS, secret_fields
from checks.rules.placeholders import PLACEHOLDER

MASK = "••••••"

TELLING = re.compile(
    r"authori[sz]ation|cookie|token|secret|passw|credential|signature|session|(api|access|auth|private)[_-]?key",
    re.IGNORECASE,
)
"""Names of headers and query parameters whose values are secrets wherever they stand."""

SCHEME = re.compile(r"\A(?:basic|bearer|digest|token)\s+", re.IGNORECASE)
PASSWORD = re.compile(r"(?<=://)([^/?#@:\s]*):([^/?#@\s]+)@")
PARAMETER = re.compile(r"([?&])([^=&#\s]+)=([^&#\s]+)")

Replace = Callable[[tuple[str, ...], str], str]
"""Given the path to a literal secret and its text: what to write instead."""


def masked(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The public keys of a definition with `MASK` in place of each literal secret."""
    return replace_secrets(definition, lambda _path, _text: MASK)


def replace_secrets(definition: Mapping[str, Any], replace: Replace) -> dict[str, Any]:
    """The public keys of a definition with each literal secret replaced by what `replace` returns."""
    kind = str(definition.get("kind", "http"))
    if kind in KINDS:
        secret = _secret_settings(kind)
    else:
        secret = frozenset(key for key in definition if TELLING.search(key))
    return {key: _replaced((key,), value, key in secret, replace) for key, value in definition.items()}


def literal_secrets(definition: Mapping[str, Any]) -> list[str]:
    """Where literal secrets stand, as dotted paths."""
    found: list[str] = []

    def note(path: tuple[str, ...], text: str) -> str:
        found.append(".".join(path))
        return text

    replace_secrets(definition, note)
    return found


def secret_texts(definition: Mapping[str, Any]) -> frozenset[str]:
    """
    The secrets that a definition holds, once its placeholders have been replaced; the word after a
    scheme (``Bearer abc``) by itself, too.
    """
    found: set[str] = set()

    def note(_path: tuple[str, ...], text: str) -> str:
        found.update((text, SCHEME.sub("", text)))
        return text

    replace_secrets(definition, note)
    return frozenset(found)


@cache
def _secret_settings(kind: str) -> frozenset[str]:
    return secret_fields(KINDS[kind])


def _replaced(path: tuple[str, ...], value: Any, secret: bool, replace: Replace) -> Any:
    match value:
        case str() if secret:
            return replace(path, value) if _literal(value) else value
        case str() if "://" in value:
            return _link(path, value, replace)
        case bool() | None:
            return value
        case int() | float() if secret:
            return replace(path, str(value))
        case Mapping():
            return {
                key: _replaced((*path, str(key)), item, secret or bool(TELLING.search(str(key))), replace)
                for key, item in value.items()
            }
        case list() | tuple():
            return [_replaced((*path, str(n)), item, secret, replace) for n, item in enumerate(value)]
        case _:
            return value


def _link(path: tuple[str, ...], link: str, replace: Replace) -> str:
    """A web address with its password and its telling parameters replaced."""

    def password(match: re.Match[str]) -> str:
        user, word = match.groups()
        return f"{user}:{replace((*path, 'password'), word) if _literal(word) else word}@"

    def parameter(match: re.Match[str]) -> str:
        mark, name, value = match.groups()
        if TELLING.search(name) and _literal(value):
            value = replace((*path, name), value)
        return f"{mark}{name}={value}"

    return PARAMETER.sub(parameter, PASSWORD.sub(password, link))


def _literal(value: str) -> bool:
    return bool(PLACEHOLDER.sub("", SCHEME.sub("", value)).strip())
