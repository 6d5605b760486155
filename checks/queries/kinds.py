"""The kinds of checks there are, and their settings as a form needs them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import checks.kinds  # noqa: F401  fills the register
from checks.errors import NotFound
from checks.kinds.base import KINDS, Kind, schema_of

LONG_TEXT = 10_000
"""A text that may have more characters than this is given several lines to write in."""


class Shape(StrEnum):
    """What a setting's value looks like."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    LIST = "list"
    MAPPING = "mapping"


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting of a kind.

    Attributes:
        title: English; the same text in the reader's language through gettext.
        default: What a missing setting means; None when it is required or has no plain default.
        choices: The words allowed, for `CHOICE`.
        or_whole: A text, or an item of a list, that may also be a whole number.
        secret: Never shown once it is written.
    """

    name: str
    title: str
    description: str
    shape: Shape
    required: bool
    default: Any
    choices: tuple[str, ...]
    or_whole: bool
    secret: bool
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class KindDescription:
    slug: str
    label: str
    summary: str
    icon: str
    settings: tuple[Setting, ...]


def kind_descriptions() -> tuple[KindDescription, ...]:
    """All kinds, in the reader's language and its order."""
    found = [_description(kind) for kind in KINDS.values()]
    return tuple(sorted(found, key=lambda kind: kind.label.casefold()))


def kind_description(slug: str) -> KindDescription:
    """Raises `NotFound`."""
    if (kind := KINDS.get(slug)) is None:
        raise NotFound(f"There is no kind {slug!r}.")
    return _description(kind)


def _description(kind: type[Kind]) -> KindDescription:
    schema = schema_of(kind)
    required = frozenset(schema.get("required", ()))
    return KindDescription(
        slug=kind.slug,
        label=str(kind.label),
        summary=str(kind.summary),
        icon=kind.icon,
        settings=tuple(
            _setting(name, _without_null(field), name in required)
            for name, field in schema.get("properties", {}).items()
        ),
    )


def _setting(name: str, field: Mapping[str, Any], required: bool) -> Setting:
    return Setting(
        name=name,
        title=field.get("title", name.replace("_", " ")),
        description=field.get("description", ""),
        shape=_shape(field),
        required=required,
        default=field.get("default"),
        choices=tuple(str(choice) for choice in field.get("enum", ())),
        or_whole="integer" in _types(field.get("items", field)),
        secret=field.get("writeOnly", False),
        low=field.get("minimum"),
        high=field.get("maximum"),
    )


def _without_null(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """A setting that may be null is one that may be left out: its other form is what is written."""
    forms = [form for form in field.get("anyOf", ()) if form.get("type") != "null"]
    return {**field, **forms[0]} if len(forms) == 1 else field


def _shape(field: Mapping[str, Any]) -> Shape:
    types = _types(field)
    if "enum" in field:
        return Shape.CHOICE
    if "array" in types:
        return Shape.LIST
    if "object" in types:
        return Shape.MAPPING
    if "boolean" in types:
        return Shape.FLAG
    if "string" not in types and "integer" in types:
        return Shape.WHOLE
    if "string" not in types and "number" in types:
        return Shape.NUMBER
    return Shape.LONG_TEXT if field.get("maxLength", 0) > LONG_TEXT else Shape.TEXT


def _types(field: Mapping[str, Any]) -> frozenset[str]:
    types = field.get("type", "string")
    return frozenset([types] if isinstance(types, str) else types)
