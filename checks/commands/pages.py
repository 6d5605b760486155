"""Commands about public status pages: define and remove."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from checks.commands.actor import Actor
from checks.errors import Conflict, InvalidInput, NotFound, Problem, WrongExpectedVersion
from checks.events import store
from checks.models import Check, StatusPage
from checks.models.clock import database_now
from checks.rules.page import PageDefinition, parse_page


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineStatusPage:
    """
    Create a page, or change it.

    Attributes:
        definition: Public keys, as under ``pages:`` in ``checks.yaml``.
        source: ``admin``, ``api`` or ``file:NAME``; a page belongs to its source.
        expected_version: The version that the writer has seen, 0 for "does not exist"; None for any.
    """

    slug: str
    definition: Mapping[str, Any]
    source: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStatusPage:
    slug: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDefined:
    """What became of a definition: the page's version, and whether it differs from before."""

    slug: str
    version: int
    changed: bool


def define_status_page(command: DefineStatusPage, actor: Actor) -> PageDefined:
    """
    Raises:
        InvalidInput: Every problem of the definition, each with its key as the place.
        WrongExpectedVersion: The page has changed since it was read.
        Conflict: The page belongs to another source.
    """
    definition = parse_page(command.slug, command.definition)
    try:
        with transaction.atomic():
            page = StatusPage.objects.select_for_update().filter(slug=command.slug).first()
            _expect(command.slug, page, command.expected_version)
            if page is not None and page.source != command.source:
                raise Conflict(page_belongs_elsewhere(page))
            if problems := missing_checks(definition, _listed(definition)):
                raise InvalidInput(problems)
            if page is not None and definition_in(page) == definition.public():
                return PageDefined(slug=page.slug, version=page.version, changed=False)
            now = database_now()
            event = defined_page_event(definition, command.source, new=page is None)
            page = page or StatusPage(slug=command.slug, source=command.source)
            fill_page(page, definition, actor, now)
            page.version = _append(page.slug, event, actor, now)
            page.save()
            return PageDefined(slug=page.slug, version=page.version, changed=True)
    except IntegrityError as error:
        raise Conflict(f"Page {command.slug!r} has just been created by someone else.") from error


def remove_status_page(command: RemoveStatusPage, actor: Actor) -> None:
    """
    Raises:
        NotFound: There is no such page.
        WrongExpectedVersion: The page has changed since it was read.
    """
    with transaction.atomic():
        page = StatusPage.objects.select_for_update().filter(slug=command.slug).first()
        if page is None:
            raise NotFound(f"There is no status page {command.slug!r}.")
        _expect(command.slug, page, command.expected_version)
        _append(page.slug, removed_page_event(page), actor, database_now())
        page.delete()


def page_stream(slug: str) -> str:
    return f"page-{slug}"


def page_belongs_elsewhere(page: StatusPage) -> str:
    return f"Page {page.slug!r} belongs to {page.source}: change it there, or choose another slug."


def definition_in(page: StatusPage) -> dict[str, Any]:
    """The page's public keys, as they stand in its row."""
    described = {"description": page.description} if page.description else {}
    return {"title": page.title, **described, "sections": page.sections}


def fill_page(page: StatusPage, definition: PageDefinition, actor: Actor, now: datetime) -> None:
    """Write a definition into its row."""
    page.title, page.description = definition.title, definition.description
    page.sections = [section.public() for section in definition.sections]
    page.set_by, page.updated_at = actor.name, now


def defined_page_event(definition: PageDefinition, source: str, *, new: bool) -> store.NewEvent:
    data = {"definition": definition.public(), "source": source}
    return store.NewEvent("PageDefined" if new else "PageChanged", data)


def removed_page_event(page: StatusPage) -> store.NewEvent:
    return store.NewEvent("PageRemoved", {"definition": definition_in(page), "source": page.source})


def missing_checks(definition: PageDefinition, known: Container[str]) -> list[Problem]:
    return [
        Problem(f"sections.{number}.checks.{place}", f"no such check {slug!r}")
        for number, section in enumerate(definition.sections)
        for place, slug in enumerate(section.checks)
        if slug not in known
    ]


def _listed(definition: PageDefinition) -> set[str]:
    """Those of the listed checks that exist."""
    wanted = {slug for section in definition.sections for slug in section.checks}
    return set(Check.objects.filter(slug__in=wanted).values_list("slug", flat=True))


def _append(slug: str, event: store.NewEvent, actor: Actor, now: datetime) -> int:
    metadata = actor.metadata()
    return store.append(page_stream(slug), [event], expected_version=store.ANY, now=now, metadata=metadata)


def _expect(slug: str, page: StatusPage | None, expected: int | None) -> None:
    actual = 0 if page is None else page.version
    if expected is not None and expected != actual:
        raise WrongExpectedVersion(page_stream(slug), expected=expected, actual=actual)
