"""Readers of environment variables: what they take, and the sentence with which they refuse."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from dashboard import env


@pytest.fixture
def setting(monkeypatch):
    """Set the variable SETTING."""
    return lambda value: monkeypatch.setenv("SETTING", value)


@pytest.mark.parametrize(
    ("raw", "meaning"), [("on", True), ("YES", True), ("1", True), ("0", False), ("off", False)]
)
def test_flag__a_known_word__is_read(setting, raw, meaning):
    setting(raw)
    assert env.flag("SETTING", default=not meaning) is meaning


def test_flag__empty__counts_as_not_set(setting):
    setting("  ")
    assert env.flag("SETTING", default=True) is True


def test_flag__another_word__is_refused_with_the_words_that_would_do(setting):
    setting("maybe")
    with pytest.raises(ImproperlyConfigured, match=r"SETTING='maybe': expected on or off"):
        env.flag("SETTING")


@pytest.mark.parametrize("raw", ["0", "11", "-1", "1.5", "1e1", "²", "ten", "1_0", "+5"])
def test_whole_number__outside_its_bounds_or_no_number__is_refused(setting, raw):
    setting(raw)
    with pytest.raises(ImproperlyConfigured, match=re.escape(f"SETTING={raw!r}") + ".* from 1 to 10"):
        env.whole_number("SETTING", 5, low=1, high=10)


@pytest.mark.parametrize("raw", ["1", "10"])
def test_whole_number__on_its_bounds__is_read(setting, raw):
    setting(raw)
    assert env.whole_number("SETTING", 5, low=1, high=10) == int(raw)


def test_days__are_a_duration(setting):
    setting("3")
    assert env.days("SETTING", 1) == timedelta(days=3)


def test_words__spaces_and_empty_parts__do_not_count(setting):
    setting(" a, ,b ,")
    assert env.words("SETTING") == ["a", "b"]


def test_choice__unknown__names_what_may_be_chosen(setting):
    setting("open")
    with pytest.raises(ImproperlyConfigured, match="expected one of lan, public"):
        env.choice("SETTING", "lan", ("lan", "public"))


@pytest.mark.parametrize("raw", ["status.example.org", "ftp://example.org", "https://", "/path"])
def test_web_address__no_web_address__is_refused(setting, raw):
    setting(raw)
    with pytest.raises(ImproperlyConfigured, match=r"SETTING=.*expected an address"):
        env.web_address("SETTING", "http://localhost")


def test_web_address__ending_in_a_slash__loses_it(setting):
    setting("https://example.org/status/")
    assert env.web_address("SETTING", "") == "https://example.org/status"


@pytest.mark.parametrize("raw", ["Mars/Olympus", "../etc/passwd", "/etc/localtime"])
def test_time_zone__unknown__is_refused(setting, raw):
    setting(raw)
    with pytest.raises(ImproperlyConfigured, match="expected a zone's name"):
        env.time_zone("SETTING", "UTC")


def test_secret__in_a_file__is_read_without_the_last_newline(monkeypatch, tmp_path):
    (tmp_path / "secret").write_text(" pass\nword \n")
    monkeypatch.setenv("SETTING_FILE", str(tmp_path / "secret"))
    assert env.secret("SETTING") == " pass\nword "


def test_secret__given_twice__is_refused(monkeypatch, setting, tmp_path):
    setting("one")
    monkeypatch.setenv("SETTING_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="SETTING and SETTING_FILE are both set"):
        env.secret("SETTING")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_secret__unreadable_file__is_refused_without_its_content(monkeypatch, tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SETTING_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=r"SETTING_FILE=.* cannot be read"):
        env.secret("SETTING")


def test_folder__missing__is_made(monkeypatch, tmp_path):
    monkeypatch.setenv("SETTING", str(tmp_path / "a" / "b"))
    assert env.folder("SETTING", Path("unused")).is_dir()


def test_folder__that_is_a_file__is_refused_with_the_mend(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SETTING", str(tmp_path / "file"))
    with pytest.raises(ImproperlyConfigured, match="set SETTING to a folder that we may write to"):
        env.folder("SETTING", Path("unused"))


def test_folder__without_the_right_to_write__is_refused(monkeypatch, tmp_path):
    # Root may write everywhere, so the system's answer is what is put in its place.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setenv("SETTING", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="is not writable: set SETTING"):
        env.folder("SETTING", Path("unused"))


def test_database__sqlite__gets_what_many_writers_need():
    entry = env.database("SETTING", "sqlite:////var/lib/breakwater.sqlite3")
    assert entry["NAME"] == "/var/lib/breakwater.sqlite3"
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in entry["OPTIONS"]["init_command"]
    assert entry["CONN_MAX_AGE"] is None


def test_database__postgres__is_read_with_its_parts():
    entry = env.database("SETTING", "postgres://user:p%40ss@db.example:5433/health")
    assert (entry["USER"], entry["PASSWORD"], entry["HOST"], entry["PORT"]) == (
        "user",
        "p@ss",
        "db.example",
        5433,
    )
    assert entry["OPTIONS"]["tcp_user_timeout"] == 15_000, "or a vanished server holds us for hours"


def test_database__postgres_with_options_of_its_own__keeps_them():
    entry = env.database("SETTING", "postgres://db.example/health?connect_timeout=1")
    assert entry["OPTIONS"]["connect_timeout"] == 1


def test_database__postgres_without_its_driver__names_the_mend(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(ImproperlyConfigured, match="psycopg is not installed: run `make setup`"):
        env.database("SETTING", "postgres://localhost/health")


@pytest.mark.parametrize("url", ["nonsense", "mysql://user:secret@localhost/x", "ftp://user:secret@host/x"])
def test_database__another_kind__is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="SETTING") as refusal:
        env.database("SETTING", url)
    assert "secret" not in str(refusal.value)
