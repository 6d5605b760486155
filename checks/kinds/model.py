"""A language model behind an API of OpenAI's form: OpenRouter, vLLM, Ollama and the like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from checks.egress import HttpRequest, HttpResponse
from checks.kinds.base import Kind, Probing, kind
from checks.kinds.fields import USER_AGENT, HttpUrl, Line, SecretLine
from checks.kinds.secrets import hide
from checks.kinds.timing import total
from checks.rules.outcome import Facts, Outcome
from checks.rules.targets import parse_url, shown_host

MAX_LIST_BYTES = 8 * 1_048_576
"""Large routers describe hundreds of models at length."""
SHOWN_CHARACTERS = 300


def _without_query(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError("must be the API's root, such as https://openrouter.ai/api/v1, without ? or #")
    return url


@kind("model")
@dataclass(frozen=True, kw_only=True)
class Model(Kind):
    label = gettext_lazy("Language model")
    summary = gettext_lazy("Up when the API lists the model and, if asked to, it answers.")
    icon: ClassVar[str] = "spark"
    placeholders: ClassVar[frozenset[str]] = frozenset(
        {"STATUS", "RESPONSE_TIME", "BODY", "CONNECTED", "IP", "CERTIFICATE_EXPIRATION"}
    )

    base_url: Annotated[
        HttpUrl,
        AfterValidator(_without_query),
        Field(title=_("Base URL"), description=_("The API's root, such as http://127.0.0.1:11434/v1.")),
    ]
    model: Annotated[
        Line, Field(min_length=1, title=_("Model"), description=_("Its id, as the API lists it."))
    ]
    api_key: Annotated[
        SecretLine,
        Field(title=_("API key"), description=_("Sent as bearer token; empty when none is needed.")),
    ] = ""
    answer: Annotated[
        bool,
        Field(
            title=_("Must answer"),
            description=_("Also ask the model for one token at each probe; hosted models charge for it."),
        ),
    ] = False
    verify_tls: Annotated[
        bool,
        Field(title=_("Verify TLS"), description=_("Down when the certificate is not valid for this host.")),
    ] = True

    async def probe(self, probing: Probing) -> Outcome:
        response = await probing.egress.http(self._request("models"))
        failure = self._why_not_listed(response)
        phases_ms = dict(response.phases_ms)
        if self.answer and not failure:
            response = await probing.egress.http(self._request("chat/completions", self._question()))
            failure = self._why_no_answer(response)
            for phase, took_ms in response.phases_ms.items():
                phases_ms[phase] = phases_ms.get(phase, 0.0) + took_ms
        facts = self._facts(response, phases_ms, probing.now)
        if failure:
            by_status = "" if _is_success(response) else "STATUS"
            return Outcome.down(failure, facts=facts, phases_ms=phases_ms, replaceable_by=by_status)
        done = "is listed and answers" if self.answer else "is listed"
        return Outcome.up(f"{self.model} {done}", facts=facts, phases_ms=phases_ms)

    def _request(self, path: str, content: Mapping[str, Any] | None = None) -> HttpRequest:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return HttpRequest(
            method="GET" if content is None else "POST",
            url=f"{parse_url(self.base_url).wire.rstrip('/')}/{path}",
            headers=headers,
            body=None if content is None else json.dumps(content).encode(),
            verify_tls=self.verify_tls,
            bearer=self.api_key or None,
            max_body_bytes=MAX_LIST_BYTES,
        )

    def _question(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": "ping"}],
            "max_tokens": 1,
            "stream": False,
        }

    def _why_not_listed(self, response: HttpResponse) -> str:
        content = _content(response)
        if not _is_success(response):
            return self._refusal(response, content)
        models = content.get("data")
        if not isinstance(models, list):
            return "answered without a list of models; is the base URL the API's root?"
        ids = [str(model["id"]) for model in models if isinstance(model, dict) and "id" in model]
        # Ollama lists the tag that it assumes where none is given.
        if self.model in ids or f"{self.model}:latest" in ids:
            return ""
        return f"{self.model} is not among the {len(ids)} models listed"

    def _why_no_answer(self, response: HttpResponse) -> str:
        content = _content(response)
        choices = content.get("choices")
        if _is_success(response) and isinstance(choices, list) and choices:
            return ""
        return f"{self.model} is listed, but did not answer: {self._refusal(response, content)}"

    def _refusal(self, response: HttpResponse, content: Mapping[str, Any]) -> str:
        error = content.get("error", "")
        words = error.get("message", "") if isinstance(error, dict) else error
        said = " ".join(hide(str(words), [self.api_key]).split())[:SHOWN_CHARACTERS]
        return f"{response.status}: {said}" if said else f"{response.status} without a reason"

    def _facts(self, response: HttpResponse, phases_ms: Mapping[str, float], now: datetime) -> Facts:
        expires_at = response.certificate_expires_at
        return Facts(
            status=response.status,
            response_time=total(phases_ms),
            body=hide(response.text().replace("\0", ""), [self.api_key]),
            connected=True,
            ip=response.ip,
            certificate_expiration=expires_at - now if expires_at else None,
        )

    def target(self) -> str:
        host = parse_url(self.base_url).shown_host
        return f"{self.model} at {self.base_url.replace(host, shown_host(host), 1)}"

    def peer(self) -> str:
        return parse_url(self.base_url).host


def _is_success(response: HttpResponse) -> bool:
    return 200 <= response.status < 300


def _content(response: HttpResponse) -> Mapping[str, Any]:
    """The answer's JSON object; an empty one for whatever else came."""
    try:
        content = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
