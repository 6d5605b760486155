"""
Gatus' condition language: ``[STATUS] == 200``, ``age([BODY].updated_at) < 30m``.

A condition is one comparison, its operator between spaces. Either side is a placeholder, alone or
in ``len()``, ``has()`` or ``age()``, or a plain value, or for ``==`` and ``!=`` a ``pat()`` or an
``any()``. It is read once into a frozen `Condition`; evaluating it is pure and never raises.

Equality is Gatus': whole numbers by value (``0x1F`` and ``31`` are equal), everything else as text,
and what is missing equals nothing. We are stricter in four places, each where Gatus would quietly
do something else than was meant: a misspelt placeholder is refused instead of taken as text; a
plain value that is no number is refused by ``<`` and its kin instead of counting as 0; what is
missing or no number makes ``<`` and its kin fail instead of counting as 0; and fractions count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from checks.errors import InvalidInput, Problem
from checks.rules.answer import Answer, Step
from checks.rules.comparison import (
    EQUALITIES,
    ORDERINGS,
    PLACEHOLDERS,
    AnyOf,
    Condition,
    Literal,
    Operand,
    Pattern,
    Seen,
    evaluate_all,
)
from checks.rules.glob import Glob, compile_glob
from checks.rules.quantity import number, whole_number

__all__ = ["PLACEHOLDERS", "Answer", "Condition", "ConditionSyntaxError", "evaluate_all", "parse"]

MAX_LENGTH = 1000

OPERATORS = (*EQUALITIES, *ORDERINGS)
FUNCTIONS = ("len", "has", "age", "pat", "any")

_FUNCTION = re.compile(r"([A-Za-z_]+)\(")
_PLACEHOLDER = re.compile(r"\[([A-Za-z_]+)(\]?)")
_OPERATOR = re.compile(r" (==|!=|<=|>=|<|>)(?= )")
_SYMBOL = re.compile(r"[=!<>~]+")
_ONE_COMPARISON = (
    "a condition is one comparison; make a second condition of the rest, or write any(a, b) for alternatives"
)
_INSTEAD = {
    "=": "write ==",
    "===": "write ==",
    "!==": "write !=",
    "<>": "write !=",
    "=>": "write >=",
    "=<": "write <=",
    "~": "write == pat(*text*)",
    "=~": "write == pat(*text*)",
    "!~": "write != pat(*text*)",
}


class ConditionSyntaxError(InvalidInput):
    """
    A condition that cannot be read. The message shows the text with a caret below the place.

    Attributes:
        text: The condition as it was written.
        position: Where in it, counted from 0.
    """

    def __init__(self, text: str, position: int, message: str) -> None:
        self.text, self.position = text, position
        start = max(0, position - 60)
        excerpt = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
        caret = " " * (position - start) + "^"
        super().__init__(Problem("", f"{message}\n    {excerpt[start : position + 40]}\n    {caret}"))


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a condition's text that knows where it stands."""

    source: str
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source[self.start : self.end]

    def cut(self, start: int, end: int) -> _Part:
        """The piece from `start` to `end` of this piece, without the spaces around it."""
        text = self.text[start:end]
        left = self.start + start + len(text) - len(text.lstrip())
        return _Part(self.source, left, left + len(text.strip()))

    def wrong(self, message: str, offset: int = 0) -> ConditionSyntaxError:
        return ConditionSyntaxError(self.source, self.start + offset, message)


def parse(text: str) -> Condition:
    """
    Read a condition.

    Raises:
        ConditionSyntaxError: With the place and what would be right there.
    """
    whole = _Part(text, 0, len(text)).cut(0, len(text))
    if not whole.text:
        raise whole.wrong("the condition is empty; write one such as [STATUS] == 200")
    if len(text) > MAX_LENGTH:
        raise whole.wrong(
            f"the condition is too long; at most {MAX_LENGTH} characters are allowed", MAX_LENGTH
        )
    for offset, character in enumerate(whole.text):
        if not character.isprintable():
            name = f"U+{ord(character):04X}"
            raise whole.wrong(
                f"the character {name} cannot be shown; use a space, or * inside of pat()", offset
            )
    left_part, operator, right_part = _split(whole)
    left, right = _operand(left_part), _operand(right_part)
    for side, side_part in ((left, left_part), (right, right_part)):
        _expect_one_comparison(side, side_part)
    seen = [side for side in (left, right) if isinstance(side, Seen)]
    if not seen:
        raise left_part.wrong("nothing is asked of the answer; " + _did_you_mean(left_part.text))
    if operator in EQUALITIES:
        _expect_words(seen, left, left_part)
        _expect_words(seen, right, right_part)
    else:
        _expect_number(left, left_part, operator)
        _expect_number(right, right_part, operator)
    return Condition(whole.text, left, operator, right, frozenset(side.name for side in seen))


