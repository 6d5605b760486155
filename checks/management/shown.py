"""How plans, problems and progress look on a terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import OutputWrapper

from checks.commands.plan import Change, Plan
from checks.errors import InvalidInput, Problem

MARKS = {"add": "+", "change": "~", "remove": "-"}
PROGRESS_FROM = 200
"""Fewer steps than this are done before anybody wonders."""
PROGRESS_EVERY_S = 0.5
MOST_REMARKS = 20
"""Remarks of one sort that are written out; the rest are counted."""


class Progress:
    """Says how far long work has come: in place on a terminal, in lines elsewhere."""

    def __init__(self, out: OutputWrapper) -> None:
        self._out = out
        self._said_at = time.monotonic()

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if total < PROGRESS_FROM or (done < total and now - self._said_at < PROGRESS_EVERY_S):
            return
        self._said_at = now
        sentence = f"{step}: {done} of {total}"
        if self._out.isatty():
            self._out.write(f"\r{sentence}", style_func=str, ending="\n" if done == total else "")
            self._out.flush()
        else:
            self._out.write(sentence, style_func=str)


def refusal(error: InvalidInput) -> str:
    """Every problem on a line of its own, as editors and compilers have it."""
    count = len(error.problems)
    problems = "\n".join(str(problem) for problem in error.problems)
    return f"nothing was changed, {count} problem{'s' if count > 1 else ''}:\n{problems}"


def plan_lines(plan: Plan) -> Iterator[str]:
    """Each change with the keys it touches."""
    for change in plan.changes:
        yield f"{MARKS[change.action]} {change.what} {change.slug}"
        yield from _field_lines(change)


def remarks(problems: Sequence[Problem], before: str = "") -> Iterator[str]:
    for problem in problems[:MOST_REMARKS]:
        yield f"{before}{problem}"
    if (more := len(problems) - MOST_REMARKS) > 0:
        yield f"{before}and {more} more like these"


def summary(plan: Plan) -> str:
    """One sentence with the counts."""
    counts = ", ".join(
        f"{plan.count(action)} {past}"
        for action, past in (("add", "added"), ("change", "changed"), ("remove", "removed"))
    )
    counted = f"{counts}, {plan.unchanged} unchanged"
    return f"Applied: {counted}." if plan.applied else f"Planned: {counted}. Nothing has been changed."


def left_over(plan: Plan) -> str:
    """What pruning would remove; empty when there is nothing."""
    if not plan.left_over:
        return ""
    names = ", ".join(plan.left_over[:10]) + (" …" if len(plan.left_over) > 10 else "")
    return f"No longer in the file, and kept: {names}. Remove with --prune."


def _field_lines(change: Change) -> Iterator[str]:
    for item in change.fields:
        if change.action == "add":
            yield f"    {item.key}: {_value(item.after)}"
        else:
            yield f"    {item.key}: {_value(item.before)} → {_value(item.after)}"


def _value(value: Any) -> str:
    return "(default)" if value is None else json.dumps(value, ensure_ascii=False)
