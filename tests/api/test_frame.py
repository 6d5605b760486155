"""What all addresses of the API share: access, methods, formats, errors, description."""

from __future__ import annotations

import pytest

ADDRESSES = ["/api/v1/status", "/api/v1/checks", "/api/v1/events", "/api/openapi.json"]


@pytest.mark.parametrize("address", [*ADDRESSES, "/api/v1/checks/x", "/api/v1/checks/x/results"])
def test_private_dashboard__asks_for_a_sign_in(client, settings, db, address):
    settings.PUBLIC_DASHBOARD = False
    response = client.get(address)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_signed_in"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ADDRESSES)
def test_private_dashboard__lets_a_signed_in_reader_in(admin_client, settings, address):
    settings.PUBLIC_DASHBOARD = False
    assert admin_client.get(address).status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_public_dashboard__reads_no_session(client, db, address):
    response = client.get(address)
    assert response.status_code == 200
    assert "Cookie" not in response["Vary"]
    assert response["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_other_methods__are_refused_and_told_what_is_possible(client, db, method):
    response = getattr(client, method)("/api/v1/status")
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD")
    assert response.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("address", ["/api/v1/status", "/api/v1/checks"])
def test_format_that_we_do_not_have__is_406(client, db, address):
    response = client.get(address, headers={"Accept": "text/csv"})
    assert response.status_code == 406
    assert "application/json" in response.json()["error"]["message"]


def test_health_json__is_only_for_the_status(client, db):
    assert client.get("/api/v1/checks", headers={"Accept": "application/health+json"}).status_code == 406


@pytest.mark.parametrize(
    ("address", "where"),
    [("/api/v1/status?slug=a%00b", "query.slug"), ("/api/v1/checks/a%00b", "path")],
)
def test_nul_character__is_refused_whatever_the_database(client, db, address, where):
    response = client.get(address)
    assert response.status_code == 422
    assert response.json()["error"]["problems"][0]["where"] == where


@pytest.mark.parametrize("address", ["/api/", "/api/v1/", "/api/v2/status", "/api/v1/status/"])
def test_unknown_address__is_a_404_in_json(client, db, address):
    response = client.get(address)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_unforeseen_error__is_a_500_in_json_without_its_text(client, db, monkeypatch, caplog):
    def fail(**_):
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr("dashboard.api.status.status_report", fail)
    response = client.get("/api/v1/status")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert b"hunter2" not in response.content
    assert "hunter2" in caplog.text


def test_description__names_every_address_and_the_error(client, db):
    description = client.get("/api/openapi.json").json()
    assert set(description["paths"]) >= {
        "/api/v1/status",
        "/api/v1/checks",
        "/api/v1/checks/{slug}",
        "/api/v1/checks/{slug}/results",
        "/api/v1/events",
    }
    assert "ErrorDocument" in description["components"]["schemas"]


def test_docs_page__needs_nothing_from_elsewhere(client, db):
    response = client.get("/api/docs")
    page = response.content.decode()
    assert response.status_code == 200
    assert "//" not in page.replace("<!DOCTYPE", "").replace("http://testserver", "")
    policy = response["Content-Security-Policy"]
    assert "img-src 'self' data:" in policy
    assert "unsafe" not in policy


def test_docs_page__of_a_private_dashboard__leads_to_the_sign_in(client, settings, db):
    settings.PUBLIC_DASHBOARD = False
    assert client.get("/api/docs").status_code == 302
