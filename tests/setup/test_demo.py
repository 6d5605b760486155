"""The demo's targets, over real sockets."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection, IncompleteRead

import pytest

from dashboard.demo.server import DemoServer
from dashboard.demo.targets import State, all_targets, answer
from dashboard.server import listen


@pytest.fixture
async def demo():
    listener = listen("127.0.0.1", 0, "DEMO_PORT")
    server = DemoServer(listener)
    server.port = listener.getsockname()[1]
    await server.start()
    yield server
    await server.stop()


async def ask(demo, path, method="GET", headers=None, timeout=5.0):
    """Ask from a thread, as another process would; gives status, headers and body."""

    def exchange():
        connection = HTTPConnection("127.0.0.1", demo.port, timeout=timeout)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return await asyncio.to_thread(exchange)


async def test_api__working__answers_ok(demo):
    status, headers, body = await ask(demo, "/api")
    assert (status, json.loads(body)) == (200, {"status": "ok"})
    assert headers["Content-Type"] == "application/json"


async def test_model__lists_its_model_and_answers(demo):
    _, _, models = await ask(demo, "/v1/models")
    assert [model["id"] for model in json.loads(models)["data"]] == ["demo-model"]
    _, _, completion = await ask(demo, "/v1/chat/completions", "POST")
    assert json.loads(completion)["choices"][0]["message"]["content"] == "ok"


async def test_target__broken_and_mended__behaves_so(demo):
    status, headers, _ = await ask(demo, "/targets/api/failing", "POST")
    assert (status, headers["Location"]) == (303, "/#api")
    assert (await ask(demo, "/api"))[0] == 500
    await ask(demo, "/targets/api/working", "POST")
    assert (await ask(demo, "/api"))[0] == 200


async def test_target__hanging__never_answers(demo):
    await ask(demo, "/targets/api/hanging", "POST")
    with pytest.raises(TimeoutError):
        await ask(demo, "/api", timeout=0.1)


async def test_target__closing__hangs_up_in_the_middle(demo):
    await ask(demo, "/targets/api/closing", "POST")
    with pytest.raises((IncompleteRead, ConnectionError)):
        await ask(demo, "/api")


async def test_server__stopped_while_a_target_hangs__stops_at_once(demo):
    await ask(demo, "/targets/api/hanging", "POST")
    reader, writer = await asyncio.open_connection("127.0.0.1", demo.port)
    writer.write(b"GET /api HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await ask(demo, "/flaky")  # answered after the first has been accepted
    async with asyncio.timeout(2):
        await demo.stop()
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}],
)
async def test_change__sent_by_another_site__is_refused(demo, headers):
    status, _, _ = await ask(demo, "/targets/api/failing", "POST", headers)
    assert status == 403
    assert demo.targets[0].state is State.WORKING


@pytest.mark.parametrize("path", ["/targets/nothing/failing", "/targets/api/burning", "/targets/", "/other"])
async def test_change__unknown_target_or_state__is_not_found(demo, path):
    assert (await ask(demo, path, "POST"))[0] == 404


async def test_page__names_every_target_its_state_and_the_ways_to_change_it(demo):
    await ask(demo, "/targets/slow/hanging", "POST")
    status, headers, body = await ask(demo, "/")
    page = body.decode()
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "<h1>Breakwater demo targets</h1>" in page
    assert page.count("<li ") == len(all_targets())
    assert "<strong>never answers</strong>" in page
    assert 'action="/targets/slow/working"' in page
    assert (await ask(demo, "/targets.css"))[0] == 200


async def test_server__client_that_speaks_no_http__is_dropped(demo):
    reader, writer = await asyncio.open_connection("127.0.0.1", demo.port)
    writer.write(b"\x16\x03\x01 not http\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    assert (await ask(demo, "/api"))[0] == 200


@pytest.mark.parametrize(("second", "status"), [(0, 200), (104.9, 200), (105, 503), (119.9, 503), (120, 200)])
def test_flaky__fails_in_the_last_seconds_of_each_period(second, status):
    flaky = next(target for target in all_targets() if target.slug == "flaky")
    assert answer(flaky, "/flaky", 1_200_000 + second).status == status
