from __future__ import annotations

import json

import pytest

from checks.errors import CheckError
from checks.rules.outcome import Verdict
from tests.servers import answer, close_early, hang, routes, serve

LIST = json.dumps({"object": "list", "data": [{"id": "small"}, {"id": "llama:latest"}, "odd"]})
ONE_TOKEN = json.dumps({"choices": [{"message": {"role": "assistant", "content": "po"}}]})


def api(listing=None, completion=None):
    return routes(
        {
            "/v1/models": listing or answer(LIST),
            "/v1/chat/completions": completion or answer(ONE_TOKEN),
        }
    )


async def test_listed_model__is_up_without_being_asked(probe):
    with serve(api()) as server:
        outcome = await probe("model", base_url=f"{server.url}v1/", model="small")
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "small is listed")
    assert (outcome.facts.status, outcome.facts.connected) == (200, True)
    assert len(server.requests) == 1


async def test_model_without_its_tag__is_found_as_ollama_means_it(probe):
    with serve(api()) as server:
        assert (await probe("model", base_url=f"{server.url}v1", model="llama")).verdict is Verdict.UP


async def test_answer__is_asked_for_one_token(probe):
    with serve(api()) as server:
        outcome = await probe(
            "model", base_url=f"{server.url}v1", model="small", api_key="hunter22", answer=True
        )
    assert (outcome.verdict, outcome.output) == (Verdict.UP, "small is listed and answers")
    head, body = server.requests[1].split(b"\r\n\r\n")
    assert b"Authorization: Bearer hunter22" in head
    question = json.loads(body)
    assert (question["model"], question["max_tokens"]) == ("small", 1)


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (answer(json.dumps({"data": [{"id": "other"}]})), "small is not among the 1 models listed"),
        (answer("<html>"), "answered without a list of models; is the base URL the API's root?"),
        (answer("[1, 2]"), "answered without a list of models; is the base URL the API's root?"),
        (answer("[" * 100_000), "answered without a list of models; is the base URL the API's root?"),
    ],
)
async def test_model_not_listed__is_down(probe, listing, said: str):
    with serve(api(listing)) as server:
        outcome = await probe("model", base_url=f"{server.url}v1", model="small")
    assert (outcome.verdict, outcome.output, outcome.replaceable_by) == (Verdict.DOWN, said, "")


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        (answer(json.dumps({"error": {"message": "bad key hunter22"}}), status=401), "401: bad key ••••••"),
        (answer(json.dumps({"error": "no"}), status=403), "403: no"),
        (answer("down", status=503), "503 without a reason"),
    ],
)
async def test_refusal__is_down_without_the_key(probe, behaviour, said: str):
    with serve(api(behaviour)) as server:
        outcome = await probe("model", base_url=f"{server.url}v1", model="small", api_key="hunter22")
    assert (outcome.verdict, outcome.output, outcome.replaceable_by) == (Verdict.DOWN, said, "STATUS")


@pytest.mark.parametrize(
    ("completion", "said"),
    [
        (answer("{}"), "200 without a reason"),
        (answer(json.dumps({"choices": []})), "200 without a reason"),
        (answer(json.dumps({"error": {"message": "no capacity\nnow"}})), "200: no capacity now"),
        (answer(json.dumps({"error": {"message": "slow down"}}), status=429), "429: slow down"),
    ],
)
async def test_model_that_is_listed_but_does_not_answer__is_down(probe, completion, said: str):
    with serve(api(completion=completion)) as server:
        outcome = await probe("model", base_url=f"{server.url}v1", model="small", answer=True)
    assert (outcome.verdict, outcome.output) == (Verdict.DOWN, f"small is listed, but did not answer: {said}")


async def test_model_that_hangs__is_left_at_the_deadline(probe):
    with serve(api(completion=hang())) as server, pytest.raises(TimeoutError):
        await probe("model", base_url=f"{server.url}v1", model="small", answer=True, deadline_seconds=0.3)


async def test_api_that_closes_early__fails(probe):
    with serve(api(close_early())) as server, pytest.raises(CheckError, match="closed"):
        await probe("model", base_url=f"{server.url}v1", model="small")
