"""Names to addresses: bounded, joined, and never in each other's way."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from ipaddress import ip_address

import pytest

from checks.egress import Egress, HttpRequest, parse_policy
from checks.egress import lookup as lookup_file
from checks.egress.lookup import SystemLookup, ascii_name
from checks.errors import EgressBlocked, NameNotResolved, ProbeUnable
from tests.servers import answer, serve

HOME = ip_address("127.0.0.1")


class Resolver:
    """A blocking resolver: names that start with ``slow`` wait until they are let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.asked: Counter[str] = Counter()
        self.changed = threading.Condition()

    def __call__(self, host):
        with self.changed:
            self.asked[host] += 1
            self.changed.notify_all()
        if host.startswith("slow"):
            self.let_go.wait(10)
        return (HOME,)


@pytest.fixture
def resolver():
    resolver = Resolver()
    yield resolver
    resolver.let_go.set()


async def until(resolver: Resolver, number: int) -> None:
    def wait() -> bool:
        with resolver.changed:
            return resolver.changed.wait_for(lambda: resolver.asked.total() >= number, 5)

    assert await asyncio.to_thread(wait)


async def test_localhost__is_looked_up_by_the_system():
    assert HOME in await SystemLookup()("localhost")


async def test_unknown_name__is_not_resolved():
    with pytest.raises(NameNotResolved, match=r"nowhere\.invalid"):
        await SystemLookup()("nowhere.invalid")


async def test_name_being_looked_up__is_joined_and_not_asked_for_twice(resolver):
    lookup = SystemLookup(ask=resolver)
    waiting = [asyncio.create_task(lookup("slow.test")) for _ in range(5)]
    await until(resolver, 1)
    resolver.let_go.set()
    assert await asyncio.gather(*waiting) == [(HOME,)] * 5
    assert resolver.asked["slow.test"] == 1
    await lookup("slow.test")
    assert resolver.asked["slow.test"] == 2


async def test_one_who_leaves__takes_nothing_from_one_who_stays(resolver):
    lookup = SystemLookup(ask=resolver)
    leaves, stays = (asyncio.create_task(lookup("slow.test")) for _ in range(2))
    await until(resolver, 1)
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    resolver.let_go.set()
    assert await stays == (HOME,)


async def test_hung_names__known_as_slow__leave_the_threads_to_others(resolver, monkeypatch):
    monkeypatch.setattr(lookup_file, "SLOW_SECONDS", 0.0)
    lookup = SystemLookup(threads=2, slow_threads=1, ask=resolver)
    await lookup("quick.test")  # slower than nothing, so remembered as slow
    resolver.let_go.set()
    await asyncio.gather(*(lookup(f"slow{number}.test") for number in range(4)))
    resolver.let_go.clear()
    monkeypatch.setattr(lookup_file, "SLOW_SECONDS", 1.0)
    hung = [asyncio.create_task(lookup(f"slow{number}.test")) for number in range(4)]
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        assert await lookup("other.test") == (HOME,)
    for task in hung:
        task.cancel()
    await asyncio.gather(*hung, return_exceptions=True)


async def test_abandoned_lookups__that_never_began__are_never_asked(resolver):
    lookup = SystemLookup(threads=1, ask=resolver)
    first = asyncio.create_task(lookup("slow.test"))
    await until(resolver, 1)
    queued = [asyncio.create_task(lookup(f"queued{number}.test")) for number in range(10)]
    await asyncio.sleep(0)
    for task in queued:
        task.cancel()
    await asyncio.gather(*queued, return_exceptions=True)
    resolver.let_go.set()
    await first
    await lookup("last.test")
    assert set(resolver.asked) == {"slow.test", "last.test"}


