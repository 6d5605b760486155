"""Configuration files that would harm, mislead or half apply."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from checks.models import Check
from checks.queries.status import status_report
from tests.hostile.catalogue import Item, items, spelt_out
from tests.hostile.conftest import says

pytestmark = pytest.mark.django_db

SENTENCES = {
    "CFG-001": ["aliases stand for more than|too many aliases"],
    "CFG-003": ["'api'", "lines 2 and 3"],
    "CFG-004": ["intervall", "did you mean 'interval'", "yaml:2:"],
    "CFG-005": ["tag .*python/object.*not allowed", "yaml:1:"],
    "CFG-006": ["tab; use spaces", "yaml:2:"],
    "CFG-007": ["second document", "yaml:2:"],
    "CFG-008": ["empty"],
    "CFG-009": ["a mapping"],
    "CFG-010": ["text expected, got true/false", "quotes", r"tags\.0"],
    "CFG-012": ["text expected, got a date", "quotes"],
    "CFG-014": ["UTF-8"],
    "CFG-015": ["too large"],
    "CFG-016": ["nested too deep"],
    "CFG-017": ["merge keys"],
    "CFG-018": ["NOT_SET is not set", "yaml:2:"],
    "CFG-021": ["unknown key 'mail_from'"],
    "CFG-023": ["unknown key 'body_file'"],
    # There are no channels yet, so the key is refused before the name in it can be.
    "CFG-026": ["unknown key 'notify'"],
    "CFG-029": ["choose one"],
}


def laughs() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines) + "\n"


def linked(folder: Path) -> str:
    (folder / "outside").write_text("secret")
    (folder / "link").symlink_to(folder / "outside")
    return f"checks:\n  x: {{url: 'http://a.example.test', method: POST, body_file: {folder / 'link'}}}\n"


GENERATED: dict[str, Callable[[Path], str]] = {
    "CFG-001": lambda _folder: laughs(),
    "CFG-015": lambda _folder: "# comment\n" * 10_000_000,
    "CFG-023": linked,
}


@items("config-yaml", "clear_error", "bounded", but=("CFG-025",))
def test_bad_file__is_refused_whole_with_its_place(item: Item, apply, tmp_path: Path):
    content = item["input"]["yaml"]
    content = GENERATED[item["id"]](tmp_path) if item["id"] in GENERATED else spelt_out(content)
    said = apply(content)
    assert said.code
    says(said.text, "checks.yaml", *SENTENCES[item["id"]])
    assert len(said.text) < 3000


@items("config-yaml", only=("CFG-017",))
def test_merge_key__gives_no_secret_away_by_its_error(item: Item, apply):
    said = apply(item["input"]["yaml"].replace("token: t}", "token: t0ps3cret}"))
    assert "t0ps3cret" not in said.text


@items("config-yaml", only=("CFG-025",))
def test_broken_file_after_a_sound_one__leaves_the_sound_one_in_force(item: Item, apply):
    assert apply("checks:\n  x: {url: 'http://a.example.test'}\n").code == 0
    assert apply("checks:\n  x: {url: 'http://b.example.test', interval: never}\n  y: {}\n").code
    (check,) = Check.objects.filter(slug__in=("x", "y"))
    assert check.definition["url"] == "http://a.example.test"
    assert any(row.slug == "x" for row in status_report(now=timezone.now()).checks)


@items("config-yaml", only=("CFG-030",))
def test_secret_in_a_file_that_everybody_may_read__is_applied_with_a_warning(item: Item, apply):
    said = apply("checks:\n  x: {url: 'http://a.example.test', bearer: t0ps3cret}\n", mode=0o644)
    assert said.code == 0
    says(said.text, r"warning: .*checks\.x\.bearer.*everybody may read")
    assert "t0ps3cret" not in said.text


def test_file_that_is_a_pipe_or_a_folder__is_refused_unread(tmp_path: Path, apply):

    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ".", "missing"):
        with pytest.raises(CommandError, match=r"no file|cannot be read"):
            call_command("apply", str(tmp_path / name))
