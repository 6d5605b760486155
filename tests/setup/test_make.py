"""What `make` says when a prerequisite is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedded import ROOT


@pytest.fixture
def setup(tmp_path):
    """Run `make setup` into an empty folder with a python3 of this text."""

    def setup(python: str) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "python3"
        program.write_text(f"#!/bin/sh\n{python}\n")
        program.chmod(0o755)
        variables = [f"PYTHON={program}", f"VENV={tmp_path / 'venv'}", f"STAMPS={tmp_path / 'stamps'}"]
        return subprocess.run(
            ["make", "--no-print-directory", "setup", *variables],
            cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    return setup


def test_setup__no_python__names_the_packages(tmp_path):
    variables = ["PYTHON=/nowhere/python3", f"VENV={tmp_path / 'venv'}", f"STAMPS={tmp_path / 'stamps'}"]
    result = subprocess.run(
        ["make", "setup", *variables], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode != 0
    assert "apt-get install python3 python3-venv" in result.stderr


def test_setup__python_without_venv__names_the_package(setup):
    result = setup(f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"')
    assert result.returncode != 0
    assert "apt-get install python3-venv" in result.stderr


def test_setup__python_too_old__says_so(setup):
    result = setup('case "$*" in *version_info*) exit 1;; *version*) echo Python 3.9.2;; esac')
    assert result.returncode != 0
    assert "needs Python 3.11 or later" in result.stderr
    assert "is Python 3.9.2" in result.stderr


def test_locks__name_no_host():
    for lock in Path(ROOT, "requirements").glob("*.txt"):
        assert "://" not in lock.read_text()
