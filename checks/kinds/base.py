"""
What a check kind is, and the register of all of them.

A kind is one file: a frozen dataclass whose fields are its settings, one `probe()`, one
``@kind(...)``. Validation, the admin's form and the JSON schema all come from the fields, so
there is no second list of them anywhere. Whatever differs by kind is an attribute of the kind;
nothing else in Breakwater asks "which kind is this?".
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from checks.egress import Egress
from checks.errors import InvalidInput, Problem
from checks.rules.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """
    What a kind is given to work with.

    Attributes:
        egress: The one door out; a kind dials through nothing else.
        timeout: How long the probe may take. The runner enforces it; a kind uses it only to hand
            it on to a library that wants to know.
        now: The probe's start, in UTC.
        run_registered: Runs a blocking registered function, by its name, in a process of its own
            that is killed when the awaiting probe is cancelled; returns what it returned, raises
            `CheckError` with what it raised.
    """

    egress: Egress
    timeout: timedelta
    now: datetime
    run_registered: Callable[[str], Awaitable[object]]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """
    A way of checking. Subclasses are frozen dataclasses of settings, registered with ``@kind``.

    `probe()` returns an `Outcome`, or raises `CheckError` or `OSError` for a failing target. It
    neither measures its own deadline nor swallows cancellation: `runner.probe` owns both.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, arbitrary_types_allowed=False, use_attribute_docstrings=False
    )

    slug: ClassVar[str]
    label: ClassVar[str]
    """The kind's name for people; translatable."""
    summary: ClassVar[str]
    """One sentence: up when …; translatable."""
    icon: ClassVar[str] = "dot"
    """Name of a symbol in templates/icons.svg."""
    placeholders: ClassVar[frozenset[str]] = frozenset({"CONNECTED", "RESPONSE_TIME", "IP"})
    """The condition placeholders that this kind fills; a condition that asks for others is refused."""

    async def probe(self, probing: Probing) -> Outcome:
        raise NotImplementedError

    def target(self) -> str:
        """What is watched, in short, for tables: a URL without its secrets, ``host:port`` …"""
        return ""

    def host(self) -> str:
        """The host for per-host limits; empty when nothing is dialled."""
        return ""


Secret = Annotated[str, Field(json_schema_extra={"writeOnly": True, "format": "password"})]
"""A setting never shown again once written: masked in pages, exports and events."""

KINDS: dict[str, type[Kind]] = {}
K = TypeVar("K", bound=type[Kind])


def kind(slug: str) -> Callable[[K], K]:
    """Register a kind under its slug, the word used in ``checks.yaml``."""

    def register(cls: K) -> K:
        if slug in KINDS:
            raise ValueError(f"Kind {slug!r} is registered twice.")
        cls.slug = slug
        KINDS[slug] = cls
        return cls

    return register


@cache
def adapter(cls: type[Kind]) -> TypeAdapter[Kind]:
    return TypeAdapter(cls)


def kind_named(slug: str) -> type[Kind]:
    """Raises `InvalidInput` naming the known kinds."""
    if (cls := KINDS.get(slug)) is None:
        known = ", ".join(sorted(KINDS))
        raise InvalidInput(Problem("kind", f"unknown kind {slug!r}; known kinds: {known}"))
    return cls


def schema_of(cls: type[Kind]) -> dict[str, Any]:
    """The kind's settings as JSON schema; secrets carry ``writeOnly``."""
    return adapter(cls).json_schema()


def build(slug: str, settings: Mapping[str, Any]) -> Kind:
    """
    Make a kind from settings as they stand in a file, a form or the database.

    Raises:
        InvalidInput: A problem per setting that is missing, unknown or out of range.
    """
    cls = kind_named(slug)
    try:
        # JSON is the form all doors share; strict validation of it coerces nothing but lists to tuples.
        return adapter(cls).validate_json(json.dumps(dict(settings)))
    except ValidationError as error:
        raise InvalidInput(problems_from(error)) from error


def problems_from(error: ValidationError) -> list[Problem]:
    """Pydantic's findings as ours, in words that say what would be right."""
    return [
        Problem(".".join(str(part) for part in item["loc"]), _sentence(item)) for item in error.errors(include_url=False)
    ]


def _sentence(item: Any) -> str:
    context = item.get("ctx", {})
    given = repr(item.get("input"))
    given = given if len(given) <= 60 else given[:57] + "…"
    match item["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return "unknown setting"
        case "value_error":
            return str(context.get("error", item["msg"]))
        case _:
            return f"{item['msg'][0].lower()}{item['msg'][1:]}; got {given}"
