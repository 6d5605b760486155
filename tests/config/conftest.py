"""What configuration tests build on: files, and the doors that read them."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from checks import bus
from checks.commands.actor import Actor
from checks.commands.configuration import ApplyConfiguration
from checks.commands.document import read_document
from checks.commands.plan import Plan

ACTOR = Actor("file:checks.yaml", "file")


class Said(NamedTuple):
    """What a command of the terminal printed, and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def apply() -> Callable[..., Plan]:
    """Apply one file's text."""

    def apply(text: str, file: str = "checks.yaml", *, prune: bool = False, plan: bool = False) -> Plan:
        document = read_document(file, text.encode())
        plan_made: Plan = bus.handle(
            ApplyConfiguration(documents=[document], prune=prune, plan=plan), actor=ACTOR
        )
        return plan_made

    return apply


@pytest.fixture
def run() -> Callable[..., Said]:
    """Run a command of the terminal."""

    def run(*args: str) -> Said:
        out, err = StringIO(), StringIO()
        code = 0
        try:
            call_command(*args, stdout=out, stderr=err, no_color=True)
        except CommandError as error:
            err.write(str(error))
            code = error.returncode
        except SystemExit as error:
            code = int(error.code or 0)
        return Said(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Write a file that only its owner may read, and return its path."""

    def file(text: str, name: str = "checks.yaml", *, mode: int = 0o600) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    return file
