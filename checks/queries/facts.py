"""
What a check is, in the few words that lists show.

Reading a definition and asking its kind for the target costs more than all else in a row, and
changes only when somebody changes the check. So it is kept in the process, by version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.functional import Promise

from checks.errors import InvalidInput
from checks.kinds.base import KINDS, build
from checks.kinds.masking import masked
from checks.models import Check
from checks.rules.definition import COMMON_KEYS
from checks.rules.placeholders import PLACEHOLDER, expand


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """
    Attributes:
        kind_label: The kind's name for people; lazily translated.
        target: What is watched, in short, without secrets; empty when the kind has none.
        definition: The public keys as stored, placeholders unexpanded.
    """

    check_id: int
    slug: str
    name: str
    group: str
    tags: tuple[str, ...]
    kind: str
    kind_label: str | Promise
    icon: str
    target: str
    definition: Mapping[str, Any]


Version = tuple[int, int, datetime]
"""A check's id, version and time of change: equal only for equal definitions, though an id be used again."""

_kept: dict[Version, CheckFacts] = {}


def facts_of(versions: Collection[Version]) -> dict[int, CheckFacts]:
    """Facts by check id; one query for those that this process has not seen at this version."""
    missing = {check_id for check_id, *rest in versions if (check_id, *rest) not in _kept}
    if missing:
        if len(_kept) > 4 * len(versions) + 1_000:
            _kept.clear()
            missing = {version[0] for version in versions}
        # All rows in one go when many are new: a list of a thousand ids is no faster than the table.
        rows = Check.objects.all() if len(missing) > 500 else Check.objects.filter(pk__in=missing)
        for check in rows:
            _kept[(check.pk, check.version, check.updated_at)] = _facts(check)
    return {version[0]: _kept[version] for version in versions if version in _kept}


def _facts(check: Check) -> CheckFacts:
    cls = KINDS.get(check.kind)
    return CheckFacts(
        check_id=check.pk,
        slug=check.slug,
        name=check.name,
        group=check.group,
        tags=tuple(check.definition.get("tags", ())),
        kind=check.kind,
        kind_label=cls.label if cls else check.kind,
        icon=cls.icon if cls else "dot",
        target=_target(check),
        definition=check.definition,
    )


def _target(check: Check) -> str:
    written = {key: value for key, value in check.definition.items() if key not in COMMON_KEYS}
    # The demo's address is no secret, and the first thing that a newcomer wants to know.
    for environ in ({}, {"DEMO_URL": settings.DEMO_URL}):
        try:
            return build(check.kind, expand(written, environ) if environ else written).target()
        except InvalidInput:
            continue
    # A ${PLACEHOLDER} need not be valid before it is filled in. What was written tells the reader most.
    shown = masked(written | {"kind": check.kind})
    texts = (value for key, value in shown.items() if key != "kind" and isinstance(value, str))
    return next((text for text in texts if PLACEHOLDER.search(text)), "")
