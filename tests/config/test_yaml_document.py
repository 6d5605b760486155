"""YAML is read with a line for everything, and no file can cost more than its size."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.commands.yaml_document import MAX_BYTES, Node, read, write
from checks.errors import InvalidInput, Problem

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def problem(content: str | bytes) -> Problem:
    with pytest.raises(InvalidInput) as caught:
        read(content if isinstance(content, bytes) else content.encode())
    (found,) = caught.value.problems
    return found


def test_every_key_and_entry_knows_its_line():
    root = read(b"checks:\n  api:\n    tags:\n      - a\n      - b\n    timeout: 5\n")
    assert root.line_of(["checks", "api", "timeout"]) == 6
    assert root.line_of(["checks", "api", "tags", "1"]) == 5
    assert root.line_of(["checks", "api", "nothing", "here"]) == 2


def test_same_key_twice__names_the_key_and_both_lines():
    found = problem("checks:\n  api: {url: 'http://a'}\n  api: {url: 'http://b'}\n")
    assert found == Problem("checks.api", "the key 'api' stands twice, on lines 2 and 3; keep one", 3)


def test_billion_laughs__are_refused_by_what_the_aliases_stand_for():
    assert "aliases stand for more than" in problem(LAUGHS).message


def test_many_aliases__are_refused_by_their_number():
    assert "too many aliases" in problem(f"a: &a 1\nb: [{','.join(['*a'] * 101)}]").message


def test_alias_to_itself__is_refused():
    assert "refers to itself" in problem("a: &a [*a]").message


def test_aliases__that_nest_too_deep_together__are_refused():
    levels = "".join(f"l{n}: &l{n} [[[[[[[[*l{n - 1}]]]]]]]]\n" for n in range(1, 6))
    assert "nested too deep" in problem(f"l0: &l0 x\n{levels}").message


def test_alias__stands_for_its_value_and_has_its_own_line():
    root = read(b"a: &tags [x, y]\nb: *tags\n")
    assert root.plain() == {"a": ["x", "y"], "b": ["x", "y"]}
    assert root.line_of(["b"]) == 2


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_five_thousand_levels__are_refused_as_too_deep(opening: str):
    assert (
        "nested too deep: 32 levels"
        in problem("x: " + opening * 5000 if opening != "- " else opening * 5000).message
    )


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.getcwd []", "!custom x", "!!str 5", "!!binary aGk="]
)
def test_tag__is_refused(tag: str):
    found = problem(f"x: {tag}")
    assert "is not allowed" in found.message
    assert found.line == 1


def test_merge_key__is_refused():
    found = problem("a: &a {secret: {token: t}}\nb: {<<: *a, url: 'http://b.example.test'}\n")
    assert "merge keys" in found.message
    assert found.line == 2


def test_merge_key__where_it_is_allowed__fills_in_below_the_own_keys():
    root = read(b"a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {<<: [*a, {z: 9}]}\n", merge=True)
    assert root.plain()["b"] == {"x": 1, "y": 3}
    assert root.plain()["c"] == {"x": 1, "y": 2, "z": 9}


def test_tab_as_indentation__says_to_use_spaces():
    found = problem("checks:\n\tapi: {}\n")
    assert found == Problem("", "the line is indented with a tab; use spaces", 2)


def test_bare_condition__says_to_put_it_in_quotes():
    found = problem("conditions:\n  - [STATUS] == 200\n")
    assert "quotes" in found.message
    assert found.line == 2


def test_second_document__is_refused_with_its_line():
    found = problem("checks: {}\n---\nchecks: {}\n")
    assert "second document" in found.message
    assert found.line == 2


@pytest.mark.parametrize("content", ["", "\n\n", "# nothing yet\n", "---\n"])
def test_file_without_content__is_called_empty_or_holds_nothing(content: str):
    if content == "---\n":
        assert read(content.encode()).value is None
    else:
        assert "is empty" in problem(content).message


@pytest.mark.parametrize(
    "content", [bytes.fromhex("fffe610000003a00"), b"a: \xff", "a: 1".encode("utf-16-be")]
)
def test_file_that_is_not_utf8__says_so(content: bytes):
    assert "UTF-8" in problem(content).message


@pytest.mark.parametrize("before", ["a: 1", "ключ: значение"])
def test_control_character__is_named_with_its_line(before: str):
    assert problem(f"{before}\nb: \x01\n") == Problem(
        "", "the character U+0001 cannot stand in YAML; take it out", 2
    )


def test_file_too_large__is_refused_before_it_is_parsed():
    assert "4 MiB are allowed" in problem(b"#" * (MAX_BYTES + 1)).message


def test_byte_order_mark__is_no_part_of_the_text():
    assert read(b"\xef\xbb\xbfa: 1").plain() == {"a": 1}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", False),
        ("On", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-1.5", -1.5),
        ("1.0e+18", 1e18),
        ("2026-11-23", date(2026, 11, 23)),
        ("0755", "0755"),
        ("22:30", "22:30"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("2026-02-30", "2026-02-30"),
        ("'no'", "no"),
        ('"12"', "12"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalar__is_read_as_its_writer_would_expect(written: str, value: object):
    assert read(f"x: {written}\n".encode()).plain() == {"x": value}


@pytest.mark.parametrize("key", ["no", "1", "2026-11-23", "null", "[a]"])
def test_key_that_is_no_text__is_refused(key: str):
    assert "key" in problem(f"? {key}\n: 1\n").message


@pytest.mark.parametrize(
    "content", ["a: 'x\ny", "a: [1", "a: b: c", "a: }", "- a\nb: c", "a: |1x\n", "%bad\n---\n"]
)
def test_broken_yaml__is_refused_with_a_line(content: str):
    assert problem(content).line is not None


def test_nodes_of_plain_values__give_them_back():
    assert Node.of({"a": [1, {"b": None}]}).plain() == {"a": [1, {"b": None}]}


words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
) | st.sampled_from(
    ["no", "1e3", "0755", "22:30", "~", "2026-11-23", "=", "- a", "a: b", "x\ny\n", " x ", "\ttab", "'", '"']
)
scalars = words | st.integers(-(10**17), 10**17) | st.booleans() | st.none()
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100)
@given(st.dictionaries(words, documents, min_size=1, max_size=3))
def test_write__is_read_again_as_the_same(document: dict[str, Any]):
    assert read(write(document).encode()).plain() == document
