"""Nobody's list of bad inputs is complete: whatever is written is read, or refused with a reason."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.commands.document import read_document
from checks.commands.gatus import convert
from checks.errors import InvalidInput
from checks.kinds.base import KINDS
from checks.kinds.masking import literal_secrets, masked
from checks.rules.condition import parse as parse_condition
from checks.rules.definition import COMMON_KEYS
from checks.runner.prepared import prepare

SETTINGS = sorted({each.name for cls in KINDS.values() for each in fields(cls)})
HOSTILE_TEXTS = [
    "",
    " ",
    "\0",
    "\ud800",
    "${",
    "${X}",
    "$${",
    "http://[",
    "1e400",
    "[STATUS]",
    "a" * 300,
    "\u202e",
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(HOSTILE_TEXTS)
    | st.binary(max_size=4)
    | st.dates()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | scalars, inner, max_size=3)
    ),
    max_leaves=8,
)
definitions = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(KINDS))},
    optional={key: values for key in (*COMMON_KEYS, *SETTINGS) if key != "kind"} | {"colour": values},
)


def sound_problems(error: InvalidInput) -> None:
    assert error.problems
    for problem in error.problems:
        assert problem.message.strip()
        assert len(problem.message) < 2000
        str(problem)


@given(definitions)
@settings(max_examples=300, deadline=None)
def test_any_definition__is_read_or_refused(raw: dict[str, Any]):
    try:
        prepared = prepare("any", raw, environ={"X": "x"})
    except InvalidInput as error:
        sound_problems(error)
    else:
        public = prepared.definition.public()
        assert prepare("any", public, environ={"X": "x"}).definition == prepared.definition
        json.dumps(public, allow_nan=False).encode()


@given(definitions)
@settings(max_examples=100, deadline=None)
def test_any_definition__can_be_masked(raw: dict[str, Any]):
    masked(raw)
    literal_secrets(raw)


@given(st.dictionaries(st.text(max_size=8), values, max_size=3), st.binary(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_file__is_read_or_refused(document: dict[str, Any], tail: bytes):
    try:
        content = yaml.safe_dump({"checks": {"any": document}}, allow_unicode=True).encode(
            "utf-8", "surrogatepass"
        )
    except yaml.YAMLError:
        content = b""
    for text in (content, content + tail, tail):
        try:
            read = read_document("any.yaml", text)
        except InvalidInput as error:
            sound_problems(error)
        else:
            for slug, node in read.checks.items():
                try:
                    prepare(slug, node.plain(), environ={})
                except InvalidInput as error:
                    sound_problems(error)


@given(values)
@settings(max_examples=150, deadline=None)
def test_any_gatus_file__is_read_or_refused(endpoint: Any):
    document = {"endpoints": [endpoint, {"name": "a", "url": endpoint, "conditions": endpoint}]}
    try:
        content = yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
        convert("any.yaml", content)
    except InvalidInput as error:
        sound_problems(error)
    except yaml.YAMLError:
        return


@given(st.text(alphabet="[]STAUBODY.len()patnyhas=!<> '\"0123456789smh*\\-", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_condition__is_read_or_refused(text: str):
    try:
        parse_condition(text)
    except InvalidInput as error:
        sound_problems(error)
