"""No secret is shown, and nothing else is hidden."""

from __future__ import annotations

from typing import Any

import pytest

from checks.kinds.masking import MASK, literal_secrets, masked


@pytest.mark.parametrize(
    ("definition", "shown"),
    [
        ({"url": "http://a", "password": "x"}, {"url": "http://a", "password": MASK}),
        ({"url": "http://a", "password": "${PW}"}, {"url": "http://a", "password": "${PW}"}),
        ({"url": "http://a", "password": "pre${PW}"}, {"url": "http://a", "password": MASK}),
        (
            {
                "url": "http://a",
                "headers": {"Authorization": "Bearer abc", "X-Api-Key": "k", "Accept": "*/*"},
            },
            {"url": "http://a", "headers": {"Authorization": MASK, "X-Api-Key": MASK, "Accept": "*/*"}},
        ),
        (
            {"url": "http://a", "headers": {"Authorization": "Bearer ${TOKEN}"}},
            {"url": "http://a", "headers": {"Authorization": "Bearer ${TOKEN}"}},
        ),
        (
            {"url": "https://u:pw@a.test/x?token=abc&page=2"},
            {"url": f"https://u:{MASK}@a.test/x?token={MASK}&page=2"},
        ),
        ({"url": "https://u:${PW}@a.test/?token=${T}"}, {"url": "https://u:${PW}@a.test/?token=${T}"}),
        ({"kind": "redis", "host": "a", "password": 12345}, {"kind": "redis", "host": "a", "password": MASK}),
        ({"kind": "gone", "host": "a", "api_token": "x"}, {"kind": "gone", "host": "a", "api_token": MASK}),
        (
            {"url": "http://a", "tags": ["secret"], "interval": 5},
            {"url": "http://a", "tags": ["secret"], "interval": 5},
        ),
    ],
)
def test_masked__hides_literal_secrets_only(definition: dict[str, Any], shown: dict[str, Any]):
    assert masked(definition) == shown


def test_literal_secrets__are_found_by_their_paths():
    definition = {"url": "https://u:pw@a/?token=x", "headers": {"Cookie": "c"}, "bearer": "${B}"}
    assert literal_secrets(definition) == ["url.password", "url.token", "headers.Cookie"]
