"""That no item of the catalogue is dropped in silence."""

from __future__ import annotations

import pytest

from tests.hostile.catalogue import DRIVEN, OUT_OF_SCOPE, catalogue

pytestmark = pytest.mark.skipif(not catalogue(), reason="no catalogue of bad inputs here")


def test_every_area__is_driven_or_out_of_scope_with_a_reason():
    areas = {item["area"] for item in catalogue().values()}
    assert areas == {*DRIVEN, *(name for name in OUT_OF_SCOPE if name not in catalogue())}
    assert not DRIVEN.keys() & OUT_OF_SCOPE.keys()


def test_what_is_out_of_scope__exists():
    known = set(catalogue()) | {item["area"] for item in catalogue().values()}
    assert OUT_OF_SCOPE.keys() <= known
    assert all(OUT_OF_SCOPE.values())
