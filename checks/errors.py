"""
Every error that Breakwater raises on purpose, as one family.

    BreakwaterError
    ├── InvalidInput              what a person or a client wrote cannot be accepted
    │   └── ConditionSyntaxError  (in rules.condition) with the place in the text
    ├── NotFound                  no such check, page, stream …
    ├── Conflict                  clashes with the present state
    │   ├── WrongExpectedVersion  someone else was first
    │   ├── AlreadyUnderWay       what was asked for is happening anyway
    │   └── IllegalMove           the present state does not allow this
    ├── UnknownCommand            not on the whitelist
    └── CheckError                a probe's target failed; becomes an outcome, never a traceback
        ├── NameNotResolved       the lookup failed or gave nothing
        ├── EgressBlocked         policy refuses the address; no downtime of the target
        └── ProbeUnable           we could not measure; no blame on the target

Faces translate these to their own language (HTTP codes, exit codes); rules know no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class BreakwaterError(Exception):
    """Root of the family."""


@dataclass(frozen=True, slots=True)
class Problem:
    """
    One thing that is wrong with an input.

    Attributes:
        where: Path to the place, dotted: ``checks.api.timeout``; empty for the whole.
        message: What is wrong and what would be right, as one sentence.
        line: Line in the file it came from, counted from 1; None when it came from no file.
    """

    where: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.where if self.line is None else f"line {self.line}: {self.where}".rstrip(": ")
        return f"{place}: {self.message}" if place else self.message


class InvalidInput(BreakwaterError):
    """The input is refused as a whole; `problems` names every reason, so one round mends all."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(BreakwaterError):
    """What was asked for does not exist (any more)."""


class Conflict(BreakwaterError):
    """The request is sound but clashes with the present state."""


class WrongExpectedVersion(Conflict):
    """
    Someone appended first. Read again, then decide again.

    Attributes:
        stream: The stream's name.
        expected: The version that the caller had seen.
        actual: The version that the stream has.
    """

    def __init__(self, stream: str, *, expected: int, actual: int) -> None:
        self.stream, self.expected, self.actual = stream, expected, actual
        super().__init__(
            f"Stream {stream!r} is at version {actual}, not {expected}: it has changed since it was read."
        )


class AlreadyUnderWay(Conflict):
    """What was asked for is happening anyway; nothing needs to be done."""


class IllegalMove(Conflict):
    """The present state does not allow what was asked."""


class UnknownCommand(BreakwaterError):
    """The command is not on the bus's whitelist."""


class CheckError(BreakwaterError):
    """A target failed in a way a probe foresees; the message is the outcome's sentence."""


class NameNotResolved(CheckError):
    """The name has no address, or its resolver did not say so in time."""


class EgressBlocked(CheckError):
    """Policy refuses to dial this address. The message names the address, the rule and the setting."""


class ProbeUnable(CheckError):
    """We were not able to measure (a missing secret, right or library); the target is not to blame."""
