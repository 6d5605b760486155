"""Definitions that must not become checks, each through the file, the form, and the validation of all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.errors import InvalidInput
from checks.models import Check
from checks.runner.prepared import prepare
from tests.hostile.catalogue import Item, items, spelt_out
from tests.hostile.conftest import says

KEYS = {"timeout_seconds": "timeout", "interval_seconds": "interval", "dns_record": "record_type"}
"""The catalogue's fields by our keys, where they differ."""
SENTENCES = {
    "CHK-001": "required",
    "CHK-004": "scheme",
    "CHK-011": "has no host",
    "CHK-054": "1 to 65535",
    "CHK-064": "'X-A'",
    "CHK-073": "twice",
    "CHK-075": "at most 16384",
    "CHK-080": "'GET'.*'POST'",
    "CHK-081": "at most",
    "CHK-093": "30 s.*10 s",
    "CHK-100": "from 0 to 3",
    "CHK-104": "unknown",
    "CHK-114": "'A'.*'TXT'",
    "CHK-123": "at most 50",
    "CHK-124": "list of texts",
}
DEFAULTED = {
    "CHK-089": "an empty field stands for the default",
    "CHK-101": "an empty field stands for the default",
    "CHK-115": "an empty field stands for the slug",
    "CHK-124": "in a form it is one tag with a comma in it",
    "CHK-064": "in a form the line break ends the header: what is left is two sound headers",
}
"""What a form cannot express, or means otherwise there."""


def wrong_key(item: Item) -> str:
    field = item["input"]["field"]
    return KEYS.get(field, field)


def definition(item: Item) -> dict[str, Any]:
    """A sound definition but for what the item puts into it."""
    given = item["input"]
    key, value = wrong_key(item), spelt_out(given["value"])
    if value == {"generate": "1000 tags"}:
        value = [f"tag-{number}" for number in range(1000)]
    sound: dict[str, Any] = {"url": "http://example.test/"}
    if key == "host":
        sound = {"kind": "icmp"}
    elif key == "record_type":
        sound = {"kind": "dns", "query": "example.test"}
    elif key == "body":
        sound["method"] = "POST"
    if "interval_seconds" in given:
        sound["interval"] = given["interval_seconds"]
    return sound | {key: value}


def as_yaml(document: object) -> str:
    """JSON is YAML, but for its words for numbers that are none."""
    text = json.dumps(document, ensure_ascii=False)
    return text.replace("NaN", ".nan").replace("Infinity", ".inf")


def as_form(value: Any) -> str:
    match value:
        case dict():
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        case list():
            return "\n".join(map(str, value))
        case _:
            return str(value)


REFUSED = items("check-definition", "clear_error", but=("CHK-120",))


@REFUSED
def test_bad_definition__is_refused_with_its_key(item: Item):
    with pytest.raises(InvalidInput) as refused:
        prepare("hostile", definition(item), environ={})
    problems = refused.value.problems
    assert {problem.where.partition(".")[0] for problem in problems} == {wrong_key(item)}
    sentence = "; ".join(problem.message for problem in problems)
    says(sentence, SENTENCES.get(item["id"], "."))
    assert len(sentence) < 500
    if "says the allowed range and unit" in item["expected"].get("must", ()):
        says(sentence, r"seconds from [\d.]+ to \d+")


@REFUSED
@pytest.mark.django_db
def test_bad_definition__in_a_file__is_refused_with_its_line(item: Item, apply):
    said = apply(
        as_yaml({"checks": {"sound": {"url": "http://a.example.test"}, "hostile": definition(item)}})
    )
    assert said.code
    file_too_large = item["id"] == "CHK-081"
    says(said.text, "too large" if file_too_large else rf"checks\.yaml:1: checks\.hostile\.{wrong_key(item)}")
    assert not Check.objects.filter(slug="sound").exists()


@REFUSED
@pytest.mark.django_db
def test_bad_definition__in_the_admins_form__is_refused_at_its_field(item: Item, post):
    if item["id"] in DEFAULTED:
        pytest.skip(DEFAULTED[item["id"]])
    wanted = definition(item)
    kind = wanted.pop("kind", "http")
    if "body_regex" in wanted:
        pytest.skip("the form has no such field")
    status, errors = post(kind, **{key: as_form(value) for key, value in wanted.items()})
    if item["id"] == "CHK-081":
        assert status in (400, 413), "larger than any form of ours"
        return
    assert status == 200
    assert wrong_key(item) in errors
    assert not Check.objects.filter(slug="hostile").exists()


@items("check-definition", only=("CHK-120",))
@pytest.mark.django_db
def test_names_that_look_alike__are_kept_apart_by_their_slugs(item: Item, apply):
    first, second = item["input"]["value"]
    url = "http://a.example.test"
    said = apply(
        as_yaml({"checks": {"one": {"url": url, "name": first}, "two": {"url": url, "name": second}}})
    )
    assert said.code == 0
    assert Check.objects.filter(slug__in=("one", "two")).count() == 2


@items("check-definition", only=("CHK-048",))
def test_look_alike_host__is_shown_as_it_is_dialled_too(item: Item):
    prepared = prepare("hostile", definition(item), environ={})
    says(prepared.kind.target(), "раypal.example", "xn--")


@items("check-definition", only=("CHK-125",))
@pytest.mark.django_db
def test_import_of_too_many_checks__is_refused_whole(item: Item, apply):
    said = apply(
        "checks:\n" + "".join(f"  c{number}: {{url: 'http://a.test'}}\n" for number in range(50_001))
    )
    assert said.code
    says(said.text, "50001 checks", "50000 are allowed")
    assert not Check.objects.filter(source__startswith="file:").exists()
