"""URLs, hosts, ports and headers: one strict reading."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules.targets import check_headers, dialled_host, parse_url, shown_host


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is required"),
        ("   \t ", "is required"),
        ("//example.test/x", "needs a scheme"),
        ("example.test:8080/x", "needs a scheme"),
        ("file:///srv/app/secret.txt", "scheme 'file' is not supported"),
        ("javascript:alert(1)", "needs a scheme"),
        ("data:text/html,<script>alert(1)</script>", "needs a scheme"),
        ("http:///health", "has no host"),
        ("http://:80/", "has no host"),
        ("http://example.test/\r\nX-Injected: 1", "control or invisible"),
        ("http://example.test/a b", "blank, control or invisible"),
        ("http://example.test\\@127.0.0.1/", "backslash"),
        ("http://example.test:80@127.0.0.1/", "credentials"),
        ("http://user:pass@example.test/", "credentials"),
        ("http://[::1", "bracket"),
        ("http://::1/", "has no host"),
        ("http://[fe80::1%25eth0]/", "not"),
        ("http://a..b.example.test/", "empty part"),
        ("http://bad_\u202egnp.example.test/", "U\\+202E"),
        ("http://zero\u200bwidth.example.test/", "U\\+200B"),
        ("http://example.test:-1/", "1 to 65535"),
        ("http://example.test:0/", "1 to 65535"),
        ("http://example.test:65536/", "1 to 65535"),
        ("http://example.test:٨٠/", "1 to 65535"),
        ("http://example.test:80:80/", "1 to 65535"),
        ("http://example.test:/", "1 to 65535"),
        ("http://example.test/\0", "U\\+0000"),
        ("http://example.test/" + "a" * 2048, "at most 2048"),
        ("http://-option.test/", "not a host name"),
        ("http://exa$mple.test/", "not a host name"),
        ("http://" + "a" * 64 + ".test/", "not a host name"),
    ],
)
def test_url__that_is_no_plain_web_address__is_refused_with_the_reason(text: str, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("http://example.test", "http://example.test/"),
        ("HTTP://EXAMPLE.test/A", "http://example.test/A"),
        ("https://example.test:443/", "https://example.test/"),
        ("https://example.test:8443?q=1", "https://example.test:8443/?q=1"),
        ("http://example.test/%zz?q=%", "http://example.test/%zz?q=%"),
        ("http://example.test/ü#part", "http://example.test/%C3%BC"),
        ("http://раypal.example/", "http://xn--ypal-43d9g.example/"),
        ("http://[2001:db8::10]:8443/", "http://[2001:db8::10]:8443/"),
        ("http://localhost./", "http://localhost./"),
        # Odd spellings of addresses are refused, or not, by egress: it sees what is dialled.
        ("http://0177.0.0.1/", "http://0177.0.0.1/"),
        ("http://2130706433/", "http://2130706433/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
    ],
)
def test_url__is_sent_in_one_form(text: str, wire: str):
    assert parse_url(text).wire == wire
    assert parse_url(wire).wire == wire


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_after_a_scheme__is_refused_or_stays_within_its_host(text: str):
    try:
        url = parse_url(f"http://{text}")
    except ValueError:
        return
    assert url.wire.isascii()
    assert "@" not in url.host
    assert parse_url(url.wire) == parse_url(parse_url(url.wire).wire)


@pytest.mark.parametrize(
    "text", ["-c 1000000 example.test", "127.0.0.1; id", "$(id)", "`id`", "a|b", "-n", "a/b", "a:80", ""]
)
def test_host__with_options_or_shell_characters__is_refused(text: str):
    with pytest.raises(ValueError, match=r"^(?!\s*$)"):
        dialled_host(text)


def test_host__beyond_ascii__is_shown_with_what_is_dialled():
    assert shown_host("bücher.example") == "bücher.example (xn--bcher-kva.example)"
    assert shown_host("example.org") == "example.org"


def test_host__ipv6__is_read_with_and_without_brackets():
    assert dialled_host("::1") == dialled_host("[0:0::1]") == "::1"
    with pytest.raises(ValueError, match="network interface"):
        dialled_host("fe80::1%eth0")


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"X-A": "1\r\nHost: internal.example.test"}, "'X-A' has a line break"),
        ({"X-A": "1\0"}, "'X-A' has a line break or control"),
        ({"X A": "1"}, "'X A' is not a header name"),
        ({"": "1"}, "is not a header name"),
        ({"X-A:": "1"}, "is not a header name"),
        ({"Connection": "upgrade"}, "'Connection' belongs to the connection"),
        ({"Upgrade": "h2c"}, "'Upgrade' belongs"),
        ({"transfer-encoding": "chunked"}, "belongs"),
        ({"Content-Length": "5"}, "belongs"),
        ({"X-Key": "ключ"}, "'X-Key' has 'к'"),
        ({"X-A": "1", "x-a": "2"}, "'x-a' is given twice"),
        ({"X-A": "v" * 1_048_576}, "at most 16384"),
        ({f"X-{number}": "v" for number in range(51)}, "at most 50"),
        ({"X-A": " v"}, "blanks around"),
    ],
)
def test_headers__that_cannot_be_sent_as_meant__are_refused(headers: dict[str, str], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        check_headers(headers)


def test_headers__that_can_be_sent__are_accepted():
    check_headers({"Host": "a.example", "X-Empty": "", "X-Latin": "café", "X-Tab": "a\tb"})
