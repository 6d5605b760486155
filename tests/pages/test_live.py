"""One stream tells open pages what has changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client as Browser

from checks.events.store import ANY, NewEvent, append
from checks.models import CheckState
from dashboard.live import hub as hub_module
from dashboard.live import stream
from dashboard.live.fragments import News, news
from dashboard.live.hub import QUEUE, Client, Hub
from tests.factories import SAMPLES, fill

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = 2.0  # seconds: the promise to people who watch


@pytest.fixture(autouse=True)
def fresh_hub(monkeypatch: pytest.MonkeyPatch):
    """A hub per test, whose thread gives its database connection back."""
    fresh = Hub()
    monkeypatch.setattr(stream, "hub", fresh)
    yield fresh
    fresh._thread.submit(hub_module.close_connection).result()
    fresh._thread.shutdown()


@pytest.fixture(autouse=True)
def checks(transactional_db: None) -> None:
    fill(SAMPLES[:6], days=0, hours=0, minutes=0, results=0)


def go_down(slug: str) -> None:
    """What the engine writes when a check goes down."""
    CheckState.objects.filter(check_ref__slug=slug).update(status="down", last_output="refused")
    event = NewEvent("StatusChanged", {"before": "up", "after": "down"})
    append(f"check-{slug}", [event], expected_version=ANY, now=datetime.now(UTC))


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """On a thread of its own, whose connection is closed again."""

    def run() -> Any:
        try:
            return function(*args)
        finally:
            hub_module.close_connection()

    return await asyncio.to_thread(run)


class Listener:
    """A browser's end of the stream."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.ended = asyncio.Event()
        self.left = asyncio.Event()
        self._more = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.text += message["body"].decode()
            if not message.get("more_body"):
                self.ended.set()
        self._more.set()

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """The contents of the first `count` events of this name."""
        async with asyncio.timeout(WITHIN):
            while len(found := self.events(event)) < count:
                self._more.clear()
                await self._more.wait()
        return found

    async def until_text(self, text: str) -> None:
        async with asyncio.timeout(WITHIN):
            while text not in self.text:
                self._more.clear()
                await self._more.wait()

    def events(self, name: str) -> list[dict[str, Any]]:
        blocks = [dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
                  for block in self.text.split("\n\n") if block]  # fmt: skip
        return [json.loads(block["data"]) for block in blocks if block.get("event") == name]


@asynccontextmanager
async def listening(**headers: str) -> AsyncIterator[Listener]:
    listener = Listener()
    sent = {"host": "localhost", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/live/",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in sent.items()],
    }
    task = asyncio.create_task(stream.app(scope, listener.receive, listener.send))
    try:
        yield listener
    finally:
        listener.left.set()
        await asyncio.wait_for(task, WITHIN)


async def test_stream__a_client_comes__is_told_the_position() -> None:
    async with listening() as listener:
        (hello,) = await listener.until("hello")
    assert listener.status == 200
    assert hello["position"] > 0


async def test_stream__a_check_goes_down__its_row_and_the_counts_arrive_within_two_seconds() -> None:
    async with listening() as listener:
        (hello,) = await listener.until("hello")
        await in_thread(go_down, "storefront")
        (row,) = await listener.until("check")
    assert row["slug"] == "storefront"
    assert row["position"] == hello["position"] + 1
    assert '<tr id="check-storefront" class="is-down"' in row["html"]
    assert listener.events("counts")[0]["counts"]["down"] == 2


async def test_stream__several_clients__get_the_same_in_their_language() -> None:
    async with listening() as english, listening(accept_language="ru") as russian:
        await asyncio.gather(english.until("hello"), russian.until("hello"))
        await in_thread(go_down, "storefront")
        await asyncio.gather(english.until("check"), russian.until("check"))
    assert "Down" in english.events("check")[0]["html"]
    assert english.events("check")[0]["position"] == russian.events("check")[0]["position"]


async def test_stream__a_client_leaves__is_forgotten_and_following_stops(fresh_hub: Hub) -> None:
    async with listening() as listener:
        await listener.until("hello")
        assert len(fresh_hub.clients) == 1
    assert not fresh_hub.clients
    assert fresh_hub._following is None


async def test_stream__another_site_asks__is_refused() -> None:
    async with listening(origin="https://evil.example") as listener:
        await asyncio.wait_for(listener.ended.wait(), WITHIN)
    assert listener.status == 403


async def test_stream__an_unknown_host_name__is_refused() -> None:
    async with listening(host="rebound.example") as listener:
        await asyncio.wait_for(listener.ended.wait(), WITHIN)
    assert listener.status == 400


async def test_stream__dashboard_not_public__asks_for_a_sign_in(settings) -> None:
    settings.PUBLIC_DASHBOARD = False
    async with listening() as listener:
        await asyncio.wait_for(listener.ended.wait(), WITHIN)
    assert listener.status == 403


async def test_stream__dashboard_not_public_but_signed_in__is_open(settings) -> None:
    settings.PUBLIC_DASHBOARD = False

    def session() -> str:
        browser = Browser()
        browser.force_login(User.objects.create_user("anna"))
        return browser.cookies["sessionid"].value

    async with listening(cookie=f"sessionid={await in_thread(session)}") as listener:
        await listener.until("hello")


async def test_stream__the_session_ends__the_stream_ends(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PUBLIC_DASHBOARD = False
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)

    def session() -> str:
        browser = Browser()
        browser.force_login(User.objects.create_user("anna"))
        return browser.cookies["sessionid"].value

    async with listening(cookie=f"sessionid={await in_thread(session)}") as listener:
        await listener.until("hello")
        await in_thread(User.objects.all().delete)
        await asyncio.wait_for(listener.ended.wait(), WITHIN)


async def test_stream__nothing_happens__a_sign_of_life_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    async with listening() as listener:
        await listener.until_text(": still here")


async def test_hub__many_checks_change_at_once__pages_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.live.fragments.MANY", 2)

    def all_down() -> None:
        for sample in SAMPLES[:6]:
            go_down(sample.slug)

    async with listening() as listener:
        await listener.until("hello")
        await in_thread(all_down)
        await listener.until("resync")


async def test_client__too_slow__is_told_to_ask_again() -> None:
    client = Client("en")
    for number in range(QUEUE + 1):
        client.offer((b"id: %d\n\n" % number,), number)
    waiting = await client.frames()
    assert b"event: resync" in waiting
    assert waiting.count(b"\n\n") == 1


async def test_hub__the_database_is_away_for_a_while__nothing_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "RETRY_AFTER", 0.05)
    looks = iter([OperationalError("server closed the connection")])

    def unsteady(*args: Any, **kwargs: Any) -> News:
        for error in looks:
            raise error
        return news(*args, **kwargs)

    monkeypatch.setattr(hub_module, "news", unsteady)
    async with listening() as listener:
        await listener.until("hello")
        await in_thread(go_down, "storefront")
        (row,) = await listener.until("check")
    assert row["slug"] == "storefront"


async def test_hub__following_fails__streams_end_and_the_next_one_starts_anew(
    fresh_hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise ValueError("broken on purpose")

    with monkeypatch.context() as patched:
        patched.setattr(hub_module, "news", broken)
        async with listening() as listener:
            await asyncio.wait_for(listener.ended.wait(), WITHIN)
    async with listening() as listener:
        await listener.until("hello")
        await in_thread(go_down, "storefront")
        await listener.until("check")
