"""
Taking values out of what a person wrote, each with its type and range, collecting what is wrong.

Nothing is coerced: a value of the wrong type is refused with a sentence that says what was
expected, what came, and, where YAML surprised its writer, how to mend it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from checks.errors import Problem

MAX_CHARACTERS = 131_072
"""All texts among one check's settings together: a definition has to fit into one event."""
MAX_VALUES = 2_000


class Reader:
    """Takes keys from a mapping, each with its range, and collects what is wrong on the way."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = []

    def refuse(self, key: str, message: str) -> None:
        self.problems.append(Problem(key, message))

    def text(self, key: str, default: str, limit: int, *, required: bool = False, lines: bool = False) -> str:
        if key not in self.raw:
            return default
        try:
            value = one_text(self.raw[key], limit, lines=lines)
        except ValueError as error:
            self.refuse(key, str(error))
            return default
        if required and not value:
            self.refuse(key, "is empty: give it at least one visible character, or leave the key out")
        return value

    def texts(self, key: str, most: int, limit: int) -> tuple[str, ...]:
        value = self.raw.get(key, ())
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.refuse(key, f"a list of texts expected, got {shown(value)}; write it as [a, b]")
            return ()
        if len(value) > most:
            self.refuse(key, f"at most {most} entries are allowed, got {len(value)}")
            return ()
        found: list[str] = []
        for number, item in enumerate(value):
            try:
                text = one_text(item, limit)
            except ValueError as error:
                self.refuse(f"{key}.{number}", str(error))
                continue
            if not text:
                self.refuse(f"{key}.{number}", "is empty: give it at least one visible character")
            elif text in found:
                self.refuse(f"{key}.{number}", f"{text!r} is given twice; keep one")
            found.append(text)
        return tuple(found)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self.raw.get(key, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(key, f"a whole number from {low} to {high} expected, got {shown(value)}")
            return default
        return value

    def seconds(self, key: str, default: timedelta, low: float, high: float) -> timedelta:
        if key not in self.raw:
            return default
        value = self.raw[key]
        wrong = isinstance(value, bool) or not isinstance(value, int | float)
        if wrong or not low <= value <= high:  # NaN is in no range
            self.refuse(key, f"a number of seconds from {low:g} to {high:g} expected, got {shown(value)}")
            return default
        return timedelta(milliseconds=round(value * 1000))


def one_text(value: object, limit: int, *, lines: bool = False) -> str:
    """
    Return `value` trimmed, if it is a text that can be stored and shown.

    Args:
        lines: Whether line breaks and tabs may stand in it.
    Raises:
        ValueError: One sentence that says what was expected and what came.
    """
    if not isinstance(value, str):
        raise ValueError(text_expected(value))  # noqa: TRY004
    if len(value) > limit:
        raise ValueError(f"at most {limit} characters are allowed, got {len(value)}")
    for character in value:
        if unicodedata.category(character) in ("Cc", "Cs") and not (lines and character in "\n\r\t"):
            raise ValueError(f"the character U+{ord(character):04X} cannot stand in it")
    return value.strip() if any(_visible(character) for character in value) else ""


def text_expected(value: object) -> str:
    """The sentence for a value that should have been a text, with the mend for YAML's surprises."""
    match value:
        case bool():
            return f"text expected, got true/false (here: {str(value).lower()}); put it in quotes"
        case date():
            return f"text expected, got a date ({value}); put it in quotes"
        case int() | float():
            return f"text expected, got the number {value}; put it in quotes"
        case None:
            return "text expected, got nothing; leave the key out, or write a text"
        case _:
            return f"text expected, got {shown(value)}"


def unknown_key(key: object, known: Iterable[str]) -> str:
    """The sentence for a key that nobody knows, with the one that was probably meant."""
    names = sorted(known)
    if close := get_close_matches(str(key), names, n=1):
        return f"unknown key {shown(key)}; did you mean {close[0]!r}?"
    return f"unknown key {shown(key)}; known keys: {', '.join(names)}"


def unstorable(settings: Mapping[Any, Any]) -> list[Problem]:
    """Values that neither JSON nor a database column can hold, or that are too many or too long."""
    problems: list[Problem] = []
    values = characters = 0
    waiting: list[tuple[str, Any]] = [(str(key), value) for key, value in settings.items()]
    while waiting and values <= MAX_VALUES and characters <= MAX_CHARACTERS:
        where, value = waiting.pop()
        values += 1
        match value:
            case str():
                characters += len(value)
                if (found := re.search("[\x00\ud800-\udfff]", value)) is not None:
                    problems.append(Problem(where, f"the character U+{ord(found[0]):04X} cannot stand in it"))
            case bool() | int() | None:
                pass
            case float():
                if not math.isfinite(value):
                    problems.append(Problem(where, f"a finite number expected, got {shown(value)}"))
            case date():
                problems.append(Problem(where, text_expected(value)))
            case Mapping():
                waiting.extend((f"{where}.{key}", item) for key, item in value.items())
                odd_keys = [key for key in value if not isinstance(key, str)]
                problems.extend(Problem(where, f"as a key: {text_expected(key)}") for key in odd_keys)
            case list() | tuple():
                waiting.extend((f"{where}.{number}", item) for number, item in enumerate(value))
            case _:
                expected = "a text, a number, a list or a mapping expected"
                problems.append(Problem(where, f"{expected}, got {shown(value)}"))
    if values > MAX_VALUES:
        problems.append(Problem("", f"at most {MAX_VALUES} values are allowed in one check"))
    if characters > MAX_CHARACTERS:
        problems.append(
            Problem(where, f"too long: one check's settings hold at most {MAX_CHARACTERS} characters")
        )
    return problems


def shown(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "nothing"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "…"


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZC"
