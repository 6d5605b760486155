"""What is refused when a check is written, and in which words; the same for every door."""

from __future__ import annotations

import math

import pytest

from checks.errors import InvalidInput
from checks.kinds.base import KINDS, adapter, build, schema_of, secret_fields
from checks.rules.definition import COMMON_KEYS

SMALLEST = {
    "broker": {},
    "database": {},
    "disk": {},
    "dns": {"query": "example.org"},
    "domain": {"domain": "example.org"},
    "http": {"url": "https://example.org/"},
    "icmp": {"host": "example.org"},
    "memory": {},
    "model": {"base_url": "https://example.org/v1", "model": "small"},
    "postgres": {"host": "example.org"},
    "python": {"function": "memory"},
    "redis": {"host": "example.org"},
    "tcp": {"host": "example.org", "port": 25},
    "tls": {"host": "example.org"},
    "worker": {},
}


def problems(slug: str, **settings: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refusal:
        build(slug, SMALLEST[slug] | settings)
    return {problem.where: problem.message for problem in refusal.value.problems}


@pytest.mark.parametrize("slug", sorted(SMALLEST))
def test_smallest_settings_are_enough(slug: str):
    kind = build(slug, SMALLEST[slug])
    assert kind.slug == slug
    assert isinstance(kind.target(), str)


def test_every_kind_is_registered():
    assert KINDS.keys() == SMALLEST.keys()


@pytest.mark.parametrize("slug", sorted(SMALLEST))
def test_every_kind_says_what_it_is(slug: str):
    kind = KINDS[slug]
    assert str(kind.label)
    assert str(kind.summary).startswith("Up ")
    assert kind.icon


@pytest.mark.parametrize("slug", sorted(SMALLEST))
def test_every_setting_has_a_title_and_a_description_for_the_form(slug: str):
    for name, field in schema_of(KINDS[slug]).get("properties", {}).items():
        assert field.get("title"), name
        assert field.get("description", "").endswith("."), name


@pytest.mark.parametrize("slug", sorted(SMALLEST))
def test_no_setting_is_named_like_a_key_that_every_check_has(slug: str):
    assert not schema_of(KINDS[slug]).get("properties", {}).keys() & set(COMMON_KEYS)


@pytest.mark.parametrize("slug", sorted(SMALLEST))
def test_settings_survive_the_way_to_json_and_back(slug: str):
    kind = build(slug, SMALLEST[slug])
    again = adapter(type(kind)).dump_python(kind, mode="json", exclude_defaults=True)
    assert build(slug, again) == kind


def test_unknown_kind__names_the_known_ones():
    with pytest.raises(InvalidInput, match="unknown kind 'htpp'; known kinds: broker, database"):
        build("htpp", {})


def test_unknown_setting__is_refused():
    assert problems("tcp", prot=5) == {"prot": "unknown setting"}


def test_missing_setting__is_named():
    with pytest.raises(InvalidInput, match="url: is required"):
        build("http", {})


def test_every_problem_is_told_at_once():
    found = problems("http", url="", method="TRACE", verify_tls=1, expected_status=[])
    assert found.keys() == {"url", "method", "verify_tls", "expected_status"}


@pytest.mark.parametrize(
    "value", [0, 65_536, -1, "80", 80.5, True, None, math.inf, "８０"], ids=lambda value: repr(value)
)
def test_port__outside_1_to_65535_or_no_number__is_refused(value: object):
    assert "port" in problems("tcp", port=value)


def test_wrong_type__says_what_would_be_right_and_what_came():
    assert problems("tcp", port="80") == {"port": "must be a whole number; got '80'"}
    assert problems("http", follow_redirects=1) == {"follow_redirects": "must be true or false; got 1"}
    assert problems("http", headers=["a"]) == {"headers": "must be a mapping of names to values"}
    assert problems("dns", expected="a") == {"expected": "must be a list; got 'a'"}


@pytest.mark.parametrize("value", [True, {"a": "hunter22"}, ["hunter22"], "hunter22\r\n", "hunter22" * 5000])
def test_a_refused_secret_is_not_repeated(value: object):
    found = problems("http", username="me", password=value)
    assert "password" in found
    assert "hunter22" not in str(found)


def test_settings_that_are_no_json__are_refused():
    assert "settings must be" in problems("http", headers={"A": object()})[""]
    assert problems("tcp", send="\ud800") != {}


def test_secret_settings_are_marked_in_the_schema():
    assert secret_fields(KINDS["http"]) == {"password", "bearer", "client_key", "proxy"}
    for kind in KINDS.values():
        for name in secret_fields(kind):
            assert schema_of(kind)["properties"][name]["writeOnly"] is True


def test_method__list_is_told_without_trace_and_connect():
    message = problems("http", method="TRACE")["method"]
    assert "'GET', 'HEAD', 'POST'" in message
    assert problems("http", method="GET\r\nX: y")
    assert problems("http", method="CONNECT")


def test_body__of_5_mebibytes__says_the_limit():
    assert "65536" in problems("http", method="POST", body="x" * 5_242_880)["body"]
    # Counted in bytes as they are sent, not in characters.
    assert "65536" in problems("http", method="POST", body="я" * 40_000)["body"]


def test_record_type__zone_transfer__lists_the_allowed_types():
    for refused in ("AXFR", "ANY", "IXFR", "axfr"):
        assert "'AAAA'" in problems("dns", record_type=refused)["record_type"]


@pytest.mark.parametrize(
    ("slug", "settings", "sentence"),
    [
        ("http", {"password": "x"}, "password needs username"),
        ("http", {"bearer": "x", "username": "y"}, "exclude each other"),
        ("http", {"bearer": "x", "headers": {"authorization": "y"}}, "exclude each other"),
        ("http", {"username": "x", "headers": {"Authorization": "y"}}, "exclude each other"),
        ("http", {"username": "a:b"}, "cannot hold a colon"),
        ("http", {"client_key": "-----BEGIN PRIVATE KEY-----"}, "together or not at all"),
        ("http", {"body": "x"}, "not sent with GET"),
        ("dns", {"exactly": True}, "needs the expected answers"),
        ("dns", {"expected_rcode": "NXDOMAIN", "expected": ["a"]}, "comes without answers"),
        ("tls", {"degraded_days": 5, "down_days": 9}, "degraded_days \\(5\\) is below down_days \\(9\\)"),
        ("tls", {"authorities": "-----BEGIN nothing-----"}, "no PEM certificate"),
        ("redis", {"username": "x"}, "needs password"),
    ],
)
def test_settings_that_contradict_each_other__are_refused(slug: str, settings: dict, sentence: str):
    with pytest.raises(InvalidInput, match=sentence):
        build(slug, SMALLEST[slug] | settings)


@pytest.mark.parametrize("proxy", ["socks5://p:1080", "https://p", "http://u:p@", "p:x", "http://-p:3128"])
def test_proxy__not_plain_http__is_refused(proxy: str):
    assert "proxy" in problems("http", proxy=proxy)


@pytest.mark.parametrize("proxy", ["http://p:3128", "p:3128", "http://user:pa%40ss@p:3128"])
def test_proxy__with_or_without_credentials__is_accepted(proxy: str):
    assert build("http", SMALLEST["http"] | {"proxy": proxy})


def test_paths_and_aliases_and_functions_are_checked():
    assert "is not absolute" in problems("disk", path="data")["path"]
    assert "known: default" in problems("database", alias="replica")["alias"]
    assert "python-api" in problems("python", function="gone")["function"]


def test_target__never_holds_a_secret():
    assert build("http", {"url": "https://a.example/x?key=hunter22#f"}).target() == "https://a.example/x"
    assert build("redis", {"host": "::1", "password": "hunter22", "database": 3}).target() == "[::1]:6379/3"
    assert build("postgres", {"host": "db", "password": "hunter22"}).target() == "db:5432/postgres"
    assert build("model", {"base_url": "http://a/v1", "model": "m", "api_key": "hunter22"}).target() == (
        "m at http://a/v1"
    )


def test_target__of_a_look_alike_host__shows_what_is_dialled():
    kind = build("http", {"url": "http://раypal.example/login"})
    assert kind.target() == "http://раypal.example (xn--ypal-43d9g.example)/login"
    assert kind.peer() == "xn--ypal-43d9g.example"


def test_repr_of_the_request_hides_secrets():
    kind = build("http", {"url": "http://a/", "bearer": "hunter22"})
    assert "hunter22" not in repr(kind.request)
