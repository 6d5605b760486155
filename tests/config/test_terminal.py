"""The operator's commands: what they print, and with which code they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.commands.yaml_document import MAX_BYTES, read
from checks.egress import Egress, parse_policy
from checks.models import Check, CheckState
from tests.config.conftest import Said

pytestmark = pytest.mark.django_db

Run = Callable[..., Said]
File = Callable[..., str]

GOOD = "checks:\n  api: {url: http://a.example.test}\n"


def watched() -> set[str]:
    return set(Check.objects.exclude(source="code").values_list("slug", flat=True))


def test_apply__good_file__says_what_was_done(run: Run, file: File):
    said = run("apply", file(GOOD))
    assert said == Said(0, "Applied: 1 added, 0 changed, 0 removed, 0 unchanged.\n", "")
    assert watched() == {"api"}


def test_apply__plan__shows_each_key_and_changes_nothing(run: Run, file: File):
    run("apply", file(GOOD))
    changed = (
        "checks:\n  api: {url: http://a.example.test, interval: 30}\n  db: {kind: tcp, host: db, port: 1}\n"
    )
    said = run("apply", "--plan", file(changed))
    assert said.out.splitlines() == [
        "~ check api",
        "    interval: (default) → 30",
        "+ check db",
        '    kind: "tcp"',
        '    host: "db"',
        "    port: 1",
        "Planned: 1 added, 1 changed, 0 removed, 0 unchanged. Nothing has been changed.",
    ]
    assert watched() == {"api"}


def test_apply__leftovers__are_named_until_they_are_pruned(run: Run, file: File):
    run("apply", file(GOOD))
    empty = file("checks: {}\n")
    assert "No longer in the file, and kept: api. Remove with --prune." in run("apply", empty).out
    assert "1 removed" in run("apply", empty, "--prune").out
    assert watched() == set()


def test_apply__bad_file__ends_with_1_and_a_line_per_problem(run: Run, file: File):
    path = file("checks:\n  api:\n    url: http://a\n    timeout: 0\n    intervall: 5\n")
    said = run("apply", path)
    assert said.code == 1
    assert said.err.splitlines() == [
        "nothing was changed, 2 problems:",
        f"{path}:4: checks.api.timeout: a number of seconds from 0.1 to 120 expected, got 0",
        f"{path}:5: checks.api.intervall: unknown key 'intervall'; did you mean 'interval'?",
    ]
    assert watched() == set()


def test_apply__one_bad_file_of_two__applies_neither(run: Run, file: File):
    said = run("apply", file(GOOD), file("checks: [\n", "broken.yaml"))
    assert said.code == 1
    assert "broken.yaml:2: not readable as YAML" in said.err
    assert watched() == set()


def test_apply__file_that_is_not_there__says_so(run: Run, tmp_path: Path):
    said = run("apply", str(tmp_path / "none.yaml"))
    assert said.code == 1
    assert "none.yaml: cannot be read: No such file or directory" in said.err


def test_apply__folder_in_place_of_a_file__says_so(run: Run, tmp_path: Path):
    assert "is no file" in run("apply", str(tmp_path)).err


def test_apply__file_of_a_hundred_megabytes__is_refused_unread(run: Run, tmp_path: Path):
    path = tmp_path / "big.yaml"
    with path.open("wb") as big:
        big.truncate(100_000_000)  # sparse: no byte of it is written
    said = run("apply", str(path))
    assert f"{MAX_BYTES // 1024 // 1024} MiB are allowed" in said.err


def test_apply__literal_secret_in_a_file_for_everybody__warns_and_applies(run: Run, file: File):
    text = "checks:\n  api:\n    url: http://a\n    bearer: a-literal-token\n"
    said = run("apply", file(text, mode=0o644))
    assert said.code == 0
    assert "checks.yaml:4: checks.api.bearer: a secret in clear" in said.err
    assert "a-literal-token" not in said.err + said.out
    assert run("apply", file(text, mode=0o600)).err == ""


def test_apply__large_file__shows_how_far_it_has_come(run: Run, file: File):
    text = "checks:\n" + "".join(f"  c{n}: {{url: http://a}}\n" for n in range(300))
    assert "checking: 300 of 300" in run("apply", file(text)).err


def test_export__of_what_was_applied__is_the_same_again(run: Run, file: File):
    text = """\
checks:
  api:
    name: '2026-11-23'
    url: https://a.example.test/?q=1
    method: POST
    headers: {X-Key: '${A_KEY}', Accept: 'no'}
    body: "two\\nlines\\n"
    group: Web
    tags: [web, 'on']
    description: "What it is.\\nAnd why."
    interval: 30
    timeout: 2.5
    retries: 1
    conditions: ['[STATUS] == 200', '[BODY].x == "y"']
    degraded_conditions: ['[RESPONSE_TIME] < 500']
  nightly: {kind: tcp, host: db.example.test, port: 5432, cron: 0 3 * * *, timezone: Europe/Berlin}
pages:
  public:
    title: Ours
    sections: [{title: Web, checks: [api]}, {tag: web}]
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("A_KEY", "k")
        run("apply", file(text))
        exported = run("export").out
        assert read(exported.encode()).plain() == read(text.encode()).plain()
        path = file(exported)
        assert "2 unchanged" not in run("apply", "--plan", path).out
        assert "0 added, 0 changed, 0 removed, 3 unchanged" in run("apply", "--plan", path).out


