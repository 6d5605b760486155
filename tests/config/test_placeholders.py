"""``${NAME}``: replaced from the environment, never from our own settings, never shown."""

from __future__ import annotations

import pytest

from checks.errors import InvalidInput
from checks.rules.placeholders import conceal, expand, names

ENVIRON = {"TOKEN": "s3cret", "HOST": "api.example.test", "SECRET_KEY": "ours"}


def test_expand__replaces_at_any_depth_and_leaves_numbers_alone():
    settings = {
        "url": "https://${HOST}/x",
        "headers": {"A": "Bearer ${TOKEN}"},
        "list": ["${HOST}", 3],
        "n": 5,
    }
    assert expand(settings, ENVIRON) == {
        "url": "https://api.example.test/x",
        "headers": {"A": "Bearer s3cret"},
        "list": ["api.example.test", 3],
        "n": 5,
    }


def test_expand__name_that_is_not_set__is_named_with_its_place():
    with pytest.raises(InvalidInput) as caught:
        expand({"headers": {"A": "${NOT_SET}"}}, ENVIRON)
    (problem,) = caught.value.problems
    assert problem.where == "headers.A"
    assert "NOT_SET is not set" in problem.message


@pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "BROKER_URL", "SECRET_KEY_FILE"])
def test_expand__our_own_secrets__are_refused_even_where_set(name: str):
    with pytest.raises(InvalidInput, match="Breakwater's own secret"):
        expand({"url": f"http://evil.example.test/?x=${{{name}}}"}, {name: "x"})


@pytest.mark.parametrize("text", ["${}", "${a b}", "${1X}", "${TOKEN", "x ${"])
def test_expand__malformed_placeholder__says_how_to_write_it(text: str):
    with pytest.raises(InvalidInput, match="is no placeholder"):
        expand({"body": text}, ENVIRON)


def test_expand__doubled_dollar__is_a_literal():
    assert expand({"body": "$${TOKEN} costs $5"}, ENVIRON) == {"body": "${TOKEN} costs $5"}


def test_expand__value_that_looks_like_a_placeholder__is_not_expanded_again():
    assert expand({"body": "${A}"}, {"A": "${TOKEN}", "TOKEN": "x"}) == {"body": "${TOKEN}"}


def test_names__finds_all_that_are_asked_for():
    assert names({"a": "${X}${Y}", "b": ["$${Z}", {"c": "${W}"}]}) == {"X", "Y", "W"}


def test_conceal__puts_the_placeholder_back_into_a_message():
    assert conceal("must not be 's3cret'", frozenset({"TOKEN"}), ENVIRON) == "must not be '${TOKEN}'"
