"""Secrets that stay as they are while the rest of a definition is edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.errors import InvalidInput, Problem
from checks.kinds.masking import MASK, replace_secrets
from checks.models import Check

__all__ = ["MASK", "with_kept_secrets"]


def with_kept_secrets(slug: str, edited: Mapping[str, Any]) -> dict[str, Any]:
    """
    The edited definition with the stored secret wherever it still shows the mask.

    An editor sees `MASK` in place of each secret and hands it back where nothing was changed. The
    result goes straight into a command; it is never to be shown.

    Raises:
        InvalidInput: A mask stands where no secret is stored.
    """
    stored = Check.objects.filter(slug=slug).values_list("definition", "kind").first()
    definition, kind = stored or ({}, "")
    secrets = _secrets({"kind": kind, **definition})
    problems: list[Problem] = []
    restored = {key: _restored((key,), value, secrets, problems) for key, value in edited.items()}
    if problems:
        raise InvalidInput(problems)
    return restored


Path = tuple[str, ...]


def _secrets(definition: Mapping[str, Any]) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []

    def note(path: Path, text: str) -> str:
        found.append((path, text))
        return text

    replace_secrets(definition, note)
    return found


def _restored(path: Path, value: Any, secrets: list[tuple[Path, str]], problems: list[Problem]) -> Any:
    match value:
        case str() if MASK in value:
            kept = [text for place, text in secrets if place[: len(path)] == path]
            if value.count(MASK) != len(kept):
                message = f"{MASK} stands for a secret that is not stored here: write it out"
                problems.append(Problem(".".join(path), message))
                return value
            return "".join(_interleaved(value.split(MASK), kept))
        case Mapping():
            return {key: _restored((*path, str(key)), item, secrets, problems) for key, item in value.items()}
        case list() | tuple():
            return [_restored((*path, str(n)), item, secrets, problems) for n, item in enumerate(value)]
        case _:
            return value


def _interleaved(between: list[str], secrets: list[str]) -> Iterator[str]:
    for text, secret in zip(between, [*secrets, ""], strict=True):
        yield text
        yield secret
