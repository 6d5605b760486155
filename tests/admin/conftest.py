from __future__ import annotations

import pytest

from checks import bus
from checks.commands.actor import Actor
from checks.commands.checks import DefineCheck


@pytest.fixture(autouse=True)
def _quick_sign_in(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def commands(monkeypatch):
    """Every command that reaches the bus, with the actor's name; they are carried out as usual."""
    seen = []
    handle = bus.handle

    def note(command, *, actor):
        seen.append((command, actor))
        return handle(command, actor=actor)

    monkeypatch.setattr(bus, "handle", note)
    return seen


@pytest.fixture
def define(db):
    """Define a check as its source would."""

    def define(slug, source="admin", **definition):
        definition = {"url": "https://example.org/"} | definition
        bus.handle(
            DefineCheck(slug=slug, definition=definition, source=source), actor=Actor("anna", "person")
        )

    return define
