"""Texts from outside that try to become markup: inert on every page, fragment, badge and document."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.commands.pages import DefineStatusPage
from checks.egress import Egress, parse_policy
from checks.errors import InvalidInput
from checks.events.store import ANY, NewEvent, append
from checks.models import Check, CheckState, Result
from checks.queries import facts
from checks.runner.prepared import prepare
from checks.runner.probe import Surroundings, run_probe
from dashboard.live.fragments import news
from tests import servers
from tests.hostile.catalogue import Item, items

pytestmark = pytest.mark.django_db
PAGES = (
    "/",
    "/?q=hostile",
    "/checks/hostile/",
    "/events/",
    "/events/?stream=check-hostile",
    "/status/hostile/",
    "/badge/hostile/status.svg",
    "/admin/checks/check/",
    "/admin/checks/event/",
    "/admin/checks/statuspage/",
)
DOCUMENTS = (
    "/api/v1/status",
    "/api/v1/checks",
    "/api/v1/checks/hostile/results",
    "/api/v1/events",
    "/badge/hostile/shields.json",
)
STYLESHEET = Path(__file__).resolve().parents[2] / "static" / "breakwater.css"
HARMFUL = frozenset({"onerror", "onload", "onclick", "hx-on:click", "hx-disable", "data-hx-post", "hx-vals"})


@pytest.fixture(autouse=True)
def _fresh_facts():
    facts._kept.clear()
    yield
    facts._kept.clear()


class Elements(HTMLParser):
    """The elements of a page that a hostile text could have brought in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        values = {name: value or "" for name, value in attrs}
        script_inside = tag == "script" and "src" not in names
        if script_inside or tag == "style" or HARMFUL & names or values.get("src") == "x":
            self.found.append(self.get_starttag_text() or tag)
        for name in ("href", "src", "action", "hx-get"):
            if (
                values.get(name, "")
                .strip("\x01 ")
                .lower()
                .startswith(("javascript:", "data:text", "vbscript:"))
            ):
                self.found.append(self.get_starttag_text() or tag)
        if values.get("hx-get") == "/admin/":
            self.found.append(self.get_starttag_text() or tag)


def is_inert(markup: str) -> None:
    elements = Elements()
    elements.feed(markup)
    assert not elements.found


def plant(text: str) -> None:
    """A check, its page and its past, with the text wherever a text can be."""
    definition = {
        "url": "http://a.example.test/",
        "name": text,
        "group": text,
        "tags": [text[:50]],
        "owner": text,
    }
    if text.isascii():
        definition["headers"] = {"X-A": text}
    definition |= {"description": text, "conditions": [f"[BODY] != pat(*{text}*)"]}
    try:
        bus.handle(DefineCheck(slug="hostile", definition=definition, source="admin"), actor=SYSTEM)
    except InvalidInput:
        # Not every text is a pattern; all else has to take it.
        definition.pop("conditions")
        bus.handle(DefineCheck(slug="hostile", definition=definition, source="admin"), actor=SYSTEM)
    page = {"title": text, "description": text, "sections": [{"title": text, "checks": ["hostile"]}]}
    bus.handle(DefineStatusPage(slug="hostile", definition=page, source="admin"), actor=SYSTEM)
    check = Check.objects.get(slug="hostile")
    now = datetime.now(UTC)
    CheckState.objects.filter(pk=check.pk).update(
        status="down", last_verdict="down", last_output=text, last_run_at=now
    )
    detail = {"conditions": [{"condition": text, "explained": text, "met": False, "degrades_only": False}]}
    Result.objects.create(
        check_id=check.pk, slot=now, started_at=now, verdict="down", late_ms=0, output=text, detail=detail
    )
    event = {"before": "up", "after": "down", "reason": text, "output": text, "slot": now.isoformat()}
    append("check-hostile", [NewEvent("StatusChanged", event)], expected_version=ANY, now=now)


@items("browser", only=("WEB-013",))
def test_script_in_any_text__is_text_on_every_page(item: Item, admin_client: Client):
    for number, text in enumerate(item["input"]["strings"]):
        if number:
            Check.objects.all().delete()
        plant(text)
        for path in (*PAGES, f"/admin/checks/check/{Check.objects.get().pk}/change/"):
            response = admin_client.get(path)
            assert response.status_code == 200, path
            is_inert(response.content.decode())
            assert "script-src 'self'" in response["Content-Security-Policy"]
            fragment = admin_client.get(path, headers={"hx-request": "true"})
            is_inert(fragment.content.decode())
        for path in DOCUMENTS:
            response = admin_client.get(path)
            assert response["Content-Type"].startswith("application/json")
            assert response["X-Content-Type-Options"] == "nosniff"
            json.loads(response.content)
        metrics = admin_client.get("/metrics").content.decode()
        assert all(line.startswith(("#", *"abcdefghijklmnopqrstuvwxyz")) for line in metrics.splitlines())


