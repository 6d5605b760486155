"""What people see is translated in full."""

from __future__ import annotations

import re

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from django.test import Client

from tests.messages import catalogue_of, collected, read

LANGUAGES = ("ru",)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def original(message: Message) -> str:
    """The English text; of a plural, its singular."""
    return message.id if isinstance(message.id, str) else message.id[0]


def texts(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue__every_text_of_code_and_templates__is_translated(language: str) -> None:
    done = {original(message) for message in read(language) if all(texts(message))}
    missing = {original(message) for message in collected()} - done - {""}
    assert not missing, "python -m tests.messages, then translate what is empty"


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue__placeholders__are_the_same_in_every_translation(language: str) -> None:
    for message in read(language):
        names = set(PLACEHOLDER.findall(original(message)))
        for text in texts(message) if message.id else ():
            assert set(PLACEHOLDER.findall(text)) == names, original(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue__compiled__says_the_same_as_its_source(language: str) -> None:
    with catalogue_of(language).with_suffix(".mo").open("rb") as file:
        compiled = {original(message): texts(message) for message in read_mo(file) if message.id}
    assert compiled == {original(message): texts(message) for message in read(language) if message.id}


@pytest.mark.usefixtures("filled")
def test_overview__asked_for_in_russian__is_russian(client: Client, text_of) -> None:
    text = text_of(client.get("/", headers={"Accept-Language": "ru"}).content)
    assert "1 проверка не работает" in text
    assert "Needs attention" not in text
