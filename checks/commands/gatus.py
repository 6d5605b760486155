"""
Gatus' configuration files as ours, and a list of what could not be carried over.

Endpoints become checks. What differs in meaning is made explicit: Gatus expects no HTTP status
unless a condition asks for one, so such a check accepts all of them. Everything else of a file
(alerting, storage, suites …) is noted with its line, and so is an endpoint that cannot become a check.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from django.utils.text import slugify

from checks.commands.document import FileProblem, in_file
from checks.commands.draft import MAX_CHECKS
from checks.commands.yaml_document import Node, read
from checks.errors import InvalidInput
from checks.rules.definition import INTERVAL_SECONDS, MAX_THRESHOLD
from checks.rules.reading import shown
from checks.runner.prepared import prepare

ANY_STATUS = ["100-599"]
PARTS = frozenset(
    {
        "alerting",
        "announcements",
        "connectivity",
        "external-endpoints",
        "maintenance",
        "remote",
        "security",
        "storage",
        "suites",
        "tunneling",
        "ui",
        "web",
    }
)
"""What else a Gatus file may hold and somebody would miss. Other keys hold defaults to be merged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """
    Attributes:
        root: As `document_from` takes it; its lines are those of the Gatus file.
        lost: What could not be carried over, and why.
    """

    root: Node
    lost: tuple[FileProblem, ...]


def convert(file: str, content: bytes) -> Converted:
    """
    Raises:
        InvalidInput: With `FileProblem`s; the file cannot be read, or holds no endpoints.
    """
    try:
        top = read(content, merge=True)
    except InvalidInput as error:
        raise InvalidInput(in_file(file, error.problems)) from error
    entries = top.value.get("endpoints") if isinstance(top.value, dict) else None
    if not isinstance(top.value, dict) or entries is None or not isinstance(entries.value, list):
        message = "a Gatus file with a list of endpoints expected"
        raise InvalidInput(FileProblem("", message, top.line, file))
    if (count := len(entries.value)) > MAX_CHECKS:
        message = f"{count} endpoints are more than one file may hold: {MAX_CHECKS} are allowed; split it"
        raise InvalidInput(FileProblem("endpoints", message, entries.line, file))
    lost = [
        FileProblem(key, "is not carried over", node.line, file)
        for key, node in top.value.items()
        if key in PARTS
    ]
    checks: dict[str, Node] = {}
    copies: Counter[str] = Counter()
    for number, entry in enumerate(entries.value):
        endpoint = _Endpoint(file, f"endpoints.{number}", entry)
        definition = endpoint.definition()
        if definition is not None:
            slug = _free_slug(definition, number, checks, copies)
            _adopt(endpoint, slug, definition, checks)
        lost += endpoint.lost
    return Converted(root=Node({"checks": Node(checks, entries.line)}, top.line), lost=tuple(lost))