@items("browser", only=("WEB-013",))
def test_script_in_any_text__is_text_in_live_fragments(item: Item, settings):
    settings.PUBLIC_DASHBOARD = True
    for text in item["input"]["strings"]:
        Check.objects.all().delete()
        plant(text)
        for frames in news(0, {"en"}, clients=1).frames.values():
            for frame in frames:
                data = next(line for line in frame.decode().splitlines() if line.startswith("data: "))
                is_inert(json.loads(data.removeprefix("data: ")).get("html", ""))


async def probed(behaviour: servers.Behaviour, **more: Any) -> str:
    """Everything an outcome keeps of a target's words."""
    door = Egress(parse_policy("lan", ["127.0.0.1"]))
    surroundings = Surroundings(egress=door, run_registered=asyncio.sleep, worker_signs=asyncio.sleep)
    with servers.serve(behaviour) as server:
        definition = {"url": server.url, "interval": 10, "timeout": 2, **more}
        outcome = (await run_probe(prepare("x", definition, environ={}), surroundings)).outcome
    door.close()
    return "\n".join([outcome.output, *(result.explained for result in outcome.conditions)])


@items("browser", only=("WEB-003", "WEB-005", "WEB-006"))
async def test_script_from_a_target__is_kept_as_one_line_of_text(item: Item):
    """What is kept is shown by the templates above; here, that nothing odd gets so far."""
    for text in item["input"]["strings"]:
        if item["id"] == "WEB-006":
            header = servers.redirect(text.encode().decode("latin-1"))
            kept = await probed(header)
        else:
            kept = await probed(servers.answer(text), conditions=["[BODY] == nothing"])
        assert len(kept) < 3000
        assert all(line.isprintable() for line in kept.splitlines())


@items("browser", only=("WEB-014",))
def test_script_as_a_link__is_refused_on_write(item: Item):
    for text in item["input"]["strings"]:
        with pytest.raises(InvalidInput, match="runbook_url"):
            prepare("x", {"url": "http://a.example.test/", "runbook_url": text}, environ={})


@items("browser", only=("WEB-014",))
def test_script_as_a_link__planted_in_the_database__is_no_link(item: Item, admin_client: Client):
    plant("x")
    check = Check.objects.get()
    for text in item["input"]["strings"]:
        check.definition["runbook_url"] = text
        check.save()
        is_inert(admin_client.get("/checks/hostile/").content.decode())


@items("browser", only=("WEB-016",))
def test_colours__are_chosen_from_two_words(item: Item, client: Client):
    for text in item["input"]["strings"]:
        response = client.post("/theme/", {"theme": text, "next": "/"})
        assert response.status_code == 302
        assert not response.cookies["theme"].value
        client.cookies["theme"] = text.replace(";", "")
        assert "evil.example.test" not in client.get("/login/").content.decode()


@items("check-definition", only=("CHK-121",))
def test_name_that_turns_the_writing__stands_in_an_element_that_contains_it(item: Item, admin_client: Client):
    """The stylesheet isolates links and spans; blocks and cells are isolated by browsers."""
    name = item["input"]["value"]
    plant(name)
    assert f">{name}</a>" in admin_client.get("/").content.decode()
    assert "a, code, span, strong, time { unicode-bidi: isolate; }" in STYLESHEET.read_text()


@items("browser", only=("WEB-017",))
@pytest.mark.parametrize(
    "text",
    ["x" * 100_000, "a\u200d" * 50, "\u05d0\u05d1\u05d2" * 60, "\u202etxt.exe", "a\u202e\u2066" * 60],
    ids=["long", "joined", "right-to-left", "turned", "turned-often"],
)
def test_endless_or_turning_text__is_cut_or_contained(item: Item, text: str, admin_client: Client):
    name = text[:200]
    plant(name)
    CheckState.objects.update(last_output=text)
    for path in PAGES:
        assert admin_client.get(path).status_code == 200
    longer = {"url": "http://a.example.test/", "name": text + "x" * 200}
    with pytest.raises(InvalidInput, match="at most 200"):
        prepare("x", longer, environ={})
