"""The thin front: who answers, and how open streams end."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.front import Front, Streams


class Client:
    """Keeps what it was sent."""

    def __init__(self):
        self.messages = []
        self.has_body = asyncio.Event()

    async def send(self, message):
        self.messages.append(message)
        if message["type"] == "http.response.body":
            self.has_body.set()

    async def receive(self):
        await asyncio.Event().wait()

    @property
    def status(self):
        return self.messages[0]["status"]


class NoStatus:
    closed = False

    async def answer(self, scope, send):
        return False

    def close(self):
        self.closed = True


def scope(path):
    return {"type": "http", "path": path, "method": "GET", "headers": [], "query_string": b""}


async def open_stream(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello", "more_body": True})
    await asyncio.Event().wait()


def says(word):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": word, "headers": []})

    return app


@pytest.mark.parametrize(("path", "answered_by"), [("/live/", 1), ("/", 2), ("/livez", 2), ("/live", 2)])
async def test_front__path__decides_who_answers(path, answered_by):
    client = Client()
    await Front(Streams(says(1)), NoStatus(), says(2))(scope(path), client.receive, client.send)
    assert client.status == answered_by


async def test_front__lifespan__is_followed_to_its_end():
    client, status = Client(), NoStatus()
    told = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(told)

    await Front(Streams(says(1)), status, says(2))({"type": "lifespan"}, receive, client.send)
    assert [message["type"] for message in client.messages] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert status.closed


async def test_front__websocket__is_declined():
    client = Client()
    await Front(Streams(says(1)), NoStatus(), says(2))({"type": "websocket"}, client.receive, client.send)
    assert client.messages == [{"type": "websocket.close", "code": 1000}]


async def test_streams__ended__each_open_answer_is_completed():
    streams, client = Streams(open_stream), Client()
    answer = asyncio.create_task(streams(scope("/live/"), client.receive, client.send))
    await client.has_body.wait()
    streams.end()
    await answer
    assert client.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert not streams.running


async def test_streams__asked_while_ending__says_to_come_back():
    streams, client = Streams(open_stream), Client()
    streams.end()
    await streams(scope("/live/"), client.receive, client.send)
    assert client.status == 503
    assert (b"retry-after", b"5") in client.messages[0]["headers"]


async def test_streams__server_cancels_its_task__the_stream_goes_with_it():
    streams, client = Streams(open_stream), Client()
    answer = asyncio.create_task(streams(scope("/live/"), client.receive, client.send))
    await client.has_body.wait()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    assert not streams.running