async def test_too_many_waiting__is_our_failure_and_not_the_targets(resolver):
    lookup = SystemLookup(threads=1, waiting=1, ask=resolver)
    tasks = [asyncio.create_task(lookup(f"slow{number}.test")) for number in range(6)]
    await until(resolver, 1)
    await asyncio.sleep(0)
    refused = [task for task in tasks if task.done() and isinstance(task.exception(), ProbeUnable)]
    assert refused
    resolver.let_go.set()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_fault_of_the_resolver__reaches_who_waits():
    def broken(host):
        raise NameNotResolved(f"looking up {host} failed")

    with pytest.raises(NameNotResolved, match="failed"):
        await SystemLookup(ask=broken)("a.test")


@pytest.mark.parametrize(
    "host", ["a..b", "", ".", "a" * 64, "a." * 130, "-a.test", "a b", "a/b", "a:b", "a\x00b", "a_\u202eb"]
)
def test_ascii_name__refuses_what_can_be_no_name(host):
    with pytest.raises(NameNotResolved, match="not a host name"):
        ascii_name(host)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("example.test", "example.test"),
        ("localhost.", "localhost."),
        ("_dmarc.example.test", "_dmarc.example.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("①②⑦.⓪.⓪.①", "127.0.0.1"),
    ],
)
def test_ascii_name__is_what_is_asked_for(host, name):
    assert ascii_name(host) == name


async def test_resolve__spelled_oddly__is_judged_as_what_it_is(names):
    egress = Egress(parse_policy("lan"), names())
    for host in (
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ):
        with pytest.raises(EgressBlocked):
            await egress.resolve(host, 80)


async def test_resolve__one_bad_address_among_good_ones__refuses_them_all(names):
    egress = Egress(parse_policy("lan"), names(mixed_test=[["8.8.8.8", "127.0.0.1"]]))
    with pytest.raises(EgressBlocked, match=r"127\.0\.0\.1:80 \(for mixed\.test\)"):
        await egress.resolve("mixed.test", 80)


async def test_resolve__resolver_that_changes_its_mind__is_judged_each_time(names):
    with serve(answer(b"internal")) as server:
        lookup = names(rebind_test=[["8.8.8.8"], ["127.0.0.1"]])
        egress = Egress(parse_policy("lan"), lookup)
        assert await egress.resolve("rebind.test", server.port) == (ip_address("8.8.8.8"),)
        with pytest.raises(EgressBlocked):
            await egress.http(HttpRequest(url=f"http://rebind.test:{server.port}/"))
        assert server.connections == 0
        egress.close()


async def test_resolve__failed_lookup__never_skips_the_judgement(names):
    egress = Egress(parse_policy("lan"), names(flap_test=[[], ["127.0.0.1"]]))
    with pytest.raises(NameNotResolved):
        await egress.resolve("flap.test", 80)
    with pytest.raises(EgressBlocked):
        await egress.resolve("flap.test", 80)


async def test_resolve__our_own_database_by_another_name__is_refused(names):
    lookup = names(db=[["10.0.0.5"]], alias_test=[["10.0.0.5"]], other_test=[["10.0.0.6"]])
    egress = Egress(parse_policy("lan", "10.0.0.0/8", "db:5432"), lookup)
    with pytest.raises(EgressBlocked, match=r"Breakwater itself \(db:5432\)"):
        await egress.resolve("alias.test", 5432)
    with pytest.raises(EgressBlocked):
        await egress.resolve("10.0.0.5", 5432)
    assert await egress.resolve("alias.test", 5433)
    assert await egress.resolve("other.test", 5432)


async def test_resolve__our_own_database_cannot_be_looked_up__measures_nothing(names):
    egress = Egress(parse_policy("lan", "", "db:5432"), names())
    with pytest.raises(ProbeUnable, match="our own db:5432"):
        await egress.resolve("10.0.0.5", 5432)


async def test_address_for__gives_one_judged_address(names):
    egress = Egress(parse_policy("lan"), names(two_test=[["10.0.0.1", "10.0.0.2"]]))
    assert await egress.address_for("two.test", 5432) == "10.0.0.1"
