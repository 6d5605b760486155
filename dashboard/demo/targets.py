"""What the demo's targets answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SLOW_SECONDS = 0.4
FLAKY_PERIOD_SECONDS = 120
FLAKY_BAD_SECONDS = 15  # at the end of each period
MODEL = "demo-model"


class State(StrEnum):
    """How a person wants a target to behave."""

    WORKING = "working"
    FAILING = "failing"
    HANGING = "hanging"
    CLOSING = "closing"


@dataclass(frozen=True)
class Wording:
    """How a state is said on the page, and the button that brings it about."""

    state: str | Promise
    button: str | Promise


WORDING: Mapping[State, Wording] = {
    State.WORKING: Wording(_("works"), _("Mend")),
    State.FAILING: Wording(_("answers 500"), _("Answer 500")),
    State.HANGING: Wording(_("never answers"), _("Never answer")),
    State.CLOSING: Wording(_("hangs up"), _("Hang up")),
}


@dataclass
class Target:
    slug: str
    name: str | Promise
    description: str | Promise
    paths: tuple[str, ...]
    delay_seconds: float = 0.0
    state: State = State.WORKING


@dataclass(frozen=True)
class Answer:
    status: int
    body: Mapping[str, Any] = field(default_factory=dict)

    def encoded(self) -> bytes:
        return json.dumps(self.body).encode()


def all_targets() -> list[Target]:
    return [
        Target("api", _("Healthy API"), _("Answers at once that it is well."), ("/api",)),
        Target("slow", _("Slow API"), _("Takes 0.4 s for each answer."), ("/slow",), SLOW_SECONDS),
        Target("flaky", _("Flaky API"), _("Fails for the last 15 s of every two minutes."), ("/flaky",)),
        Target(
            "model",
            _("Model endpoint"),
            _("Speaks the OpenAI protocol and offers one model, demo-model."),
            ("/v1/models", "/v1/chat/completions"),
        ),
    ]


def answer(target: Target, path: str, unix_seconds: float) -> Answer:
    """Say what `target` answers at this moment when it is not hanging or closing."""
    if target.state is State.FAILING:
        return Answer(500, {"status": "error", "reason": "broken by hand on the demo page"})
    if target.slug == "flaky" and unix_seconds % FLAKY_PERIOD_SECONDS >= (
        FLAKY_PERIOD_SECONDS - FLAKY_BAD_SECONDS
    ):
        return Answer(503, {"status": "error", "reason": "flaky by design"})
    if path == "/v1/models":
        return Answer(200, {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0}]})
    if path == "/v1/chat/completions":
        return Answer(200, _completion(int(unix_seconds)))
    return Answer(200, {"status": "ok"})


def _completion(created: int) -> dict[str, Any]:
    message = {"role": "assistant", "content": "ok"}
    return {
        "id": "demo",
        "object": "chat.completion",
        "created": created,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
