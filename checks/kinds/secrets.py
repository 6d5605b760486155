"""Takes a probe's secrets out of what its target sent back."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "••••••"
SHORTEST = 4
"""Shorter secrets would blank out half of an innocent answer."""


def hide(text: str, secrets: Iterable[str]) -> str:
    """`text` with every secret in it replaced: a target may echo what it was sent."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST and secret in text:
            text = text.replace(secret, HIDDEN)
    return text
