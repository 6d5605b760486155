"""
What a target answered, as conditions look into it: its JSON is read once, and only if asked for.

Nothing here raises, whatever the body holds; what cannot be had is None, shown as ``(INVALID)``.
Values become text as Gatus writes them: objects as compact JSON, arrays as ``[1 2 3]``, numbers in
their shortest form. Lengths of texts are counted in bytes, those of arrays in elements.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isfinite
from typing import TypeVar

from checks.rules.outcome import Facts

T = TypeVar("T")

Step = str | int
"""One step into JSON: an object's key or an array's index."""

_ABSENT = object()
_WHOLE_BELOW = 1e21


class Answer:
    """
    The facts of one probe. Make one and hand it to several evaluations to read its body once.

    Attributes:
        facts: What the probe saw.
        body: The body without the white space around it; empty when there is none.
    """

    __slots__ = ("_document", "_read", "body", "facts")

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.body = (facts.body or "").strip()
        self._read = False
        self._document: object = _ABSENT

    def text_at(self, steps: tuple[Step, ...]) -> str | None:
        """The value at a path into the body, as text; None for a missing one and for null."""
        return self.body if not steps else _guarded(_text, self._at(steps))

    def length_at(self, steps: tuple[Step, ...]) -> int | None:
        """How long the value at a path is; an array's is its number of elements."""
        if steps:
            return _guarded(_length, self._at(steps))
        if self.body.startswith("[") and self.body.endswith("]"):
            document = self._document_of_body()
            return len(document) if isinstance(document, list) else _bytes(self.body)
        return _bytes(self.facts.body or "")

    def has(self, steps: tuple[Step, ...]) -> bool:
        """Whether there is something at a path: neither missing nor null."""
        if not steps:
            return bool(self.body)
        value = self._at(steps)
        return value is not None and value is not _ABSENT

    def _at(self, steps: tuple[Step, ...]) -> object:
        value = self._document_of_body()
        for step in steps:
            if isinstance(step, str) and isinstance(value, dict):
                value = value.get(step, _ABSENT)
            elif isinstance(step, int) and isinstance(value, list) and step < len(value):
                value = value[step]
            else:
                return _ABSENT
        return value

    def _document_of_body(self) -> object:
        if not self._read:
            self._read = True
            self._document = _parsed(self.body)
        return self._document


class _NotJson(ValueError):
    """NaN and Infinity are Python's, not JSON's."""


def _refuse(constant: str) -> object:
    raise _NotJson(constant)


# Python refuses to read integers of thousands of digits as numbers; as text they do no harm.
_READERS = (
    json.JSONDecoder(parse_constant=_refuse),
    json.JSONDecoder(parse_constant=_refuse, parse_int=str),
)


def _parsed(body: str) -> object:
    for reader in _READERS:
        try:
            return reader.decode(body)
        except (json.JSONDecodeError, RecursionError, _NotJson):
            return _ABSENT
        except ValueError:
            continue
    return _ABSENT


def _text(value: object) -> str | None:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            if not isfinite(value):
                return None
            return str(int(value)) if value.is_integer() and abs(value) < _WHOLE_BELOW else repr(value)
        case list():
            return "[" + " ".join(_text(item) or ("" if item == "" else "<nil>") for item in value) + "]"
        case dict():
            return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        case _:
            return None


def _length(value: object) -> int | None:
    if isinstance(value, list):
        return len(value)
    text = _text(value)
    return None if text is None else _bytes(text)


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _guarded(read: Callable[[object], T | None], value: object) -> T | None:
    try:
        return read(value)
    except RecursionError:
        # What was just shallow enough to be read can be too deep to be written.
        return None
