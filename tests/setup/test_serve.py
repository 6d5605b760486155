"""`manage.py serve`: what it refuses, what it brings up, and how it stops."""

from __future__ import annotations

import signal
import socket
import sqlite3
import urllib.request
from urllib.error import HTTPError

import pytest

from tests.backends import free_port
from tests.embedded import environment, run_command, serving


def one_sentence(result, *parts):
    """It was refused plainly: exit code 1, one line, no traceback."""
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    for part in parts:
        assert part in result.stderr
    return True


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A running system with the demo and the sample checks."""
    folder = tmp_path_factory.mktemp("system")
    with serving(folder, DEMO="on", CHECKS_FILE="checks.yaml") as running:
        yield running


def test_serve__port_in_use__is_refused_in_one_sentence(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        result = run_command("serve", **environment(tmp_path, PORT=port))
    assert one_sentence(result, f"Port {port}", "PORT=")
    assert not (tmp_path / "breakwater.sqlite3").exists()


def test_serve__data_folder_cannot_be_made__is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    result = run_command("serve", **environment(tmp_path / "file" / "data"))
    assert one_sentence(result, "DATA_DIR", "set DATA_DIR to a folder")


def test_serve__wrong_setting__is_refused_in_one_sentence(tmp_path):
    result = run_command("serve", **environment(tmp_path, MAX_PROBES_IN_FLIGHT="many"))
    assert one_sentence(result, "MAX_PROBES_IN_FLIGHT='many'")


def test_serve__second_instance_on_the_same_database__is_refused_in_one_sentence(system):
    result = run_command("serve", **(system.environment | {"PORT": str(free_port())}))
    assert one_sentence(result, f"process {system.process.pid}", "DATA_DIR")


def test_serve__first_start__lists_the_samples_checks_with_real_results(system):
    expected = {"demo-api", "demo-slow", "demo-flaky", "demo-model", "python-api", "database", "memory"}
    system.wait_for(
        lambda it: {slug for slug, status in it.statuses().items() if status != "unknown"} >= expected
    )
    assert system.statuses()["demo-api"] == "up"
    assert "as admin with the password" in system.output


def test_serve__demo_target_broken_and_mended__is_noticed_both_times(system):
    system.wait_for(lambda it: it.statuses().get("demo-api") == "up")
    system.post_to_demo("/targets/api/failing")
    system.wait_for(lambda it: it.statuses()["demo-api"] == "down")
    system.post_to_demo("/targets/api/working")
    system.wait_for(lambda it: it.statuses()["demo-api"] == "up")


def test_serve__any_page__carries_the_strict_headers(system):
    with system.get("/admin/login/") as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_serve__host_that_is_not_ours__is_refused(system):
    with pytest.raises(HTTPError) as refusal:
        system.get("/admin/login/", Host="evil.example")
    refusal.value.close()
    assert refusal.value.code == 400


def test_serve__ready__once_beat_and_worker_are_at_work(system):
    def ready(it):
        try:
            with it.get("/readyz") as answer:
                return answer.status == 200
        except HTTPError as error:
            error.close()
            return False

    system.wait_for(ready)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve__told_to_stop_with_an_open_stream__stops_within_five_seconds(tmp_path, number):
    with serving(tmp_path) as system, urllib.request.urlopen(f"{system.url}/live/", timeout=10) as stream:
        assert stream.readline().startswith(b"retry:")
        code, seconds = system.stop(number)
        assert b"event: hello" in stream.read()  # ended properly, not cut
    assert (code, seconds < 5) == (0, True), system.output
    assert "stopped" in system.output
    assert "Traceback" not in system.output


def test_serve__started_again__keeps_its_results_and_its_password_to_itself(tmp_path):
    for _ in range(2):
        with serving(tmp_path) as system:
            system.wait_for(lambda it: it.statuses().get("memory") == "up")
            system.stop()
    assert "password" not in system.output
    with sqlite3.connect(tmp_path / "breakwater.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM django_celery_beat_periodictask").fetchone()[0] >= 4
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
