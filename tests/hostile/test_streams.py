"""Clients of the live stream that are many, foreign, or come back from nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from dashboard.live import hub as hub_module
from dashboard.live import stream
from dashboard.live.hub import Hub
from tests.hostile.catalogue import Item, items

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN = 2.0  # seconds


@pytest.fixture(autouse=True)
def fresh_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub per test, whose thread gives its database connection back."""
    fresh = Hub()
    monkeypatch.setattr(stream, "hub", fresh)
    yield fresh
    fresh._thread.submit(hub_module.close_connection).result()
    fresh._thread.shutdown()


class Listener:
    """A client's end of one stream."""

    def __init__(self) -> None:
        self.status = 0
        self.text = ""
        self.answered = asyncio.Event()
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = self.status or message["status"]
        self.text += message.get("body", b"").decode()
        if self.text:
            self.answered.set()


@asynccontextmanager
async def listening(address: str = "192.0.2.1", **headers: str) -> AsyncIterator[Listener]:
    """Open a stream and wait for its first words; headers given empty are not sent."""
    listener = Listener()
    sent = {"host": "localhost", **headers}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/live/",
        "client": (address, 1234),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.replace("_", "-").encode(), text.encode()) for name, text in sent.items() if text],
    }
    task = asyncio.create_task(stream.app(scope, listener.receive, listener.send))
    try:
        await asyncio.wait_for(listener.answered.wait(), WITHIN)
        yield listener
    finally:
        listener.left.set()
        await asyncio.wait_for(task, WITHIN)


@items("api", only=("API-082",))
async def test_many_streams__of_one_client__leave_room_for_others(item: Item, monkeypatch, fresh_hub: Hub):
    monkeypatch.setattr(stream, "MAX_CLIENTS_PER_ADDRESS", 3)
    monkeypatch.setattr(stream, "MAX_CLIENTS", 5)
    async with listening() as one, listening() as two, listening() as three:
        async with listening() as fourth, listening("192.0.2.2") as other, listening("192.0.2.3") as another:
            assert [each.status for each in (one, two, three, other, another)] == [200] * 5
            assert fourth.status == 429
            async with listening("192.0.2.4") as one_too_many:
                assert one_too_many.status == 503
        async with listening("192.0.2.2") as again:
            assert again.status == 200
    assert not stream.streams_of
    assert not fresh_hub.clients


@items("api", only=("API-083",))
@pytest.mark.parametrize("last", ["99999999999999999999", "-1", "nonsense", "\x01"])
async def test_stream_resumed_from_nowhere__starts_from_where_things_stand(item: Item, last: str):
    """A page asks for everything anew when a stream says hello, whatever it has seen before."""
    async with listening(last_event_id=last) as listener:
        assert listener.status == 200
        assert "event: hello" in listener.text


@items("api", only=("API-084",))
@pytest.mark.parametrize(
    "origin", ["", "null", "http://[::1", "http://localhost.evil.example.test", "x" * 5000]
)
async def test_stream_from_another_site__is_refused(item: Item, origin: str):
    async with listening(origin=origin or item["input"]["headers"]["Origin"]) as listener:
        assert listener.status == 403


@pytest.mark.parametrize("value", ['"\\000\\000\\000\\000\\000\\000\\000\\000"', "x" * 5000, "a=b; =; c"])
async def test_stream_with_an_odd_cookie__is_no_session(value: str, settings):
    settings.PUBLIC_DASHBOARD = False
    async with listening(cookie=f"sessionid={value}") as listener:
        assert listener.status == 403


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost:1"])
async def test_stream_without_a_host_or_with_one_of_ours__is_open(host: str):
    async with listening(host=host) as listener:
        assert listener.status == 200


@pytest.mark.parametrize("host", ["evil.example.test", "[::1", "a b", "localhost@evil.test"])
async def test_stream_under_a_foreign_host__is_refused(host: str):
    async with listening(host=host) as listener:
        assert listener.status == 400
