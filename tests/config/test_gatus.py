"""Gatus' files become ours, and whatever is lost on the way is told with its line."""

from __future__ import annotations

from typing import Any

import pytest

from checks.commands.document import FileProblem
from checks.commands.gatus import convert, duration_seconds
from checks.errors import InvalidInput

LIKE_IN_ITS_MANUAL = """\
metrics: true
alerting:
  slack:
    webhook-url: https://hooks.example.test/x
defaults: &defaults
  group: core
  interval: 5m
  alerts:
    - type: slack
      failure-threshold: 4
      success-threshold: 5
    - type: email
      failure-threshold: 2
endpoints:
  - <<: *defaults
    name: Front End
    url: "https://front.example.test/health"
    client: {timeout: 3s, insecure: true, ignore-redirect: true}
    conditions:
      - "[STATUS] == 200"
      - "[BODY].status == UP"
      - "[RESPONSE_TIME] < 150"
      - "[CERTIFICATE_EXPIRATION] > 48h"
  - name: db
    group: data
    url: "tcp://db.example.test:5432"
    interval: 30s
    conditions: ["[CONNECTED] == true"]
  - name: resolver
    url: "8.8.8.8"
    dns: {query-name: "example.com", query-type: "A"}
    conditions: ["[DNS_RCODE] == NOERROR"]
  - name: ping
    url: "icmp://example.org"
    conditions: ["[CONNECTED] == true"]
  - name: cert
    url: "tls://example.org:443"
    conditions: ["[CERTIFICATE_EXPIRATION] > 10h"]
"""


def checks_of(text: str) -> dict[str, dict[str, Any]]:
    converted: dict[str, dict[str, Any]] = convert("gatus.yaml", text.encode()).root.plain()["checks"]
    return converted


def lost(text: str) -> list[FileProblem]:
    return list(convert("gatus.yaml", text.encode()).lost)


def endpoint(**keys: Any) -> str:
    lines = "".join(f"    {key.replace('_', '-')}: {value}\n" for key, value in keys.items())
    return f"endpoints:\n  - name: x\n    conditions: ['[CONNECTED] == true']\n{lines}"


def test_convert__a_file_as_the_manual_has_it__keeps_its_meaning():
    assert checks_of(LIKE_IN_ITS_MANUAL) == {
        "core-front-end": {
            "name": "Front End",
            "group": "core",
            "interval": 300,
            "timeout": 3,
            "kind": "http",
            "url": "https://front.example.test/health",
            "verify_tls": False,
            "follow_redirects": False,
            "conditions": [
                "[STATUS] == 200",
                "[BODY].status == UP",
                "[RESPONSE_TIME] < 150",
                "[CERTIFICATE_EXPIRATION] > 48h",
            ],
            "failure_threshold": 2,
            "success_threshold": 5,
        },
        "data-db": {
            "name": "db",
            "group": "data",
            "interval": 30,
            "kind": "tcp",
            "host": "db.example.test",
            "port": 5432,
            "conditions": ["[CONNECTED] == true"],
        },
        "resolver": {
            "name": "resolver",
            "interval": 60,
            "kind": "dns",
            "query": "example.com",
            "record_type": "A",
            "resolver": "8.8.8.8",
            "conditions": ["[DNS_RCODE] == NOERROR"],
        },
        "ping": {
            "name": "ping",
            "interval": 60,
            "kind": "icmp",
            "host": "example.org",
            "conditions": ["[CONNECTED] == true"],
        },
        "cert": {
            "name": "cert",
            "interval": 60,
            "kind": "tls",
            "host": "example.org",
            "port": 443,
            "conditions": ["[CERTIFICATE_EXPIRATION] > 10h"],
        },
    }


def test_convert__what_is_lost__is_told_with_its_line():
    assert [str(item) for item in lost(LIKE_IN_ITS_MANUAL)] == [
        "gatus.yaml:2: alerting: is not carried over",
        "gatus.yaml:8: endpoints.0.alerts: only the thresholds are carried over, not who is notified",
    ]


def test_convert__no_condition_on_the_status__accepts_every_status_as_gatus_does():
    assert checks_of(endpoint(url="http://a.example.test"))["x"]["expected_status"] == ["100-599"]


def test_convert__disabled_endpoint__is_left_out():
    text = endpoint(url="http://a.example.test", enabled="false")
    assert checks_of(text) == {}
    assert "left out: it is disabled" in lost(text)[0].message


@pytest.mark.parametrize(
    "url", ["ws://a.test", "ssh://a.test:22", "udp://a.test:1", "starttls://a.test:25", "sctp://a"]
)
def test_convert__kind_that_we_lack__is_left_out_with_a_reason(url: str):
    text = endpoint(url=url)
    assert checks_of(text) == {}
    (item,) = lost(text)
    assert "there is no kind of check for" in item.message
    assert item.line == 2


