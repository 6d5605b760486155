"""
Conditions, once read: what stands on either side, and whether the comparison holds.

Evaluating is pure and never raises, whatever was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import ge, gt, le, lt

from checks.rules.answer import Answer, Step
from checks.rules.glob import Glob
from checks.rules.outcome import ConditionResult, Facts
from checks.rules.quantity import number, shown_duration, timestamp, whole_number

SHOWN_LENGTH = 100
"""How much of a seen value `ConditionResult.explained` shows."""

EQUALITIES = ("==", "!=")
ORDERINGS: dict[str, Callable[[float, float], bool]] = {"<=": le, ">=": ge, ">": gt, "<": lt}


@dataclass(frozen=True, slots=True)
class Literal:
    """A plain value, and what it is worth as a number, if anything."""

    text: str
    whole: int | None
    number: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """
    A value from the answer.

    Attributes:
        text: As it was written.
        function: ``len``, ``has``, ``age`` or nothing.
        name: The placeholder, in capitals, without brackets.
        steps: The path below ``[BODY]``.
    """

    text: str
    function: str
    name: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """``pat(…)``."""

    text: str
    glob: Glob


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``any(…)``: plain values and patterns."""

    text: str
    options: tuple[str | Glob, ...]


Operand = Literal | Seen | Pattern | AnyOf


@dataclass(frozen=True, slots=True)
class Condition:
    """
    A condition, read. Make one by `condition.parse`.

    Attributes:
        text: As it was written.
        placeholders: What it asks for: ``STATUS``, ``BODY`` …
    """

    text: str
    left: Operand
    operator: str
    right: Operand
    placeholders: frozenset[str]

    def evaluate(self, facts: Facts | Answer, now: datetime) -> ConditionResult:
        """Never raises, whatever was answered. `now` is what ``age()`` counts from."""
        answer = facts if isinstance(facts, Answer) else Answer(facts)
        left, right = _value(self.left, answer, now), _value(self.right, answer, now)
        if self.operator in EQUALITIES:
            met = _equal(self.left, left, self.right, right) is (self.operator == "==")
        else:
            a, b = _number(self.left, left), _number(self.right, right)
            met = a is not None and b is not None and ORDERINGS[self.operator](a, b)
        explained = f"{_shown(self.left, left)} {self.operator} {_shown(self.right, right)}"
        return ConditionResult(condition=self.text, explained=explained, met=met)


def evaluate_all(
    conditions: Iterable[Condition], facts: Facts | Answer, now: datetime
) -> tuple[ConditionResult, ...]:
    """
    Evaluate several conditions on one answer, reading its body once.

    Args:
        facts: What the probe saw; as an `Answer` its body stays read for the next call.
    """
    answer = facts if isinstance(facts, Answer) else Answer(facts)
    return tuple(condition.evaluate(answer, now) for condition in conditions)


_PLAIN: dict[str, Callable[[Facts], str | None]] = {
    "STATUS": lambda facts: None if facts.status is None else str(facts.status),
    "RESPONSE_TIME": lambda facts: _ms(facts.response_time),
    "CONNECTED": lambda facts: "true" if facts.connected else "false",
    "IP": lambda facts: facts.ip,
    "DNS_RCODE": lambda facts: facts.dns_rcode,
    "CERTIFICATE_EXPIRATION": lambda facts: _ms(facts.certificate_expiration),
    "DOMAIN_EXPIRATION": lambda facts: _ms(facts.domain_expiration),
}
PLACEHOLDERS = frozenset({*_PLAIN, "BODY"})
_DURATIONS = {"CERTIFICATE_EXPIRATION", "DOMAIN_EXPIRATION"}


def _ms(duration: timedelta | None) -> str | None:
    # Cut, not rounded, and towards zero: so does Gatus.
    return None if duration is None else str(int(duration / timedelta(milliseconds=1)))


def _value(operand: Operand, answer: Answer, now: datetime) -> str | None:
    """The operand as text; None when the answer does not have it."""
    if not isinstance(operand, Seen):
        return operand.text
    if operand.name == "BODY":
        return _from_body(operand, answer, now)
    value = _PLAIN[operand.name](answer.facts)
    match operand.function:
        case "has":
            return "true" if value else "false"
        case "len":
            return None if value is None else str(len(value))
        case _:
            return value


def _from_body(operand: Seen, answer: Answer, now: datetime) -> str | None:
    match operand.function:
        case "has":
            return "true" if answer.has(operand.steps) else "false"
        case "len":
            length = answer.length_at(operand.steps)
            return None if length is None else str(length)
        case "age":
            at = timestamp(answer.text_at(operand.steps) or "")
            return None if at is None else str(_age_ms(now, at))
        case _:
            return answer.text_at(operand.steps)


def _age_ms(now: datetime, at: int) -> int:
    age = (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) - at
    return age // 1000 if age >= 0 else -(-age // 1000)


def _equal(left: Operand, a: str | None, right: Operand, b: str | None) -> bool:
    if a is None or b is None:
        return False
    match left, right:
        case (Pattern(glob=glob), _):
            return glob.matches(b)
        case (_, Pattern(glob=glob)):
            return glob.matches(a)
        case (AnyOf(options=options), _):
            return any(_fits(option, b) for option in options)
        case (_, AnyOf(options=options)):
            return any(_fits(option, a) for option in options)
    whole = left.whole if isinstance(left, Literal) else whole_number(a)
    other = right.whole if isinstance(right, Literal) else whole_number(b)
    return a == b if whole is None or other is None else whole == other


def _fits(option: str | Glob, value: str) -> bool:
    return option.matches(value) if isinstance(option, Glob) else option == value


def _number(operand: Operand, value: str | None) -> float | None:
    if isinstance(operand, Literal):
        return operand.number
    return None if value is None else number(value)


def _shown(operand: Operand, value: str | None) -> str:
    """The operand as written, with the seen value behind it."""
    if not isinstance(operand, Seen):
        return operand.text
    if value is None:
        return f"{operand.text} (INVALID)"
    if operand.function == "age" or (operand.name in _DURATIONS and not operand.function):
        value = shown_duration(int(value))
    short = value if len(value) <= SHOWN_LENGTH else value[:SHOWN_LENGTH] + "…"
    return f"{operand.text} ({short if short.isprintable() else _neutral(short)})"


def _neutral(text: str) -> str:
    """Control characters, lone surrogates and the like as escapes: what is shown is all there is."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
