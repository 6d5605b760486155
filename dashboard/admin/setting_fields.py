"""A setting as a form field: how its value is shown, and what is read back from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from checks.queries.kinds import Setting, Shape

WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?")


class Absent(Enum):
    """Nothing is written: the definition leaves the key out, and its default holds."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def form_field(setting: Setting, *, kept: bool = False) -> forms.Field:
    """
    The field for a setting. It does not judge: what was written goes to the one validation of all doors.

    Args:
        kept: A secret is stored; leaving the field empty keeps it.
    """
    texts = {"label": _(setting.title), "help_text": _help(setting, kept), "required": False}
    match setting.shape:
        case Shape.FLAG:
            return forms.BooleanField(**texts)
        case Shape.CHOICE:
            options = [(choice, choice or "—") for choice in setting.choices]
            return forms.ChoiceField(choices=options, **texts)
        case _:
            return forms.CharField(widget=_widget(setting), strip=not setting.secret, **texts)


def shown(setting: Setting, value: Any) -> Any:
    """A stored value as the field shows it."""
    match setting.shape, value:
        case Shape.LIST, [*items]:
            return "\n".join(map(str, items))
        case Shape.MAPPING, Mapping():
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        case _:
            return value


def written(setting: Setting, value: Any) -> Any:
    """
    What was written as a value for the definition, or `ABSENT` when it says no more than the default.

    Raises:
        ValidationError: A line of a mapping has no colon, or its name has stood above already.
    """
    read = _read(setting, value)
    return ABSENT if read in ("", [], {}) or read == setting.default else read


def _read(setting: Setting, value: Any) -> Any:
    match setting.shape:
        case Shape.WHOLE:
            return _whole(value)
        case Shape.NUMBER:
            return _number(value)
        case Shape.LIST:
            lines = [line.strip() for line in value.splitlines() if line.strip()]
            return [_whole(line) for line in lines] if setting.or_whole else lines
        case Shape.MAPPING:
            return _mapping(line for line in value.splitlines() if line.strip())
        case Shape.LONG_TEXT:
            return value.replace("\r\n", "\n")
        case Shape.TEXT if setting.or_whole:
            return _whole(value)
        case Shape.TEXT if setting.secret:
            return value.strip().replace("\r\n", "\n")
        case _:
            return value


def _whole(text: str) -> int | str:
    return int(text) if WHOLE.fullmatch(text) else text


def _number(text: str) -> float | int | str:
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if WHOLE.fullmatch(text) else float(text)


def _mapping(lines: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for name, text in map(_pair, lines):
        if name in pairs:
            raise ValidationError(_("“%(name)s” is given twice; keep one.") % {"name": name})
        pairs[name] = text
    return pairs


def _pair(line: str) -> tuple[str, str]:
    name, colon, text = line.partition(":")
    if not colon or not name.strip():
        raise ValidationError(
            _("“%(line)s” has no colon: write each line as Name: value.") % {"line": line.strip()}
        )
    return name.strip(), text.strip()


def _widget(setting: Setting) -> forms.Widget:
    hint = "" if setting.default in (None, [], {}) else str(setting.default)
    if setting.secret:
        # Several lines, because keys have several; what is typed is hidden by the stylesheet.
        quiet = {
            "rows": 1,
            "class": "vLargeTextField bw-secret",
            "autocomplete": "off",
            "spellcheck": "false",
        }
        return forms.Textarea(attrs=quiet)
    match setting.shape:
        case Shape.WHOLE | Shape.NUMBER:
            limits = {
                "min": setting.low,
                "max": setting.high,
                "step": "any" if setting.shape is Shape.NUMBER else None,
            }
            attrs = {name: limit for name, limit in limits.items() if limit is not None}
            return forms.NumberInput(attrs={"class": "vIntegerField", "placeholder": hint, **attrs})
        case Shape.LIST | Shape.MAPPING:
            return forms.Textarea(
                attrs={"rows": 3, "class": "vLargeTextField bw-mono", "spellcheck": "false"}
            )
        case Shape.LONG_TEXT:
            return forms.Textarea(
                attrs={"rows": 4, "class": "vLargeTextField bw-mono", "spellcheck": "false"}
            )
        case _:
            return forms.TextInput(attrs={"class": "vTextField", "placeholder": hint})


def _help(setting: Setting, kept: bool) -> str:
    parts = [_(setting.description)] if setting.description else []
    if kept:
        parts.append(_("A secret is stored and never shown; leave this empty to keep it."))
    match setting.shape:
        case Shape.LIST:
            parts.append(_("One a line."))
        case Shape.MAPPING:
            parts.append(_("One a line, as Name: value."))
    return " ".join(parts)
