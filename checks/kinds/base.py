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
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

from django.utils.functional import Promise
from pydantic import ConfigDict, TypeAdapter, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

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
        worker_signs: When a worker of each location was last seen alive, by location.
    """

    egress: Egress
    timeout: timedelta
    now: datetime
    run_registered: Callable[[str], Awaitable[object]]
    worker_signs: Callable[[], Awaitable[Mapping[str, datetime]]]


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
    label: ClassVar[str | Promise]
    """The kind's name for people; translated where it is shown."""
    summary: ClassVar[str | Promise]
    """One sentence: up when …; translated where it is shown."""
    icon: ClassVar[str] = "dot"
    """Name of a symbol in templates/icons.svg."""
    placeholders: ClassVar[frozenset[str]] = frozenset({"CONNECTED", "RESPONSE_TIME", "IP"})
    """The condition placeholders that this kind fills; a condition that asks for others is refused."""

    async def probe(self, probing: Probing) -> Outcome:
        raise NotImplementedError

    def target(self) -> str:
        """What is watched, in short, for tables: a URL without its secrets, ``host:port`` …"""
        return ""

    def peer(self) -> str:
        """The host that is dialled, for limits per host; empty when nothing is."""
        return ""


SECRET = WithJsonSchema({"type": "string", "writeOnly": True, "format": "password"})
Secret = Annotated[str, SECRET]
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


def adapter(cls: type[Kind]) -> TypeAdapter[Kind]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


_adapters: dict[type[Kind], TypeAdapter[Kind]] = {}


def secret_fields(cls: type[Kind]) -> frozenset[str]:
    """The settings annotated as `Secret`."""
    hints = get_type_hints(cls, include_extras=True)
    return frozenset(name for name, hint in hints.items() if SECRET in getattr(hint, "__metadata__", ()))


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
        InvalidInput: A problem per setting that is missing, unknown or out of range; never with
            a secret's value in it.
    """
    cls = kind_named(slug)
    try:
        # JSON is the form all doors share; strict validation of it coerces nothing but lists to tuples.
        return adapter(cls).validate_json(json.dumps(dict(settings)))
    except ValidationError as error:
        raise InvalidInput(problems_from(error, secret_fields(cls))) from None
    except (TypeError, ValueError, RecursionError) as error:
        message = f"settings must be text, numbers, lists and mappings: {error}"
        raise InvalidInput(Problem("", message)) from None


def problems_from(error: ValidationError, secret: frozenset[str] = frozenset()) -> list[Problem]:
    """Pydantic's findings in words that say what would be right; values of `secret` settings stay out."""
    return [
        Problem(".".join(str(part) for part in item["loc"]), _sentence(item, secret))
        for item in error.errors(include_url=False)
    ]


RIGHT = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of names to values",
}


def _sentence(item: ErrorDetails, secret: frozenset[str]) -> str:
    context = item.get("ctx", {})
    match item["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden" | "unexpected_keyword_argument":
            return "unknown setting"
        case "json_invalid":
            return "holds text that cannot be stored"
        case "value_error":
            return str(context.get("error", item["msg"]))
        case "too_short" | "string_too_short" if context.get("min_length") == 1:
            return "is required and cannot be empty"
        case "literal_error":
            sentence = f"must be one of {context['expected']}"
        case "greater_than_equal":
            sentence = f"must be at least {context['ge']}"
        case "less_than_equal":
            sentence = f"must be at most {context['le']}"
        case "string_too_long":
            sentence = f"may have at most {context['max_length']} characters"
        case "too_long":
            sentence = f"may have at most {context['max_length']} entries"
        case known if known in RIGHT:
            sentence = RIGHT[known]
        case _:
            sentence = item["msg"][0].lower() + item["msg"][1:]
    given = item["input"]
    if secret.intersection(map(str, item["loc"])) or not isinstance(given, str | int | float | bool | None):
        return sentence
    shown = repr(given) if isinstance(given, str) else json.dumps(given)
    return f"{sentence}; got {shown if len(shown) <= 60 else shown[:57] + '…'}"
