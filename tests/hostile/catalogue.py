"""
The catalogue of bad inputs: read where there is one, and never a part of this repository.

BREAKWATER_BAD_INPUTS names the file or its folder; without it, ``shared/bad-inputs.yaml`` beside the
repository is taken. An item says what comes in and how a sound product answers; the tests of this
folder drive it through the real faces. What cannot be driven yet is listed in `OUT_OF_SCOPE` by its
id or its area, with the reason; test_catalogue sees to it that nothing is dropped in silence.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "bad-inputs.yaml"
Item = Mapping[str, Any]

DRIVEN: set[str] = set()
"""The ids that some test takes, filled as the tests are read."""

FAULTS = "needs a fault in the running engine: see tests/engine"
NO_STRINGS = "there is no such thing to write or to show yet"
OUT_OF_SCOPE = {
    "event-store": "no face appends or replays yet; the store's own tests judge its appends",
    "flags": "there are no flags yet",
    "notification": "there are no channels and no deliveries yet",
    "report": "no application reports breakers yet",
    "API-023": "there are no tokens yet; reading is open or needs a session, see test_closed",
    "API-024": "there are no tokens yet",
    "API-031": "there are no tokens yet",
    "API-039": "there is no write API, so no idempotency keys",
    "API-042": "there is no write API, so no idempotency keys",
    "API-043": "there is no write API, so no idempotency keys",
    "API-044": "there is no write API, so no idempotency keys",
    "API-075": "nothing is limited by rate yet but open streams: see API-082",
    "WEB-007": NO_STRINGS,
    "WEB-008": NO_STRINGS,
    "WEB-010": NO_STRINGS,
    "WEB-011": NO_STRINGS,
    "WEB-018": "there is no CSV export yet",
    "ADM-012": "settings are read at start: a change of PUBLIC_DASHBOARD ends every stream with the process",
    "TIM-011": FAULTS,
    "TIM-015": FAULTS,
    "TIM-016": FAULTS,
    "TIM-017": FAULTS,
    "TIM-018": "there are no maintenance windows yet",
    "TIM-021": FAULTS,
}


def catalogue_file() -> Path:
    named = Path(os.environ.get("BREAKWATER_BAD_INPUTS") or BESIDE)
    return named / "bad-inputs.yaml" if named.is_dir() else named


@cache
def catalogue() -> Mapping[str, Item]:
    """Every item by its id; empty where there is no catalogue."""
    file = catalogue_file()
    if not file.is_file():
        return {}
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {item["id"]: item for item in document["items"]}


def items(
    area: str, *kinds: str, only: tuple[str, ...] = (), but: tuple[str, ...] = ()
) -> pytest.MarkDecorator:
    """
    Run a test for each item of an area, as its parameter `item`.

    Args:
        kinds: Only items with one of these expectations.
        only, but: Only these ids; all but these.
    """
    chosen = [
        pytest.param(item, id=key)
        for key, item in catalogue().items()
        if item["area"] == area
        and key not in OUT_OF_SCOPE
        and (not kinds or item["expected"]["kind"] in kinds)
        and (not only or key in only)
        and key not in but
    ]
    DRIVEN.update(str(param.id) for param in chosen)
    if not chosen:
        why = "no catalogue of bad inputs here: name its folder in BREAKWATER_BAD_INPUTS"
        chosen = [pytest.param(None, id="none", marks=pytest.mark.skip(reason=why))]
    return pytest.mark.parametrize("item", chosen)


def spelt_out(value: Any) -> Any:
    """A value of the catalogue with its notation carried out: repetitions, JSON's literals, bytes."""
    match value:
        case {"repeat": text, "times": count}:
            return text * count
        case {"then": middle}:
            return f"{value.get('prefix', '')}{spelt_out(middle)}{value.get('suffix', '')}"
        case {"json": "NaN" | "Infinity" as word}:
            return float(word.lower())
        case {"bytes_hex": digits}:
            return bytes.fromhex(digits)
        case dict():
            return {key: spelt_out(item) for key, item in value.items()}
        case list():
            return [spelt_out(item) for item in value]
        case _:
            return value
