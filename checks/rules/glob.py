"""
Patterns for conditions: ``*`` any run of characters, ``?`` one character, ``[a-z]`` ``[^a-z]`` one of
a class, ``\\`` takes the next character as it is.

Bodies come from strangers, so matching must never take long. A pattern of stars alone never goes
back: each piece between two stars is searched once, from where the last one ended. Anything else
goes to RE2, which is linear too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import re2

MAX_SINGLES = 8
"""How many ``?`` and classes one pattern may hold: each widens RE2's work on every character."""

_QUIET = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern, ready to match. Make one by `compile_glob`."""

    pieces: tuple[str, ...]
    automaton: Any = None

    def matches(self, text: str) -> bool:
        """Whether the whole text fits the pattern."""
        if self.automaton is not None:
            # RE2 reads UTF-8, which has no lone surrogates.
            return self.automaton.fullmatch(text.encode("utf-8", "replace").decode()) is not None
        first, *middle = self.pieces
        if not middle:
            return text == first
        last = middle.pop()
        end = len(text) - len(last)
        place = len(first)
        if end < place or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in middle:
            found = text.find(piece, place, end)
            if found < 0:
                return False
            place = found + len(piece)
        return True


def compile_glob(pattern: str) -> Glob:
    """
    Read a pattern.

    Raises:
        ValueError: With the position of the character that cannot be read as second argument.
    """
    pieces, expression, singles = [""], "", 0
    position = 0
    while position < len(pattern):
        character = pattern[position]
        start, position = position, position + 1
        match character:
            case "*":
                pieces.append("")
                expression += ".*"
            case "?":
                expression += "."
                singles += 1
            case "[":
                part, position = _class(pattern, position)
                expression += part
                singles += 1
            case "\\" if position == len(pattern):
                raise ValueError("a backslash at the end takes nothing; write \\\\ for a backslash", start)
            case _:
                if character == "\\":
                    character, position = pattern[position], position + 1
                pieces[-1] += character
                expression += re2.escape(character)
    if singles > MAX_SINGLES:
        raise ValueError(f"at most {MAX_SINGLES} ? and [classes] are allowed in one pattern; use *", 0)
    return Glob(tuple(pieces), re2.compile(f"(?s:{expression})", options=_QUIET) if singles else None)


def _class(pattern: str, position: int) -> tuple[str, int]:
    """The class that opened just before `position`, for RE2, and where it ends."""
    opened, expression = position - 1, "["
    if pattern.startswith("^", position):
        expression, position = "[^", position + 1
    members = 0
    while position < len(pattern) and not (pattern[position] == "]" and members):
        low, position = _member(pattern, position, opened)
        high = low
        if pattern.startswith("-", position):
            high, position = _member(pattern, position + 1, opened)
        if low > high:
            raise ValueError(f"the range {low}-{high} runs backwards; write {high}-{low}", opened)
        expression += f"{re2.escape(low)}-{re2.escape(high)}"
        members += 1
    if position >= len(pattern):
        raise ValueError("the class is never closed; close it with ], or write \\[ for a bracket", opened)
    return expression + "]", position + 1


def _member(pattern: str, position: int, opened: int) -> tuple[str, int]:
    if pattern.startswith("\\", position):
        position += 1
    if position >= len(pattern):
        raise ValueError("the class is never closed; close it with ], or write \\[ for a bracket", opened)
    return pattern[position], position + 1
