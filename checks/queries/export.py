"""
Everything that is defined, as one configuration.

A literal secret leaves the database in no form: it is written as a placeholder made of the check
and the key, ``${API_PASSWORD}``, and listed, so that its value can be put into the environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checks.kinds.masking import replace_secrets
from checks.models import Check, StatusPage

CODE = "code"
"""The source of checks that are registered functions: they come from the code again, not from a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A literal secret and the placeholder that stands for it."""

    slug: str
    key: str
    placeholder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """
    Attributes:
        checks, pages: Public keys by slug, as ``checks.yaml`` has them.
    """

    checks: dict[str, dict[str, Any]]
    pages: dict[str, dict[str, Any]]
    withheld: tuple[Withheld, ...]


def export(source: str = "") -> Export:
    """All checks that are not defined in code, and all pages; or those of one source."""
    checks, pages = Check.objects.order_by("slug").exclude(source=CODE), StatusPage.objects.order_by("slug")
    if source:
        checks, pages = checks.filter(source=source), pages.filter(source=source)
    withheld: list[Withheld] = []
    return Export(
        checks={check.slug: _definition(check, withheld) for check in checks},
        pages={page.slug: _page(page) for page in pages},
        withheld=tuple(withheld),
    )


def _definition(check: Check, withheld: list[Withheld]) -> dict[str, Any]:
    def placeholder(path: tuple[str, ...], _text: str) -> str:
        name = re.sub(r"[^A-Z0-9]+", "_", "_".join((check.slug, *path)).upper()).strip("_")
        name = name if name[:1].isalpha() else f"CHECK_{name}"
        withheld.append(Withheld(slug=check.slug, key=".".join(path), placeholder=name))
        return f"${{{name}}}"

    return replace_secrets(check.definition, placeholder)


def _page(page: StatusPage) -> dict[str, Any]:
    described = {"description": page.description} if page.description else {}
    return {"title": page.title, **described, "sections": page.sections}
