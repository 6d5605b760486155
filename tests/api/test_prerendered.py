"""The public status document, answered before Django."""

from __future__ import annotations

import asyncio
import threading

import pytest

from dashboard.api.prerendered import PrerenderedStatus
from dashboard.api.status import rendered_status
from dashboard.api.status_document import Rendered

PATH = "/api/v1/status"


class Renderer:
    """Counts how often it renders, and can be held up or made to fail."""

    def __init__(self):
        self.times = 0
        self.go_on = threading.Event()
        self.go_on.set()
        self.error = None

    def __call__(self):
        self.times += 1
        assert self.go_on.wait(5)
        if self.error:
            raise self.error
        return Rendered(b'{"n":%d}' % self.times, f'W/"{self.times}"', "application/json")


@pytest.fixture
def renderer():
    return Renderer()


@pytest.fixture
def status(renderer):
    made = PrerenderedStatus(renderer)
    yield made
    made.close()


async def ask(status, *, path=PATH, query=b"", method="GET", **headers):
    """The answer's (code, headers, body), or None where it was left to Django."""
    sent = []

    async def send(message):
        sent.append(message)

    raw = [
        (name.replace("_", "-").encode(), value.encode())
        for name, value in ({"host": "testserver"} | headers).items()
    ]
    scope = {"type": "http", "path": path, "query_string": query, "method": method, "headers": raw}
    if not await status.answer(scope, send):
        assert not sent
        return None
    start, body = sent
    return start["status"], dict(start["headers"]), body["body"]


async def test_plain_request__is_answered(status):
    code, headers, body = await ask(status)
    assert (code, body) == (200, b'{"n":1}')
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"etag"] == b'W/"1"'
    assert headers[b"content-length"] == b"7"
    assert headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize(
    "wish",
    [
        {"path": "/api/v1/status/"},
        {"path": "/"},
        {"query": b"fail_on=down"},
        {"method": "POST"},
        {"accept": "application/health+json"},
        {"accept": "text/html"},
        {"host": "evil.example"},
        {"host": ""},
    ],
)
async def test_anything_else__is_left_to_django(status, renderer, wish):
    assert await ask(status, **wish) is None
    assert renderer.times == 0


async def test_private_dashboard__is_left_to_django(status, settings):
    settings.PUBLIC_DASHBOARD = False
    assert await ask(status) is None


async def test_reader_who_has_it__gets_304(status):
    code, headers, body = await ask(status, if_none_match='"x", W/"1"')
    assert (code, body, headers[b"etag"]) == (304, b"", b'W/"1"')


async def test_head__has_the_headers_alone(status):
    code, headers, body = await ask(status, method="HEAD")
    assert (code, headers[b"content-length"], body) == (200, b"7", b"")


async def test_many_readers_at_once__cost_one_rendering(status, renderer):
    renderer.go_on.clear()
    asking = [asyncio.ensure_future(ask(status)) for _ in range(20)]
    await asyncio.sleep(0)
    renderer.go_on.set()
    answers = await asyncio.gather(*asking)
    assert {body for _, _, body in answers} == {b'{"n":1}'}
    assert renderer.times == 1


async def test_old_document__is_rendered_anew(renderer):
    status = PrerenderedStatus(renderer, fresh_for=0)
    assert (await ask(status))[2] == b'{"n":1}'
    assert (await ask(status))[2] == b'{"n":2}'
    status.close()


async def test_reader_who_goes_away__takes_nothing_from_the_others(status, renderer):
    renderer.go_on.clear()
    leaving, staying = asyncio.ensure_future(ask(status)), asyncio.ensure_future(ask(status))
    await asyncio.sleep(0)
    leaving.cancel()
    renderer.go_on.set()
    assert (await staying)[0] == 200
    assert renderer.times == 1


async def test_failed_rendering__is_left_to_django_and_tried_again(status, renderer, caplog):
    renderer.error = RuntimeError("database away")
    assert await ask(status) is None
    assert "could not be rendered" in caplog.text
    renderer.error = None
    assert (await ask(status))[0] == 200


def test_same_document__as_django_gives(client, make_check, beat):
    make_check("api")
    answer = client.get(PATH)
    rendered = rendered_status()
    assert (rendered.etag, rendered.content_type) == (answer["ETag"], answer["Content-Type"])
