"""What the hostile client has in its hands: files, forms, and a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from checks.models import Check, Event


class Said(NamedTuple):
    """What a command of the terminal printed, and how it ended."""

    code: int
    text: str


@pytest.fixture(autouse=True)
def _open_to_read(settings):
    settings.PUBLIC_DASHBOARD = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def apply(tmp_path: Path) -> Callable[..., Said]:
    """Apply a file as an operator would; nothing that is refused may leave anything behind."""

    def apply(content: str | bytes, *options: str, mode: int = 0o600) -> Said:
        file = tmp_path / "checks.yaml"
        file.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        file.chmod(mode)
        said = StringIO()
        code = 0
        before = stored()
        try:
            call_command("apply", str(file), *options, stdout=said, stderr=said, no_color=True)
        except CommandError as error:
            code = error.returncode
            said.write(str(error))
        assert "Traceback" not in said.getvalue()
        if code:
            assert stored() == before, "what was refused was half done"
        return Said(code, said.getvalue())

    return apply


def stored() -> tuple[list[str], int]:
    """The checks from files and forms, and how long the log is without the checks from code."""
    return (
        sorted(Check.objects.exclude(source="code").values_list("slug", flat=True)),
        Event.objects.exclude(data__source="code").exclude(stream="configuration").count(),
    )


@pytest.fixture
def post(admin_client) -> Callable[..., tuple[int, dict[str, list[str]]]]:
    """Send an admin's form to add a check; the status, and what stands at each field."""

    def post(kind: str, **fields: str) -> tuple[int, dict[str, list[str]]]:
        sent = {"slug": "hostile", "version": "0", "verify_tls": "on", "follow_redirects": "on"}
        response = admin_client.post(f"/admin/checks/check/add/?kind={kind}", sent | fields)
        errors = {}
        if response.status_code == 200:
            errors = {name: list(found) for name, found in response.context["adminform"].form.errors.items()}
        return response.status_code, errors

    return post


def says(text: str, *patterns: str) -> None:
    """Assert that each pattern is found in `text`, whatever the case."""
    for pattern in patterns:
        assert re.search(pattern, text, re.IGNORECASE | re.DOTALL), (
            f"{pattern!r} is not said in: {text[:2000]}"
        )
