"""The kinds that watch Breakwater itself and the machine it runs on."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import celery
import pytest
from django.db import connections
from django.db.utils import OperationalError

from checks import health_checks
from checks.errors import CheckError
from checks.kinds import blocking
from checks.kinds.blocking import in_thread
from checks.kinds.python import REGISTERED
from checks.rules.outcome import Verdict
from tests.servers import answer, refused_port, serve, tcp_silent


@pytest.mark.django_db(transaction=True)
async def test_own_database__answers(probe):
    outcome = await probe("database")
    assert outcome.verdict is Verdict.UP
    assert outcome.output.startswith("default answers queries (")


@pytest.mark.django_db(transaction=True)
async def test_own_database__that_fails__says_why(probe, monkeypatch):
    def broken(self, alias=None):
        raise OperationalError("disk I/O error\n  at once")

    monkeypatch.setattr(type(connections["default"]), "copy", broken)
    with pytest.raises(CheckError, match=r"^default: disk I/O error at once$"):
        await probe("database")


@pytest.fixture
def broker(monkeypatch):
    """Makes a Celery application with this broker the current one."""

    def use(url: str) -> None:
        app = celery.Celery(broker=url, set_as_current=False)
        monkeypatch.setattr("checks.kinds.broker.current_app", app)

    return use


async def test_broker_in_memory__is_up_and_says_so(probe, broker):
    broker("memory://localhost/")
    outcome = await probe("broker")
    assert outcome.verdict is Verdict.UP
    assert "memory" in outcome.output


async def test_broker__that_lets_us_in__is_up(probe, broker, redis_url):
    broker(redis_url)
    outcome = await probe("broker")
    assert (outcome.verdict, outcome.output.split("//")[0]) == (Verdict.UP, "redis:")


async def test_broker__that_is_not_there__fails_without_its_password(probe, broker):
    broker(f"redis://:hunter22@127.0.0.1:{refused_port()}/0")
    with pytest.raises(CheckError, match="refused") as failure:
        await probe("broker")
    assert "hunter22" not in str(failure.value)


async def test_broker__that_hangs__is_left_at_the_deadline(probe, broker):
    with serve(tcp_silent()) as server:
        broker(f"redis://127.0.0.1:{server.port}/0")
        with pytest.raises((TimeoutError, CheckError)):
            await probe("broker", deadline_seconds=0.3)


async def test_workers__seen_lately__are_up(probe):
    now = datetime.now(UTC)
    probe.signs = {"default": now - timedelta(seconds=5), "eu-west": now}
    outcome = await probe("worker")
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "workers are alive in default, eu-west")


async def test_workers__silent_or_never_seen__are_down_by_name(probe):
    now = datetime.now(UTC)
    probe.signs = {"default": now - timedelta(seconds=45), "eu-west": now}
    outcome = await probe("worker")
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, "default was silent for 45 s")
    assert (await probe("worker", locations=["eu-west"])).verdict is Verdict.UP
    assert (await probe("worker", max_silence_seconds=60)).verdict is Verdict.UP
    outcome = await probe("worker", locations=["eu-west", "us"])
    assert outcome.output == "us was never seen"


async def test_workers__none_at_all__are_down(probe):
    assert (await probe("worker")).output == "no worker has been seen yet"


@pytest.mark.parametrize("of", ["process", "machine"])
async def test_memory__is_judged_by_its_limits(probe, of: str):
    assert (await probe("memory", of=of, limit="100%")).verdict is Verdict.UP
    assert (await probe("memory", of=of, limit="100%", degraded_limit="1KiB")).verdict is Verdict.DEGRADED
    assert (await probe("memory", of=of, limit=1024)).verdict is Verdict.DOWN


async def test_disk__is_judged_by_its_limits(probe, tmp_path):
    outcome = await probe("disk", path=str(tmp_path), limit="100%")
    assert outcome.output.startswith(f"{tmp_path} uses ")
    assert (await probe("disk", path=str(tmp_path), limit=1)).verdict is Verdict.DOWN


async def test_disk__that_is_not_there__fails(probe):
    with pytest.raises(CheckError, match="cannot be read: No such file"):
        await probe("disk", path="/no/such/folder")


async def test_call_in_a_thread__is_not_waited_for_once_cancelled():
    hung, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hang() -> None:
        loop.call_soon_threadsafe(hung.set)
        let_go.wait(10)

    task = asyncio.create_task(in_thread(hang))
    await hung.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    let_go.set()


async def test_calls_in_threads__are_bounded(monkeypatch):
    monkeypatch.setattr(blocking, "_free", threading.BoundedSemaphore(1))
    let_go = threading.Event()
    first = asyncio.create_task(in_thread(let_go.wait, 10))
    await asyncio.sleep(0)
    with pytest.raises(CheckError, match="hang"):
        await in_thread(len, "")
    let_go.set()
    assert await first


def test_breakwater_watches_itself_by_three_registered_checks():
    own = {name: known for name, known in REGISTERED.items() if known.definition.get("group") == "Breakwater"}
    assert {name: known.definition["timeout"] for name, known in own.items()} == {
        "python-api": 5,
        "database": 3,
        "memory": 1,
    }
    assert all(known.is_async and "self" in known.definition["tags"] for known in own.values())


async def test_python_api__asks_our_own_listener_whatever_checks_may_dial(probe, settings):
    with serve(answer("ok")) as server:
        settings.BASE_URL = server.url.rstrip("/")
        outcome = await probe("python", function="python-api")
        health_checks.own_listener(settings.BASE_URL)[0].close()
    assert (outcome.verdict, outcome.output) == (Verdict.UP, f"{server.url}livez answered 200")
    assert server.requests[0].startswith(b"GET /livez HTTP/1.1\r\n")


async def test_python_api__that_answers_otherwise_or_not_at_all__is_down(probe, settings):
    with serve(answer("starting", status=503)) as server:
        settings.BASE_URL = server.url.rstrip("/")
        outcome = await probe("python", function="python-api")
        health_checks.own_listener(settings.BASE_URL)[0].close()
    assert (outcome.verdict, outcome.output) == (
        Verdict.DOWN,
        f"{server.url}livez answered 503, expected 200",
    )
    settings.BASE_URL = f"http://127.0.0.1:{refused_port()}"
    outcome = await probe("python", function="python-api")
    health_checks.own_listener(settings.BASE_URL)[0].close()
    assert outcome.verdict is Verdict.DOWN
    assert "refused" in outcome.output


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000/livez"),
        ("http://[::]:8000", "http://[::1]:8000/livez"),
        ("https://status.example.org", "https://status.example.org:443/livez"),
        ("http://localhost:8000/sub", "http://localhost:8000/sub/livez"),
    ],
)
def test_own_listener__is_where_base_url_says(base_url: str, url: str):
    assert health_checks.own_listener(base_url)[1] == url


@pytest.mark.django_db(transaction=True)
async def test_registered_database_and_memory__are_up_here(probe):
    assert (await probe("python", function="database")).verdict is Verdict.UP
    assert (await probe("python", function="memory")).verdict in (Verdict.UP, Verdict.DEGRADED)
