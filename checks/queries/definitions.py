"""Checks as they are defined, without their secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from checks.errors import NotFound
from checks.kinds.masking import masked
from checks.models import Check, StatusPage


@dataclass(frozen=True, slots=True)
class CheckDefinition:
    """
    Attributes:
        definition: The public keys that differ from their defaults, secrets masked.
        source: Where it was defined: ``code``, ``admin`` or ``file:…``.
        set_by: The actor of the last change.
        version: Of the check's stream; what a change has to name as the version it has seen.
    """

    id: str
    slug: str
    name: str
    kind: str
    group: str
    location: str
    definition: Mapping[str, Any]
    source: str
    set_by: str
    version: int
    created_at: datetime
    updated_at: datetime


def definitions() -> tuple[CheckDefinition, ...]:
    """All checks by group and name, in one query."""
    return tuple(_definition(check) for check in Check.objects.order_by("group", "name", "slug"))


def definition_of(slug: str) -> CheckDefinition:
    """Raises `NotFound`."""
    check = Check.objects.filter(slug=slug).first()
    if check is None:
        raise NotFound(f"There is no check {slug!r}.")
    return _definition(check)


def _definition(check: Check) -> CheckDefinition:
    return CheckDefinition(
        id=str(check.pk),
        slug=check.slug,
        name=check.name,
        kind=check.kind,
        group=check.group,
        location=check.location,
        definition=masked({"kind": check.kind, **check.definition}),
        source=check.source,
        set_by=check.set_by,
        version=check.version,
        created_at=check.created_at,
        updated_at=check.updated_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSection:
    """A section shows the checks it lists, or all of a group, or all with a tag."""

    title: str = ""
    checks: tuple[str, ...] = ()
    group: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class PageDefined:
    """A public status page as it is defined; attributes as those of `CheckDefinition`."""

    slug: str
    title: str
    description: str
    sections: tuple[PageSection, ...]
    source: str
    set_by: str
    version: int


def page_definition_of(slug: str) -> PageDefined:
    """Raises `NotFound`."""
    page = StatusPage.objects.filter(slug=slug).first()
    if page is None:
        raise NotFound(f"There is no status page {slug!r}.")
    return PageDefined(
        slug=page.slug,
        title=page.title,
        description=page.description,
        sections=tuple(
            PageSection(**{**section, "checks": tuple(section.get("checks", ()))})
            for section in page.sections
        ),
        source=page.source,
        set_by=page.set_by,
        version=page.version,
    )