def _split(whole: _Part) -> tuple[_Part, str, _Part]:
    """Both sides and the operator: the first one that does not stand inside of a function."""
    text = whole.text
    for found in _OPERATOR.finditer(text):
        left, right = whole.cut(0, found.start()), whole.cut(found.end(), len(text))
        if not _FUNCTION.match(left.text) or left.text.endswith(")"):
            return left, found[1], right
    raise _no_operator(whole)


def _no_operator(whole: _Part) -> ConditionSyntaxError:
    text, known = whole.text, " ".join(OPERATORS)
    if (found := _SYMBOL.search(text)) is None:
        return whole.wrong(f"an operator is missing; write one of {known} and a value", len(text))
    symbol, place = found[0], found.start()
    if symbol in OPERATORS and f" {symbol} " in text:
        return whole.wrong(f"a ) is missing before {symbol}", place - 1)
    if symbol in OPERATORS and found.end() == len(text):
        return whole.wrong(f"a value is missing after {symbol}", len(text))
    if symbol in OPERATORS and place == 0:
        return whole.wrong(f"a value is missing before {symbol}, such as [STATUS]")
    if symbol in OPERATORS:
        return whole.wrong(f"{symbol} needs a space on both sides", place)
    return whole.wrong(f"{symbol} is no operator; {_INSTEAD.get(symbol, f'write one of {known}')}", place)


def _operand(part: _Part) -> Operand:
    text = part.text
    if opened := _FUNCTION.match(text):
        name = opened[1]
        if name in FUNCTIONS:
            return _function(name, part)
        if name.lower() in FUNCTIONS or "[" in text:
            near = get_close_matches(name.lower(), FUNCTIONS, n=1)
            raise part.wrong(f"unknown function {name}(); " + _one_of(near, "()", FUNCTIONS))
    if placeholder := _PLACEHOLDER.match(text):
        name = placeholder[1].upper()
        if not placeholder[2] and name in PLACEHOLDERS:
            raise part.wrong(f"[{name} is never closed; write [{name}]", placeholder.end())
        if placeholder[2]:
            return _placeholder(name, part)
    return Literal(text, whole_number(text), number(text))


def _function(name: str, part: _Part) -> Operand:
    text = part.text
    if not text.endswith(")"):
        raise part.wrong(f"{name}( is never closed; a ) is missing", len(text))
    inner = part.cut(len(name) + 1, len(text) - 1)
    if name == "pat":
        return Pattern(text, _glob(inner))
    if name == "any":
        return AnyOf(text, _options(inner))
    if name == "age" and "," in inner.text:
        message = "age() takes no layout; it reads HTTP dates, RFC 3339 and Unix time"
        raise inner.wrong(message, inner.text.index(","))
    value = _operand(inner) if _PLACEHOLDER.match(inner.text) else None
    if not isinstance(value, Seen):
        raise inner.wrong(f"{name}() takes a placeholder, as in {name}([BODY].items)")
    if name == "age" and value.name != "BODY":
        raise inner.wrong("age() takes a time from the body, as in age([BODY].updated_at)")
    return Seen(text, name, value.name, value.steps)


def _glob(part: _Part) -> Glob:
    try:
        return compile_glob(part.text)
    except ValueError as error:
        message, offset = error.args
        raise part.wrong(message, offset) from error