@dataclass(slots=True)
class _Endpoint:
    """One endpoint on its way to becoming a check."""

    file: str
    where: str
    node: Node
    lost: list[FileProblem] = field(default_factory=list)
    conditions: list[Node] = field(default_factory=list)

    def lose(self, message: str, *path: str) -> None:
        place = ".".join((self.where, *path))
        self.lost.append(FileProblem(place, message, self.node.line_of(path), self.file))

    def definition(self) -> dict[str, Any] | None:
        """Our public keys; None when the endpoint cannot become a check."""
        if not isinstance(self.node.value, dict):
            self.lose(f"left out: a mapping expected, got {shown(self.node.plain())}")
            return None
        raw = {key: node.plain() for key, node in self.node.value.items()}
        if raw.get("enabled") is False:
            self.lose("left out: it is disabled", "enabled")
            return None
        try:
            settings = self._settings(raw)
        except ValueError as error:
            self.lose(f"left out: {error}")
            return None
        definition: dict[str, Any] = {
            "name": _text(raw.get("name")) or None,
            "group": _text(raw.get("group")),
        }
        definition |= self._times(raw) | settings
        definition["conditions"] = self._conditions(raw)
        if settings["kind"] == "http" and not any("[STATUS]" in item for item in definition["conditions"]):
            definition["expected_status"] = ANY_STATUS
        definition |= self._thresholds(raw)
        for key in raw.keys() - CARRIED:
            self.lose("is not carried over", key)
        return {key: value for key, value in definition.items() if value not in (None, "", [], {})}

    def _settings(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The kind and its settings. Raises ValueError for what no kind of ours can watch."""
        link = _expandable(_text(raw.get("url")))
        client = _mapping(raw.get("client"))
        if not link:
            raise ValueError("it has no url")
        if isinstance(raw.get("dns"), Mapping):
            return _dns(link, raw["dns"])
        scheme = link.partition("://")[0].lower() if "://" in link else "http"
        if scheme not in TRANSLATIONS:
            raise ValueError(f"there is no kind of check for {scheme}:// yet")
        settings = TRANSLATIONS[scheme](self, link, raw, client)
        for key in client.keys() - CLIENT_CARRIED[settings["kind"]] - {"timeout"}:
            self.lose("is not carried over", "client", key)
        return settings

    def _times(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        interval = self._seconds(raw.get("interval"), 60.0, "interval")
        whole = min(max(round(interval), INTERVAL_SECONDS[0]), INTERVAL_SECONDS[1])
        if whole != interval:
            self.lose(
                f"becomes {whole} s: whole seconds up to {INTERVAL_SECONDS[1]} are possible", "interval"
            )
        written = _mapping(raw.get("client")).get("timeout")
        if written is None:
            return {"interval": whole}
        timeout = self._seconds(written, 10.0, "client", "timeout")
        fitting = min(max(timeout, 0.1), whole, 120)
        if fitting != timeout:
            self.lose(f"becomes {fitting:g} s: it has to fit into the interval", "client", "timeout")
        return {"interval": whole, "timeout": fitting}

    def _seconds(self, written: object, default: float, *path: str) -> float:
        if written is None:
            return default
        seconds = duration_seconds(_text(written))
        if seconds is None:
            self.lose(f"becomes {default:g} s: {shown(written)} is no duration", *path)
            return default
        return seconds

    def _conditions(self, raw: Mapping[str, Any]) -> list[str]:
        written = raw.get("conditions")
        return [_text(item) for item in written] if isinstance(written, list) else []

    def _thresholds(self, raw: Mapping[str, Any]) -> dict[str, int]:
        """Gatus counts failures per alert; we count them per check, so the most eager alert decides."""
        alerts = raw.get("alerts")
        if not isinstance(alerts, list) or not alerts:
            return {}
        self.lose("only the thresholds are carried over, not who is notified", "alerts")
        found: dict[str, int] = {}
        for key, ours in (
            ("failure-threshold", "failure_threshold"),
            ("success-threshold", "success_threshold"),
        ):
            given = [alert.get(key) for alert in alerts if isinstance(alert, Mapping)]
            counts = [count for count in given if isinstance(count, int) and 1 <= count <= MAX_THRESHOLD]
            if counts:
                found[ours] = min(counts)
        return found

    def http(self, link: str, raw: Mapping[str, Any], client: Mapping[str, Any]) -> dict[str, Any]:
        headers = {key: _expandable(_text(value)) for key, value in _mapping(raw.get("headers")).items()}
        method = _text(raw.get("method")).upper() or "GET"
        body = _expandable(_text(raw.get("body")))
        if raw.get("graphql") is True:
            body = json.dumps({"query": body})
            if "content-type" not in {key.lower() for key in headers}:
                headers["Content-Type"] = "application/json"
        if body and method in ("GET", "HEAD"):
            self.lose(f"is not carried over: a body is not sent with {method}", "body")
            body = ""
        if found := re.search(r"\[(?:ENDPOINT_(?:NAME|GROUP|URL)|RANDOM_STRING_\d+)\]", body):
            self.lose(f"{found[0]} is sent as it stands", "body")
        if isinstance(client.get("tls"), Mapping):
            self.lose(
                "is not carried over: write client_certificate and client_key as PEM text", "client", "tls"
            )
        return {
            "kind": "http",
            "url": link,
            "method": method if method != "GET" else None,
            "headers": headers,
            "body": body,
            "verify_tls": False if client.get("insecure") is True else None,
            "follow_redirects": False if client.get("ignore-redirect") is True else None,
            "proxy": _expandable(_text(client.get("proxy-url"))),
        }

    def tcp(self, link: str, raw: Mapping[str, Any], _client: Mapping[str, Any]) -> dict[str, Any]:
        host, port = _host_and_port(link)
        if port is None:
            raise ValueError("its url names no port")
        return {"kind": "tcp", "host": host, "port": port, "send": _expandable(_text(raw.get("body")))}

    def tls(self, link: str, _raw: Mapping[str, Any], client: Mapping[str, Any]) -> dict[str, Any]:
        host, port = _host_and_port(link)
        verify = False if client.get("insecure") is True else None
        return {"kind": "tls", "host": host, "port": port or 443, "verify": verify}

    def icmp(self, link: str, _raw: Mapping[str, Any], _client: Mapping[str, Any]) -> dict[str, Any]:
        return {"kind": "icmp", "host": link.partition("://")[2].strip("/[]")}


CARRIED = frozenset(
    {
        "alerts",
        "body",
        "client",
        "conditions",
        "dns",
        "enabled",
        "graphql",
        "group",
        "headers",
        "interval",
        "method",
        "name",
        "url",
    }
)
CLIENT_CARRIED = {
    "http": frozenset({"insecure", "ignore-redirect", "proxy-url", "tls"}),
    "tls": frozenset({"insecure"}),
    "tcp": frozenset[str](),
    "icmp": frozenset[str](),
}
Translation = Callable[[_Endpoint, str, Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]
TRANSLATIONS: dict[str, Translation] = {
    "http": _Endpoint.http,
    "https": _Endpoint.http,
    "tcp": _Endpoint.tcp,
    "tls": _Endpoint.tls,
    "icmp": _Endpoint.icmp,
}


def _adopt(endpoint: _Endpoint, slug: str, definition: dict[str, Any], checks: dict[str, Node]) -> None:
    """Take the check, without the conditions that do not fit; or note why it cannot be taken."""
    problems = _problems(slug, definition)
    unfit = {int(path[1]): message for path, message in problems if path[0] == "conditions" and len(path) > 1}
    if unfit:
        for number, message in unfit.items():
            endpoint.lose(f"is left out: {message}", "conditions", str(number))
        kept = [text for number, text in enumerate(definition["conditions"]) if number not in unfit]
        definition = {**definition, "conditions": kept}
        if not kept:
            # Nothing is left to judge by, so the kind's own expectation has to.
            definition.pop("expected_status", None)
        problems = _problems(slug, definition)
    if problems:
        reasons = "; ".join(f"{'.'.join(path)}: {message}" for path, message in problems)
        endpoint.lose(f"left out: {reasons}")
        return
    checks[slug] = Node.of(definition, endpoint.node.line)


def _problems(slug: str, definition: Mapping[str, Any]) -> list[tuple[list[str], str]]:
    try:
        prepare(slug, definition, environ=os.environ)
    except InvalidInput as error:
        return [(problem.where.split("."), problem.message.splitlines()[0]) for problem in error.problems]
    return []


def _free_slug(
    definition: Mapping[str, Any], number: int, taken: Mapping[str, Node], copies: Counter[str]
) -> str:
    """Made of group and name, as Gatus' own keys are; counted up where two are alike."""
    names = (definition.get("group", ""), definition.get("name", ""))
    base = slugify("-".join(name for name in names if name))[:90].strip("-_").replace("_", "-")
    base = slug = base or f"endpoint-{number + 1}"
    while slug in taken:
        copies[base] += 1
        slug = f"{base}-{copies[base] + 1}"
    return slug


def _dns(server: str, written: Mapping[str, Any]) -> dict[str, Any]:
    host, port = _host_and_port(f"dns://{server.removeprefix('dns://')}")
    return {
        "kind": "dns",
        "query": _text(written.get("query-name")).rstrip("."),
        "record_type": _text(written.get("query-type")).upper() or "A",
        "resolver": host,
        "resolver_port": port if port not in (None, 53) else None,
    }


def _host_and_port(link: str) -> tuple[str, int | None]:
    """Raises ValueError saying that the address cannot be read."""
    try:
        parts = urlsplit(link)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host:
        raise ValueError(f"its url {shown(link)} is no address")
    return host, port


DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_seconds(text: str) -> float | None:
    """Go's durations, such as ``1m30s``; None for what is none."""
    if not text or DURATION.sub("", text):
        return None
    return round(sum(float(amount) * UNIT_SECONDS[unit] for amount, unit in DURATION.findall(text)), 9)


VARIABLE = re.compile(r"\$\$(\{?)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)")


def _expandable(text: str) -> str:
    """Gatus' ``$NAME`` and ``$$`` in our way of writing them."""

    def written(match: re.Match[str]) -> str:
        if name := match[2] or match[3]:
            return f"${{{name}}}"
        return "$${" if match[1] else "$"

    return VARIABLE.sub(written, text)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    """A scalar as Gatus reads it: always as text."""
    match value:
        case None | dict() | list():
            return ""
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case _:
            return str(value)
