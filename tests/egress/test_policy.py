"""Which addresses may be dialled: every special range, in every form that can carry it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.egress import Policy, parse_policy
from checks.egress.addresses import METADATA, Reach, forms, literal, reach
from checks.errors import EgressBlocked, InvalidInput

LAN = parse_policy("lan")
PUBLIC = parse_policy("public")
EVERYTHING = parse_policy("list", "0.0.0.0/0 ::/0")

SPECIAL_V4 = [
    "0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "168.63.129.16/32", "255.255.255.255/32",
]  # fmt: skip
SPECIAL_V6 = [
    "::/128", "::1/128", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "2001::/32", "2001:2::/48", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fe80::/10",
    "fec0::/10", "ff00::/8", "fd00:ec2::254/128",
]  # fmt: skip
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]


def within(*networks: str) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    parsed = [ip_network(text) for text in networks]
    return st.sampled_from(parsed).flatmap(
        lambda net: st.integers(int(net.network_address), int(net.broadcast_address)).map(
            IPv4Address if net.version == 4 else IPv6Address
        )
    )


def embeddings(address: IPv4Address) -> list[IPv6Address]:
    number = int(address)
    return [
        IPv6Address(number),
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0xFFFF << 48 | number),
        IPv6Address(0x64FF9B << 96 | number),
        IPv6Address(0x64FF9B0001 << 80 | number),
        IPv6Address(0x64FF9B0001 << 80 | (number >> 16) << 64 | (number & 0xFFFF) << 40),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
        IPv6Address(0x20010000 << 96 | 0x01010101 << 64 | (number ^ 0xFFFFFFFF)),
        IPv6Address(0x20010000 << 96 | number << 64 | (0x01010101 ^ 0xFFFFFFFF)),
        IPv6Address(0x2A00 << 112 | 0x5EFE << 32 | number),
    ]


def allows(policy: Policy, address: str | IPv4Address | IPv6Address, port: int = 80, host: str = "") -> bool:
    try:
        policy.judge(ip_address(address), port, host)
    except EgressBlocked:
        return False
    return True


@settings(max_examples=300)
@given(within(*SPECIAL_V4, *SPECIAL_V6))
def test_special_range__is_closed_in_every_profile(address):
    assert not any(allows(policy, address) for policy in (LAN, PUBLIC, parse_policy("list")))


@settings(max_examples=200)
@given(within(*SPECIAL_V4))
def test_special_range__is_closed_in_every_embedding(address):
    assert not any(allows(LAN, form) for form in embeddings(address) if int(form) > 1)


@settings(max_examples=200)
@given(within("127.0.0.0/8", "169.254.169.254/32", "10.0.0.0/8"))
def test_embedded_address__is_judged_inside_though_all_outsides_are_listed(address):
    outsides = parse_policy("public", "::/0")
    assert not any(allows(outsides, form) for form in embeddings(address))


@settings(max_examples=200)
@given(within(*PRIVATE), st.integers(1, 65_535))
def test_private_network__is_open_to_lan_and_closed_to_public(address, port):
    if address in METADATA:
        return
    assert allows(LAN, address, port)
    assert not allows(PUBLIC, address, port)


@settings(max_examples=200)
@given(within("0.0.0.0/0", "2000::/3"))
def test_public_address__is_open_exactly_where_python_agrees_or_is_more_lenient(address):
    """Python knows fewer special ranges than we; what it refuses, we refuse."""
    if allows(PUBLIC, address):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1", "192.0.1.1"],
)
def test_public_address__is_not_over_blocked(address):
    assert allows(LAN, address)
    assert allows(PUBLIC, address)


@settings(max_examples=100)
@given(st.sampled_from(sorted(METADATA, key=str)))
def test_metadata__stays_closed_whatever_network_is_allowed(address):
    assert not allows(EVERYTHING, address)
    assert not allows(parse_policy("lan", ["169.254.0.0/16", "fd00::/8", "100.64.0.0/10"]), address)
    assert allows(parse_policy("lan", [str(address)]), address)
    assert not allows(
        parse_policy("lan", [f"{address}:81" if address.version == 4 else f"[{address}]:81"]), address
    )


@pytest.mark.parametrize("address", ["::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254%1"])
def test_metadata__in_another_form__stays_closed(address):
    assert not allows(EVERYTHING, address)


def test_metadata_name__closes_even_a_public_address():
    assert not allows(EVERYTHING, "8.8.8.8", host="Metadata.Google.Internal.")
    assert allows(EVERYTHING, "8.8.8.8", host="example.com")


def test_refusal__names_address_rule_and_setting():
    with pytest.raises(
        EgressBlocked, match=r"^127\.0\.0\.1:80 is loopback, which EGRESS_ALLOW does not list$"
    ):
        LAN.judge(ip_address("127.0.0.1"), 80)
    with pytest.raises(EgressBlocked, match="is private, which EGRESS=public does not open and EGRESS_ALLOW"):
        PUBLIC.judge(ip_address("10.0.0.1"), 80)
    with pytest.raises(EgressBlocked, match="EGRESS=list opens nothing else"):
        parse_policy("list").judge(ip_address("8.8.8.8"), 80)
    with pytest.raises(EgressBlocked, match=r"::ffff:.* leads to 127\.0\.0\.1:80, and that is loopback"):
        LAN.judge(ip_address("::ffff:127.0.0.1"), 80)
    with pytest.raises(EgressBlocked, match=r"\(for db\.internal\)"):
        LAN.judge(ip_address("127.0.0.1"), 80, "db.internal")


@pytest.mark.parametrize(
    ("entry", "opened", "closed"),
    [
        ("127.0.0.1:8001", ("127.0.0.1", 8001), ("127.0.0.1", 8002)),
        ("127.0.0.1:8001-8010", ("127.0.0.1", 8010), ("127.0.0.1", 8011)),
        ("127.0.0.0/8", ("127.9.9.9", 1), ("::1", 1)),
        ("[::1]:8001", ("::1", 8001), ("::1", 8000)),
        ("::1", ("::1", 1), ("127.0.0.1", 1)),
        ("[fe80::/10]:443", ("fe80::1", 443), ("fe80::1", 80)),
        ("2001:db8::/32", ("2001:db8::10", 8443), ("2001:db9::10", 0)),
        ("::ffff:127.0.0.1", ("127.0.0.1", 80), ("127.0.0.2", 80)),
    ],
)
def test_entry__opens_what_it_lists_and_no_more(entry, opened, closed):
    policy = parse_policy("list", entry)
    assert allows(policy, *opened)
    assert not allows(policy, *closed)


def test_own_service__stays_closed_whatever_is_allowed():
    policy = parse_policy("lan", "0.0.0.0/0 ::/0 127.0.0.1:5432", "127.0.0.1:5432")
    assert not allows(policy, "127.0.0.1", 5432)
    assert not allows(policy, "::ffff:127.0.0.1", 5432)
    assert not allows(policy, "0.0.0.0", 5432)
    assert allows(policy, "127.0.0.1", 5433)


@pytest.mark.parametrize("listener", ["0.0.0.0:8000", "[::]:8000"])
def test_own_service__on_every_address__is_closed_on_every_address_of_this_machine(listener):
    policy = parse_policy("lan", "0.0.0.0/0 ::/0", listener)
    for address in ("127.0.0.1", "127.3.2.1", "::1", "0.0.0.0", "::"):
        assert not allows(policy, address, 8000)
        assert allows(policy, address, 8001)


def test_own_service__by_name__is_kept_for_the_door_to_look_up():
    policy = parse_policy("lan", "", "db:5432, Cache.internal:6379")
    assert [(own.host, own.port) for own in policy.never_names] == [("db", 5432), ("cache.internal", 6379)]


def test_entries__are_separated_by_commas_spaces_or_lines():
    policy = parse_policy("list", " 10.0.0.0/8,127.0.0.1:80\n ::1 , ")
    assert [str(rule) for rule in policy.allow] == ["10.0.0.0/8", "127.0.0.1:80", "::1"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("localhost", "Names cannot be listed"),
        ("example.com:443", "Names cannot be listed"),
        ("10.0.0.1/8", r"write the address alone or the network 10\.0\.0\.0/8"),
        ("127.0.0.1:0", "not a port from 1 to 65535"),
        ("127.0.0.1:70000", "not a port from 1 to 65535"),
        ("127.0.0.1:9-8", "the first port is above the last"),
        ("fd00::/8:443", "neither an address nor a network"),
        ("0177.0.0.1", "neither an address nor a network"),
    ],
)
def test_entry__that_cannot_be_read__is_refused_with_what_would_be_right(entry, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        parse_policy("lan", entry)


def test_policy__with_several_faults__names_them_all():
    with pytest.raises(InvalidInput) as caught:
        parse_policy("open", "x, y", "z")
    assert [problem.where for problem in caught.value.problems] == [
        "EGRESS",
        "EGRESS_ALLOW",
        "EGRESS_ALLOW",
        "EGRESS_NEVER",
    ]


@pytest.mark.parametrize(
    "spelling",
    ["127.1", "0177.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "127.0.0.1.", "127.0.1", "017700000001"],
)
def test_literal__reads_what_the_resolver_would(spelling):
    assert literal(spelling) == ip_address("127.0.0.1")


@pytest.mark.parametrize(
    "name", ["02.example", "localhost", "1.2.3.4.5", "256.1.1.1", "face", "a:b", "127.0.0.1x"]
)
def test_literal__is_no_address__for_names(name):
    assert literal(name) is None


def test_forms__of_an_unspecified_address__include_this_machine():
    assert ip_address("127.0.0.1") in forms(ip_address("0.0.0.0"))
    assert ip_address("::1") in forms(ip_address("::"))


def test_reach__tells_neighbouring_ranges_apart():
    assert [
        reach(ip_address(text)) for text in ("100.63.255.255", "100.64.0.0", "169.253.1.1", "fc00::")
    ] == [
        Reach.GLOBAL,
        Reach.SHARED,
        Reach.GLOBAL,
        Reach.PRIVATE,
    ]
