"""``/livez`` and ``/readyz``."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from checks.models import CheckState, WorkerSign


def ago(seconds):
    return timezone.now() - timedelta(seconds=seconds)


def test_livez__needs_neither_database_nor_sign_in(client, settings):
    settings.PUBLIC_DASHBOARD = False
    response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response["Content-Type"].startswith("text/plain")


def test_readyz__while_all_is_well__says_so_to_anybody(client, settings, make_check, beat):
    settings.PUBLIC_DASHBOARD = False
    make_check("api")
    assert (client.get("/readyz").status_code, client.get("/readyz").content) == (200, b"ok\n")
    assert client.get("/readyz?verbose").content.decode().splitlines() == [
        "[+]database ok",
        "[+]beat ok",
        "[+]runs ok",
        "readyz ok",
    ]


def test_readyz__before_beat_has_ticked(client, make_check):
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "[-]beat beat has not ticked yet" in response.content.decode()


def test_readyz__after_beat_has_stopped(client, make_check, beat):
    WorkerSign.objects.update(seen_at=ago(60))
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "[-]beat beat last ticked 60 s ago" in response.content.decode()
    assert "[+]" not in response.content.decode()


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ({"next_due_at_ago": 60}, 503),
        ({"next_due_at_ago": 5}, 200),
        ({"next_due_at_ago": 60, "paused": True}, 200),
        ({"next_due_at_ago": 60, "leased_ago": 65, "leased_until_ago": -5}, 200),
        ({"next_due_at_ago": 60, "leased_ago": 125, "leased_until_ago": 60}, 503),
    ],
    ids=[
        "nobody takes it",
        "a little late",
        "paused",
        "still running",
        "its worker is lost and nobody swept",
    ],
)
def test_readyz__looks_whether_due_checks_are_run(client, make_check, beat, state, code):
    make_check(
        "api",
        next_due_at=ago(state["next_due_at_ago"]),
        paused=state.get("paused", False),
        leased_slot=ago(state["leased_ago"]) if "leased_ago" in state else None,
        leased_until=ago(state["leased_until_ago"]) if "leased_until_ago" in state else None,
    )
    response = client.get("/readyz?verbose")
    assert response.status_code == code
    assert ("[-]runs" in response.content.decode()) == (code == 503)


def test_readyz__names_nothing_of_what_is_watched(client, make_check, beat):
    make_check("secret-project", name="Secret project", next_due_at=ago(60), last_output="10.0.0.7")
    answer = client.get("/readyz?verbose").content.lower()
    assert b"secret" not in answer
    assert b"10.0.0.7" not in answer


def test_readyz__without_a_database__says_so_without_its_details(client, db, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError('connection to server at "db.internal", user "anna" failed')

    monkeypatch.setattr(CheckState.objects, "filter", away)
    monkeypatch.setattr(WorkerSign.objects, "filter", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.content.decode() == (
        "[-]database the database does not answer (OperationalError)\nreadyz not ready\n"
    )


def test_503__is_an_answer_and_no_line_in_the_log(client, make_check, caplog):
    assert client.get("/readyz").status_code == 503
    assert client.get("/api/v1/status?fail_on=unknown&slug=nobody").status_code == 503
    assert not caplog.records


def test_posting__is_refused(client):
    assert client.post("/livez").status_code == 405