def _options(part: _Part) -> tuple[str | Glob, ...]:
    """The alternatives between commas; those inside of pat() belong to the pattern."""
    options: list[str | Glob] = []
    start, text = 0, part.text
    while start <= len(text):
        end = text.find(",", start)
        if text[start:].lstrip().startswith("pat("):
            closed = text.find(")", start)
            end = text.find(",", closed) if closed >= 0 else -1
        option = part.cut(start, len(text) if end < 0 else end)
        if not option.text:
            raise option.wrong("an alternative is missing; any() takes values between commas")
        value = _operand(option)
        if isinstance(value, Seen | AnyOf):
            raise option.wrong("any() takes plain values and pat(), as in any(200, 204)")
        options.append(value.glob if isinstance(value, Pattern) else value.text)
        start = len(text) + 1 if end < 0 else end + 1
    return tuple(options)


def _placeholder(name: str, part: _Part) -> Seen:
    rest = len(name) + 2
    if name not in PLACEHOLDERS:
        raise part.wrong(f"unknown placeholder [{name}]; " + _did_you_mean(name))
    if name != "BODY" and rest != len(part.text):
        raise part.wrong(f"nothing can follow [{name}]; only [BODY] has a path", rest)
    return Seen(part.text, "", name, _path(part, rest))


def _path(part: _Part, position: int) -> tuple[Step, ...]:
    """The steps of ``.key[0]["key with . or [ in it"]``."""
    steps: list[Step] = []
    text = part.text
    while position < len(text):
        if text[position] == ".":
            key = re.match(r"[^.\[\]]*", text[position + 1 :])
            length = len(key[0]) if key else 0
            if not length:
                raise part.wrong("a key is missing after the dot", position + 1)
            steps.append(text[position + 1 : position + 1 + length])
            position += 1 + length
        elif index := re.match(r"\[([0-9]{1,9})\]", text[position:]):
            steps.append(int(index[1]))
            position += index.end()
        elif quoted := re.match(r"""\[(["'])(.+?)\1\]""", text[position:]):
            steps.append(quoted[2])
            position += quoted.end()
        elif text[position] == "[":
            raise part.wrong('an index is a whole number or a quoted key, as in [0] or ["a key"]', position)
        else:
            raise part.wrong("after [BODY] comes .key, [0] or nothing", position)
    return tuple(steps)


def _expect_one_comparison(operand: Operand, part: _Part) -> None:
    if not isinstance(operand, Literal):
        return
    for inside in _PLACEHOLDER.finditer(part.text):
        if inside[2] and inside[1].upper() in PLACEHOLDERS:
            raise part.wrong(_ONE_COMPARISON, inside.start())
    if again := _OPERATOR.search(part.text):
        raise part.wrong(_ONE_COMPARISON, again.start(1))


def _expect_words(seen: list[Seen], operand: Operand, part: _Part) -> None:
    """What is true or false is compared with these words and no others."""
    boolean = any(side.function == "has" or (side.name == "CONNECTED" and not side.function) for side in seen)
    if boolean and isinstance(operand, Literal) and operand.text not in ("true", "false"):
        raise part.wrong("this is either true or false, in small letters")


def _expect_number(operand: Operand, part: _Part, operator: str) -> None:
    match operand:
        case Pattern() | AnyOf():
            raise part.wrong(f"pat() and any() work with == and !=, not with {operator}")
        case Literal(number=None) if re.fullmatch(r"[0-9.]+d", part.text):
            raise part.wrong("days are no unit; write hours, as in 720h for 30 days")
        case Literal(number=None):
            raise part.wrong(f"{operator} compares numbers and durations, as in 500, 300ms or 48h")
        case Seen(function="has") | Seen(function="", name="CONNECTED" | "IP" | "DNS_RCODE"):
            raise part.wrong(f"this is no number; compare it by == or !=, not by {operator}")


def _did_you_mean(text: str) -> str:
    near = get_close_matches(text.strip("[]").upper(), PLACEHOLDERS, n=1)
    return _one_of([f"[{name}]" for name in near], "", [f"[{name}]" for name in sorted(PLACEHOLDERS)])


def _one_of(near: list[str], suffix: str, known: Iterable[str]) -> str:
    if near:
        return f"did you mean {near[0]}{suffix}?"
    return "known are " + ", ".join(f"{name}{suffix}" for name in known)