def test_export__literal_secret__becomes_a_placeholder_that_is_listed(run: Run, file: File):
    text = "checks:\n  my-api: {url: 'https://u:pw@a.test/', headers: {Authorization: Bearer abcdef}}\n"
    text = text.replace("u:pw@", "")
    run("apply", file(text))
    exported = run("export").out
    assert "abcdef" not in exported
    assert "#   MY_API_HEADERS_AUTHORIZATION: headers.Authorization of my-api" in exported
    assert read(exported.encode()).plain()["checks"]["my-api"]["headers"] == {
        "Authorization": "${MY_API_HEADERS_AUTHORIZATION}"
    }


def test_export__of_one_source__leaves_the_others_out(run: Run, file: File):
    run("apply", file(GOOD))
    bus.handle(DefineCheck(slug="mine", definition={"url": "http://b"}, source="admin"), actor=SYSTEM)
    assert list(read(run("export", "--source", "admin").out.encode()).plain()["checks"]) == ["mine"]


def test_export__of_nothing__is_a_valid_file(run: Run, file: File):
    assert run("apply", file(run("export").out)).code == 0


GATUS = """\
endpoints:
  - name: api
    group: core
    url: http://a.example.test
    conditions: ["[STATUS] == 200"]
    ui: {hide-url: true}
  - {name: shell, url: "ssh://a.test:22", conditions: ["[CONNECTED] == true"]}
"""


def test_import__gatus_file__takes_what_it_can_and_tells_the_rest(run: Run, file: File):
    path = file(GATUS, "config.yaml")
    said = run("import", path, "--from", "gatus")
    assert said.code == 0
    assert f"{path}:6: endpoints.0.ui: is not carried over" in said.err
    assert f"{path}:7: endpoints.1: left out: there is no kind of check for ssh://" in said.err
    assert "1 added" in said.out
    assert "2 things could not be carried over" in said.out
    assert Check.objects.get(slug="core-api").source == "file:config.yaml"


def test_import__again__changes_nothing(run: Run, file: File):
    path = file(GATUS, "config.yaml")
    run("import", path, "--from", "gatus")
    assert "0 added, 0 changed, 0 removed, 1 unchanged" in run("import", path, "--from", "gatus").out


def test_import__plan__changes_nothing(run: Run, file: File):
    said = run("import", file(GATUS), "--from", "gatus", "--plan")
    assert "+ check core-api" in said.out
    assert watched() == set()


def test_import__from_a_monitor_that_we_do_not_know__names_those_that_we_do(file: File):
    with pytest.raises(CommandError, match=r"invalid choice: 'nagios'.*gatus"):
        call_command("import", file(GATUS), "--from", "nagios")


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response(503 if self.path == "/down" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Tests stay quiet."""


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A web server on loopback, and a door that opens to it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        policy = parse_policy("lan", [f"127.0.0.1:{server.server_port}"])
        monkeypatch.setattr("checks.management.commands.run_check.egress", lambda: Egress(policy))
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def define(slug: str, **definition: object) -> None:
    bus.handle(DefineCheck(slug=slug, definition=definition, source="admin"), actor=SYSTEM)


def test_run_check__up__explains_phases_and_conditions(run: Run, target: str):
    define("api", url=f"{target}/", conditions=["[STATUS] == 200", "[BODY].status == ok"])
    said = run("run_check", "api")
    lines = said.out.splitlines()
    assert said.code == 0
    assert lines[0] == f"api  http  {target}/"
    assert lines[1].startswith("up: 200")
    assert "phases" in lines
    assert "  met      [STATUS] (200) == 200" in lines
    assert "  met      [BODY].status (ok) == ok" in lines


def test_run_check__degraded__ends_with_1(run: Run, target: str):
    define("api", url=target, degraded_conditions=["[BODY].status == fine"])
    said = run("run_check", "api")
    assert said.code == 1
    assert "(degrades only)" in said.out


def test_run_check__down__ends_with_2_and_shows_what_was_seen(run: Run, target: str):
    define("api", url=f"{target}/down", conditions=["[STATUS] == 200"])
    said = run("run_check", "api")
    assert said.code == 2
    assert "  not met  [STATUS] (503) == 200" in said.out.splitlines()


def test_run_check__blocked__ends_with_3(run: Run, target: str):
    define("api", url="http://127.0.0.1:9/")
    assert run("run_check", "api").code == 3


def test_run_check__placeholder_that_is_gone__names_it(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOON_GONE", "http://a")
    define("api", url="${SOON_GONE}")
    monkeypatch.delenv("SOON_GONE")
    said = run("run_check", "api")
    assert said.code == 3
    assert "SOON_GONE is not set" in said.err


def test_run_check__not_there__says_so(run: Run):
    assert run("run_check", "nope") == Said(3, "", "There is no check 'nope'.")


@pytest.mark.parametrize(("status", "code"), [("up", 0), ("degraded", 1), ("down", 2), ("unknown", 3)])
def test_status__ends_as_monitoring_plugins_do(run: Run, status: str, code: int):
    define("well", url="http://a")
    define("api", url="http://a")
    CheckState.objects.update(status="up")
    CheckState.objects.filter(check_ref__slug="api").update(
        status=status, last_output="what was seen\nand more"
    )
    said = run("status")
    assert said.code == code
    assert said.out.splitlines()[0].split() == ["STATUS", "FOR", "LATENCY", "CHECK", "LAST", "SEEN"]
    assert said.out.splitlines()[-1].startswith(f"{status}: ")
    assert "what was seen" in said.out
    assert "and more" not in said.out


def test_status__json__is_what_the_api_answers(run: Run):
    define("api", url="http://a", group="Web")
    document = json.loads(run("status", "--json").out)
    assert document["status"] == "unknown"
    assert [check["slug"] for check in document["checks"]] == ["api"]
    assert set(document) == {"status", "generated_at", "position", "counts", "checks"}


def test_status__without_checks__says_so(run: Run):
    assert run("status") == Said(3, "unknown: there are no checks\n", "")
