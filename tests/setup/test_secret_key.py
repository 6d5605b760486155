"""The key that signs sessions."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard.secret_key import kept_in


def test_key__is_generated_once_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "secret_key"
    key = kept_in(path)
    assert len(key) >= 50
    assert kept_in(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_key__asked_for_by_many_at_once__is_one(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: kept_in(tmp_path / "secret_key"), range(8)))
    assert len(keys) == 1


def test_key__empty_file__is_refused_with_the_mend(tmp_path):
    (tmp_path / "secret_key").touch()
    with pytest.raises(ImproperlyConfigured, match="is empty: delete the file"):
        kept_in(tmp_path / "secret_key")


def test_key__no_folder_to_keep_it__is_refused_with_the_mend(tmp_path):
    with pytest.raises(ImproperlyConfigured, match="make DATA_DIR writable, or set SECRET_KEY"):
        kept_in(tmp_path / "missing" / "secret_key")
