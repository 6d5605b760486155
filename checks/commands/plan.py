"""What applying a configuration would do, in words that can be shown: secrets are masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from checks.errors import Problem
from checks.kinds.masking import masked


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One key before and after; None where it was not there, or is not there any more."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """
    Attributes:
        what: ``check`` or ``page``.
        fields: Every key of what is new, and the keys that differ of what changes.
    """

    what: Literal["check", "page"]
    slug: str
    action: Literal["add", "change", "remove"]
    source: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    Attributes:
        unchanged: How many checks and pages are as they should be.
        left_over: Slugs that a source defined before and does not any more; only pruning removes them.
        applied: Whether the changes have been made.
    """

    changes: tuple[Change, ...]
    unchanged: int
    left_over: tuple[str, ...]
    warnings: tuple[Problem, ...]
    applied: bool

    def count(self, action: str, what: str | None = None) -> int:
        return sum(change.action == action and what in (None, change.what) for change in self.changes)


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The keys that differ; a literal secret shows as a mask on both sides."""
    shown_before, shown_after = masked(before), masked(after)
    return tuple(
        FieldChange(key, shown_before.get(key), shown_after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    )


def counts(changes: Sequence[Change]) -> dict[str, int]:
    """How many checks and pages were added, changed and removed, for the log."""
    return {
        f"{what}s_{past}": sum(change.action == action and change.what == what for change in changes)
        for what in ("check", "page")
        for action, past in (("add", "added"), ("change", "changed"), ("remove", "removed"))
    }