def test_convert__condition_that_does_not_fit__is_left_out_alone():
    text = (
        "endpoints:\n"
        "  - name: x\n"
        "    url: http://a.example.test\n"
        "    conditions:\n"
        "      - '[STATUS] == 200'\n"
        "      - '[DOMAIN_EXPIRATION] > 720h'\n"
        "      - '[NONSENSE] == 1'\n"
    )
    assert checks_of(text)["x"]["conditions"] == ["[STATUS] == 200"]
    assert [item.line for item in lost(text)] == [6, 7]


def test_convert__only_condition_is_lost__leaves_the_kinds_own_expectation():
    text = "endpoints:\n  - {name: x, url: 'http://a.test', conditions: ['[DOMAIN_EXPIRATION] > 720h']}\n"
    assert "expected_status" not in checks_of(text)["x"]


def test_convert__keys_that_we_lack__are_told_one_by_one():
    text = endpoint(
        url="http://a.example.test", ui="{hide-url: true}", client="{dns-resolver: 'tcp://1.1.1.1:53'}"
    )
    assert {item.where for item in lost(text)} == {"endpoints.0.ui", "endpoints.0.client.dns-resolver"}


def test_convert__variables__are_written_in_our_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOST", "a.example.test")
    monkeypatch.setenv("TOKEN", "t")
    text = endpoint(url="https://$HOST/x", headers="{X-Token: '${TOKEN}', Price: '$$5'}")
    assert checks_of(text)["x"]["url"] == "https://${HOST}/x"
    assert checks_of(text)["x"]["headers"] == {"X-Token": "${TOKEN}", "Price": "$5"}


def test_convert__graphql__is_wrapped_as_gatus_does():
    text = endpoint(url="http://a.example.test", method="POST", graphql="true", body="'{ user { id } }'")
    check = checks_of(text)["x"]
    assert check["body"] == '{"query": "{ user { id } }"}'
    assert check["headers"] == {"Content-Type": "application/json"}


def test_convert__body_with_get__is_told():
    assert any(
        "a body is not sent with GET" in item.message for item in lost(endpoint(url="http://a", body="hi"))
    )


def test_convert__timeout_longer_than_the_interval__is_fitted_and_told():
    text = endpoint(url="http://a.example.test", interval="5s", client="{timeout: 20s}")
    assert checks_of(text)["x"]["timeout"] == 5
    assert "becomes 5 s" in lost(text)[0].message


def test_convert__two_endpoints_of_one_name__get_two_slugs():
    text = "endpoints:\n" + "  - {name: x, url: 'http://a', conditions: ['[STATUS] == 200']}\n" * 2
    assert list(checks_of(text)) == ["x", "x-2"]


def test_convert__name_without_a_letter_for_a_slug__gets_a_number():
    assert list(
        checks_of("endpoints:\n  - {name: '前端', url: 'http://a', conditions: ['[STATUS] == 200']}\n")
    ) == ["endpoint-1"]


@pytest.mark.parametrize("text", ["checks: {}\n", "- a\n", "endpoints: {}\n", "x: 1\n"])
def test_convert__no_gatus_file__is_refused(text: str):
    with pytest.raises(InvalidInput, match="a Gatus file with a list of endpoints expected"):
        convert("gatus.yaml", text.encode())


@pytest.mark.parametrize(
    "entry", ["5", "{}", "{url: [1]}", "{url: 'http://[::1'}", "{url: 'tcp://a', name: x}"]
)
def test_convert__endpoint_that_is_none__is_left_out(entry: str):
    text = f"endpoints:\n  - {entry}\n"
    assert checks_of(text) == {}
    assert lost(text)[0].message.startswith("left out: ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m30s", 90), ("1.5h", 5400), ("250ms", 0.25), ("5", None), ("", None), ("1 m", None)],
)
def test_duration__is_read_as_go_writes_it(text: str, seconds: float | None):
    assert duration_seconds(text) == seconds


def test_thousands_of_endpoints_of_one_name__are_counted_up_in_a_moment():
    entry = b"- {name: a, url: 'http://a.test', conditions: ['[STATUS] == 200']}\n"
    converted = convert("config.yaml", b"endpoints:\n" + entry * 3000)
    slugs = list(converted.root.value["checks"].value)
    assert (slugs[0], slugs[1], slugs[-1]) == ("a", "a-2", "a-3000")


def test_more_endpoints_than_checks_may_be__are_refused_unread():
    with pytest.raises(InvalidInput, match="50001 endpoints"):
        convert("config.yaml", b"endpoints:\n" + b"- {}\n" * 50_001)
