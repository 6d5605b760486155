"""What a definition may say, and how it says what is wrong."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.errors import InvalidInput
from checks.rules.definition import COMMON_KEYS, parse
from checks.rules.dependencies import find_cycle
from checks.rules.reading import MAX_VALUES, unknown_key

URL = "http://a.example.test"


def problems(slug: str = "api", **raw: Any) -> dict[str, str]:
    """What is wrong, by place."""
    with pytest.raises(InvalidInput) as caught:
        parse(slug, {"url": URL, **raw})
    return {problem.where: problem.message for problem in caught.value.problems}


def test_a_url_alone_is_a_whole_definition():
    """Everything else has a default that suits most checks."""
    definition = parse("api", {"url": URL})
    assert (definition.kind, definition.name, definition.settings) == ("http", "api", {"url": URL})
    assert (definition.interval, definition.timeout) == (timedelta(seconds=60), timedelta(seconds=10))
    assert (definition.retries, definition.failure_threshold, definition.success_threshold) == (0, 3, 2)


def test_keys_that_are_not_common_are_the_kinds_own():
    definition = parse("db", {"kind": "tcp", "host": "db.example.test", "port": 5432, "group": "Data"})
    assert definition.settings == {"host": "db.example.test", "port": 5432}


def test_a_short_interval_shortens_the_default_timeout():
    """`interval: 1` alone has to be valid, with all its attempts inside the slot."""
    assert parse("api", {"url": URL, "interval": 1}).timeout == timedelta(seconds=1)
    assert parse("api", {"url": URL, "interval": 1, "retries": 2}).timeout == timedelta(seconds=0.333)


@pytest.mark.parametrize("slug", ["", "Api", "api_1", "-api", "api-", "ä", "a" * 101, "a b", "a/b"])
def test_slug__with_anything_but_lower_case_digits_and_hyphens__is_refused(slug: str):
    with pytest.raises(InvalidInput, match="lower-case letters, digits and hyphens"):
        parse(slug, {"url": URL})


@pytest.mark.parametrize("timeout", [0, -1, math.nan, math.inf, True, None, "10", "６０", 121, 0.05])
def test_timeout__out_of_range_or_no_number__names_range_and_unit(timeout: object):
    message = problems(timeout=timeout)["timeout"]
    assert "seconds from 0.1 to 120" in message


@pytest.mark.parametrize("interval", [0, -5, 1.0e18, "60s", True, None, math.nan, 604_801])
def test_interval__out_of_range_or_no_number__names_range_and_unit(interval: object):
    assert "seconds from 1 to 604800" in problems(interval=interval)["interval"]


def test_interval__with_a_fraction__is_refused():
    assert problems(interval=1.5) == {"interval": "whole seconds expected, got 1.5"}


def test_timeout__longer_than_the_interval__says_both():
    message = problems(timeout=30, interval=10)["timeout"]
    assert "30 s" in message
    assert "10 s" in message


def test_retries__that_do_not_fit_into_the_interval__are_refused():
    assert "3 attempts of 5 s do not fit" in problems(retries=2, timeout=5, interval=10)["retries"]


@pytest.mark.parametrize("retries", [-1, 4, 1_000_000, True, "1", 0.5])
def test_retries__out_of_range__says_the_limit(retries: object):
    assert "from 0 to 3" in problems(retries=retries)["retries"]


def test_interval_and_cron__at_once__asks_to_choose_one():
    assert "choose one" in problems(interval=60, cron="* * * * *")["interval"]


def test_timezone__without_cron__is_refused():
    assert "belongs to cron" in problems(timezone="Europe/Berlin")["timezone"]


@pytest.mark.parametrize("name", ["", "   ", "\u200b\u200d\u2060", "\u00a0"])
def test_name__without_a_visible_character__is_refused(name: str):
    assert "visible character" in problems(name=name)["name"]


def test_name__with_a_line_break_or_nul__is_refused():
    assert "U+000A" in problems(name="a\nb")["name"]
    assert "U+0000" in problems(name="a\0b")["name"]


def test_name__that_reads_from_right_to_left__is_kept_as_data():
    assert parse("api", {"url": URL, "name": "\u202etxt.exe"}).name == "\u202etxt.exe"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (False, "got true/false"),
        (date(2026, 11, 23), "got a date (2026-11-23)"),
        (7, "got the number 7"),
        (None, "got nothing"),
        (["a"], "got a list"),
    ],
)
def test_text__given_as_something_else__says_what_came_and_how_to_mend_it(value: object, told: str):
    message = problems(name=value)["name"]
    assert message.startswith("text expected")
    assert told in message


def test_tags__as_one_text__asks_for_a_list():
    assert "a list of texts expected" in problems(tags="a,b")["tags"]


def test_tags__too_many__says_the_limit():
    assert "at most 50" in problems(tags=[f"t{n}" for n in range(1000)])["tags"]


def test_tags__with_booleans__names_each_by_its_place():
    assert set(problems(tags=[True, "fine", False])) == {"tags.0", "tags.2"}


def test_tags__one_twice__is_refused():
    assert "twice" in problems(tags=["a", "a"])["tags.1"]


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "//host/x", "ftp://host", "https://", "https://user:pw@host/", "http://[::1"],
)
def test_runbook_url__that_is_no_plain_web_address__is_refused(link: str):
    assert "a web address" in problems(runbook_url=link)["runbook_url"]


def test_depends_on__itself__is_refused():
    assert "itself" in problems(depends_on=["api"])["depends_on"]


def test_settings__that_no_database_can_hold__are_refused():
    found = problems(body="a\0b", headers={"X": math.inf, "Y": {"Z": "\ud800"}}, since=date(2026, 1, 1))
    assert set(found) == {"body", "headers.X", "headers.Y.Z", "since"}


def test_settings__with_too_many_values__are_refused():
    found = problems(headers={str(n): "x" for n in range(MAX_VALUES + 1)})
    assert f"at most {MAX_VALUES} values" in found[""]


def test_settings__too_long__are_refused():
    assert "at most 131072 characters" in problems(body="x" * 5_242_880)["body"]


def test_every_problem_is_told_at_once():
    assert set(problems(timeout=0, retries=9, tags="x", name="")) == {"timeout", "retries", "tags", "name"}


def test_kind__missing_without_a_url__is_asked_for():
    with pytest.raises(InvalidInput, match="kind: is required"):
        parse("db", {"host": "db.example.test"})


def test_unknown_key__suggests_the_one_that_was_meant():
    assert unknown_key("intervall", COMMON_KEYS) == "unknown key 'intervall'; did you mean 'interval'?"


texts = st.text("abc é", min_size=1, max_size=8).map(str.strip).filter(bool)
definitions = st.fixed_dictionaries(
    {"url": st.just(URL)},
    optional={
        "name": texts,
        "group": texts,
        "tags": st.lists(texts, max_size=3, unique=True),
        "description": texts,
        "runbook_url": st.just("https://wiki.example.test/x"),
        "depends_on": st.lists(st.sampled_from(["a", "b", "c-1"]), unique=True),
        "location": st.sampled_from(["default", "eu-west"]),
        "interval": st.integers(10, 604_800),
        "timeout": st.floats(0.1, 2.5),
        "retries": st.integers(0, 3),
        "failure_threshold": st.integers(1, 100),
        "success_threshold": st.integers(1, 100),
        "degraded_latency_ms": st.integers(1, 120_000),
        "conditions": st.lists(st.just("[STATUS] == 200"), max_size=1),
        "headers": st.dictionaries(texts, texts, max_size=2),
    },
)


@settings(max_examples=100)
@given(definitions)
def test_public__is_read_again_as_the_same_definition(raw: dict[str, Any]):
    definition = parse("api", raw)
    assert parse("api", definition.public()) == definition
    assert set(definition.public()) <= set(raw) | {"timeout"}


def test_public__of_defaults_written_out__leaves_them_out():
    written = {
        "url": URL,
        "kind": "http",
        "interval": 60,
        "timeout": 10,
        "retries": 0,
        "tags": [],
        "name": "api",
    }
    assert parse("api", written).public() == {"url": URL}


def test_find_cycle__in_a_chain_that_bites_its_tail__names_all_of_it():
    cycle = find_cycle({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    chain = {"a": "b", "b": "c", "c": "a"}
    assert all(chain[one] == other for one, other in pairwise(cycle))


def test_find_cycle__in_a_long_chain_without_one__finds_nothing():
    assert find_cycle({str(n): [str(n + 1)] for n in range(20_000)}) == ()
