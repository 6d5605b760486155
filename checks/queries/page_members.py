"""Which checks a status page's sections stand for: those they list, those of a group, those with a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checks.models import Check


def page_members(sections: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """
    Each section's slugs, in the order in which they are shown; in one query at the most.

    Groups and tags are looked up anew each time, so a new check appears on the pages that want it.
    """
    if all("checks" in section for section in sections):
        return [tuple(section["checks"]) for section in sections]
    checks = Check.objects.order_by("name", "slug").values_list("slug", "group", "definition__tags")
    rows = [(slug, group, frozenset(tags or ())) for slug, group, tags in checks]
    return [
        tuple(section["checks"])
        if "checks" in section
        else tuple(
            slug
            for slug, group, tags in rows
            if (group == section["group"] if "group" in section else section["tag"] in tags)
        )
        for section in sections
    ]
