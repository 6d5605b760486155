"""Types of settings that several kinds share, with their validation."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.json_schema import WithJsonSchema

from checks.kinds.base import SECRET
from checks.rules.limit import parse_limit
from checks.rules.targets import HOST_CHARACTERS, URL_CHARACTERS, check_headers, dialled_host, parse_url

T = TypeVar("T")

MAX_PEM = 65_536
MAX_TEXT = 65_536
USER_AGENT = "Breakwater"


def _host(text: str) -> str:
    dialled_host(text)
    return text


def _optional_host(text: str) -> str:
    return _host(text) if text else text


def _url(text: str) -> str:
    parse_url(text)
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    check_headers(headers)
    return headers


def not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    """For lists whose default is meaningful, so that an empty one was not meant."""
    if not values:
        raise ValueError("cannot be an empty list; leave it out for the default")
    return values


def _one_line(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("has a line break or control character")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("has a NUL character, which cannot be stored or sent")
    return text


def _pem(text: str) -> str:
    if text and "-----BEGIN " not in text:
        raise ValueError("must be PEM text that begins with -----BEGIN …-----")
    return _without_nul(text)


def _amount(written: object) -> object:
    parse_limit(written)
    return written


def _optional_amount(written: object) -> object:
    return written if written == "" else _amount(written)


Amount = Annotated[
    int | str,
    BeforeValidator(_amount),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["80%", "512MiB"]}),
]
"""A limit that `checks.rules.limit` reads."""
OptionalAmount = Annotated[
    int | str,
    BeforeValidator(_optional_amount),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["80%", "512MiB"]}),
]
"""The same; empty for none."""
Host = Annotated[
    str,
    AfterValidator(_host),
    WithJsonSchema({"type": "string", "maxLength": HOST_CHARACTERS, "minLength": 1}),
]
OptionalHost = Annotated[
    str,
    AfterValidator(_optional_host),
    WithJsonSchema({"type": "string", "maxLength": HOST_CHARACTERS}),
]
HttpUrl = Annotated[
    str,
    AfterValidator(_url),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": URL_CHARACTERS, "minLength": 1}),
]
Port = Annotated[int, Field(ge=1, le=65_535)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Line = Annotated[str, Field(max_length=8192), AfterValidator(_one_line)]
"""Text without line breaks: a name, a user, a path."""
Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_without_nul)]
"""Text that is sent or looked for; may have several lines."""
Pem = Annotated[str, Field(max_length=MAX_PEM), AfterValidator(_pem)]
SecretLine = Annotated[Line, SECRET]
SecretPem = Annotated[Pem, SECRET]
