"""A public status page's definition: the keys under ``pages:``, read once and the same for every door."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.errors import InvalidInput, Problem
from checks.rules.reading import Reader, shown, unknown_key

MAX_SECTIONS = 50
MAX_CHECKS = 500
"""Checks that one section may list."""
MAX_TITLE = 200
MAX_DESCRIPTION = 4_000

PAGE_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
PAGE_KEYS = ("title", "description", "sections")
CHOICES = ("checks", "group", "tag")
"""The three ways in which a section says what it shows: it has exactly one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """
    A titled part of a page: the checks it lists, or all of a group, or all with a tag.

    Attributes:
        checks: Slugs in the order in which they are shown.
    """

    title: str = ""
    checks: tuple[str, ...] = ()
    group: str = ""
    tag: str = ""

    def public(self) -> dict[str, Any]:
        keys = {"title": self.title, "checks": list(self.checks), "group": self.group, "tag": self.tag}
        return {key: value for key, value in keys.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDefinition:
    slug: str
    title: str
    description: str
    sections: tuple[Section, ...]

    def public(self) -> dict[str, Any]:
        """The shortest mapping that `parse_page()` reads the same."""
        keys: dict[str, Any] = {"title": self.title}
        if self.description:
            keys["description"] = self.description
        return keys | {"sections": [section.public() for section in self.sections]}


def parse_page(slug: str, raw: Mapping[str, Any]) -> PageDefinition:
    """
    Raises:
        InvalidInput: Every problem found, each with its key as the place.
    """
    if not PAGE_SLUG.fullmatch(slug):
        message = (
            f"{shown(slug)} cannot be a page's slug: use lower-case letters, digits and hyphens, at most 60"
        )
        raise InvalidInput(Problem("", message))
    read = Reader(raw)
    problems = [Problem(key, unknown_key(key, PAGE_KEYS)) for key in raw if key not in PAGE_KEYS]
    title = read.text("title", slug, MAX_TITLE, required=True)
    description = read.text("description", "", MAX_DESCRIPTION, lines=True)
    sections = _sections(raw.get("sections"), problems)
    problems += read.problems
    if problems:
        raise InvalidInput(problems)
    return PageDefinition(slug=slug, title=title, description=description, sections=sections)


def _sections(raw: object, problems: list[Problem]) -> tuple[Section, ...]:
    if isinstance(raw, str) or not isinstance(raw, Sequence) or not raw:
        problems.append(Problem("sections", f"a list of sections expected, got {shown(raw)}"))
        return ()
    if len(raw) > MAX_SECTIONS:
        problems.append(Problem("sections", f"at most {MAX_SECTIONS} sections are allowed, got {len(raw)}"))
        return ()
    sections = []
    for number, item in enumerate(raw):
        found = _section(item)
        if isinstance(found, Section):
            sections.append(found)
        else:
            problems += [
                Problem(f"sections.{number}.{item.where}".rstrip("."), item.message) for item in found
            ]
    return tuple(sections)


def _section(raw: object) -> Section | list[Problem]:
    if not isinstance(raw, Mapping):
        return [Problem("", f"a mapping with a title and checks expected, got {shown(raw)}")]
    read = Reader(raw)
    for key in raw:
        if key not in ("title", *CHOICES):
            read.refuse(str(key), unknown_key(key, ("title", *CHOICES)))
    if sum(key in raw for key in CHOICES) != 1:
        read.refuse("", "one of checks, group and tag is needed: choose one")
    section = Section(
        title=read.text("title", "", MAX_TITLE),
        checks=read.texts("checks", MAX_CHECKS, 100),
        group=read.text("group", "", MAX_TITLE, required=True),
        tag=read.text("tag", "", MAX_TITLE, required=True),
    )
    if raw.get("checks") == []:
        read.refuse("checks", "is empty: list at least one check")
    return read.problems or section
