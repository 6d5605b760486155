"""
A configuration judged: first each definition by itself, then all of them against what is there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from checks.commands import checks, pages
from checks.commands.document import Document, FileProblem
from checks.commands.plan import Change, field_changes
from checks.errors import InvalidInput, Problem
from checks.models import Check, StatusPage
from checks.rules.dependencies import find_cycle
from checks.rules.page import PageDefinition, parse_page
from checks.runner.prepared import Prepared, prepare

MAX_CHECKS = 50_000
"""Checks in one configuration; more are refused whole."""

What = Literal["check", "page"]
Action = Literal["add", "change", "remove"]
Definition = Mapping[str, Any]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class WantedCheck:
    document: Document
    prepared: Prepared

    @property
    def slug(self) -> str:
        return self.prepared.definition.slug

    def problem(self, key: str, message: str) -> FileProblem:
        return self.document.problem(message, "checks", self.slug, *key.split("."))


@dataclass(frozen=True, slots=True)
class WantedPage:
    document: Document
    definition: PageDefinition

    def problem(self, key: str, message: str) -> FileProblem:
        return self.document.problem(message, "pages", self.definition.slug, *key.split("."))


@dataclass(frozen=True, slots=True)
class Wanted:
    checks: dict[str, WantedCheck] = field(default_factory=dict)
    pages: dict[str, WantedPage] = field(default_factory=dict)


def judged(documents: Sequence[Document], progress: Progress) -> Wanted:
    """Judge every definition by itself."""
    total = sum(len(document.checks) for document in documents)
    if total > MAX_CHECKS:
        message = (
            f"{total} checks are more than one configuration may hold: {MAX_CHECKS} are allowed; split it"
        )
        raise InvalidInput(FileProblem("checks", message, None, documents[0].file))
    wanted, problems, done = Wanted(), _twice(documents), 0
    for document in documents:
        for slug, node in document.checks.items():
            try:
                prepared = prepare(slug, node.plain(), environ=os.environ)
                problems += _placed(document, "checks", slug, checks.location_problems(prepared.definition))
                wanted.checks[slug] = WantedCheck(document, prepared)
            except InvalidInput as error:
                problems += _placed(document, "checks", slug, error.problems)
            done += 1
            if done % 100 == 0 or done == total:
                progress("checking", done, total)
        for slug, node in document.pages.items():
            try:
                wanted.pages[slug] = WantedPage(document, parse_page(slug, node.plain()))
            except InvalidInput as error:
                problems += _placed(document, "pages", slug, error.problems)
    if problems:
        raise InvalidInput(problems)
    return wanted


def _twice(documents: Sequence[Document]) -> list[FileProblem]:
    """Sources and slugs that two documents claim."""
    problems: list[FileProblem] = []
    claimed: dict[tuple[str, str], Document] = {}
    for number, document in enumerate(documents):
        if any(document.source == other.source for other in documents[:number]):
            message = (
                f"another of these files is called {document.source.removeprefix('file:')}, too; rename one"
            )
            problems.append(FileProblem("", message, None, document.file))
        for what, entries in (("checks", document.checks), ("pages", document.pages)):
            for slug in entries:
                if (other := claimed.setdefault((what, slug), document)) is not document:
                    at = other.problem("", what, slug)
                    message = f"is defined in {at.file}:{at.line}, too; keep one"
                    problems.append(document.problem(message, what, slug))
    return problems


def _placed(document: Document, what: str, slug: str, problems: Iterable[Problem]) -> list[FileProblem]:
    return [
        document.problem(problem.message, what, slug, *(problem.where.split(".") if problem.where else ()))
        for problem in problems
    ]


class Draft:
    """What has to be done so that the database is as wanted, and what forbids it."""

    def __init__(self, wanted: Wanted, sources: Iterable[str], *, prune: bool) -> None:
        self.changes: list[Change] = []
        self.problems: list[Problem] = []
        self.unchanged = 0
        self.left_over: list[str] = []
        self.sources = sorted(sources)
        self.new_checks: list[WantedCheck] = []
        self.changed_checks: list[tuple[Check, WantedCheck]] = []
        self.gone_checks: list[Check] = []
        self.written_pages: list[tuple[StatusPage | None, WantedPage]] = []
        self.gone_pages: list[StatusPage] = []
        present = {check.slug: check for check in Check.objects.select_for_update()}
        self._compare_checks(wanted.checks, present, prune=prune)
        self._compare_pages(wanted.pages, {page.slug: page for page in StatusPage.objects.all()}, prune=prune)
        self._judge_together(wanted, present)

    def _compare_checks(
        self, wanted: Mapping[str, WantedCheck], present: Mapping[str, Check], *, prune: bool
    ) -> None:
        for slug, item in wanted.items():
            after = item.prepared.definition.public()
            check = present.get(slug)
            if check is None:
                self.new_checks.append(item)
                self._note("check", slug, "add", item.document.source, {}, after)
            elif check.source != item.document.source:
                message = f"belongs to {check.source}: change it there, or choose another slug"
                self.problems.append(item.document.problem(message, "checks", slug))
            elif check.definition == after:
                self.unchanged += 1
            else:
                self.changed_checks.append((check, item))
                self._note("check", slug, "change", check.source, check.definition, after)
        gone = [
            check for check in present.values() if check.source in self.sources and check.slug not in wanted
        ]
        self.left_over += [check.slug for check in gone]
        if prune:
            self.gone_checks = gone
            for check in gone:
                self.changes.append(
                    Change(what="check", slug=check.slug, action="remove", source=check.source)
                )

    def _compare_pages(
        self, wanted: Mapping[str, WantedPage], present: Mapping[str, StatusPage], *, prune: bool
    ) -> None:
        for slug, item in wanted.items():
            after = item.definition.public()
            page = present.get(slug)
            if page is not None and page.source != item.document.source:
                message = f"belongs to {page.source}: change it there, or choose another slug"
                self.problems.append(item.document.problem(message, "pages", slug))
                continue
            before = pages.definition_in(page) if page else {}
            if before == after:
                self.unchanged += 1
                continue
            self.written_pages.append((page, item))
            self._note("page", slug, "change" if page else "add", item.document.source, before, after)
        gone = [page for page in present.values() if page.source in self.sources and page.slug not in wanted]
        self.left_over += [page.slug for page in gone]
        if prune:
            self.gone_pages = gone
            for page in gone:
                self.changes.append(Change(what="page", slug=page.slug, action="remove", source=page.source))

    def _judge_together(self, wanted: Wanted, present: Mapping[str, Check]) -> None:
        gone = {check.slug for check in self.gone_checks}
        depends_on = {
            slug: tuple(check.definition.get("depends_on", ()))
            for slug, check in present.items()
            if slug not in gone
        }
        depends_on |= {slug: item.prepared.definition.depends_on for slug, item in wanted.checks.items()}
        for item in wanted.checks.values():
            for problem in checks.missing_dependencies(item.prepared.definition, depends_on):
                self.problems.append(item.problem(problem.where, problem.message))
        for slug in depends_on.keys() - wanted.checks.keys():
            for needed in gone.intersection(depends_on[slug]):
                message = f"depends on {needed!r}, which this would remove"
                self.problems.append(Problem(f"checks.{slug}.depends_on", message))
        if not self.problems and (cycle := find_cycle(depends_on)):
            item = next(wanted.checks[slug] for slug in cycle if slug in wanted.checks)
            self.problems.append(item.problem("depends_on", checks.cycle_sentence(cycle)))
        for page in wanted.pages.values():
            for problem in pages.missing_checks(page.definition, depends_on):
                self.problems.append(page.problem(problem.where, problem.message))

    def _note(
        self, what: What, slug: str, action: Action, source: str, before: Definition, after: Definition
    ) -> None:
        fields = field_changes(before, after)
        self.changes.append(Change(what=what, slug=slug, action=action, source=source, fields=fields))
