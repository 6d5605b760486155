"""That no item of the catalogue is dropped in silence."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.hostile.catalogue import DRIVEN, OUT_OF_SCOPE, catalogue

pytestmark = pytest.mark.skipif(not catalogue(), reason="no catalogue of bad inputs here")


def test_every_item__is_driven_or_out_of_scope_with_a_reason():
    for file in Path(__file__).parent.glob("test_*.py"):
        import_module(f"tests.hostile.{file.stem}")
    left = {
        key: item["title"]
        for key, item in catalogue().items()
        if key not in DRIVEN and key not in OUT_OF_SCOPE and item["area"] not in OUT_OF_SCOPE
    }
    assert not left


def test_what_is_out_of_scope__exists_and_is_not_driven():
    known = set(catalogue()) | {item["area"] for item in catalogue().values()}
    assert OUT_OF_SCOPE.keys() <= known
    assert all(OUT_OF_SCOPE.values())
    assert not DRIVEN & OUT_OF_SCOPE.keys()
