"""Status pages and the event log in the admin."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from checks import bus
from checks.commands.actor import Actor
from checks.commands.pages import DefineStatusPage
from checks.events import store
from checks.models import Event, StatusPage

ADD = "/admin/checks/statuspage/add/"
TEXT = "Payments:\napi\n\nAll else:\ngroup: Web\n"
SECTIONS = [{"title": "Payments", "checks": ["api"]}, {"title": "All else", "group": "Web"}]


def change_url():
    return reverse("admin:checks_statuspage_change", args=(StatusPage.objects.get().pk,))


def errors_of(response):
    return response.context["adminform"].form.errors


def types():
    return [event.type for event in store.read_stream("page-public")]


@pytest.fixture
def page(define):
    define("api", group="Web")
    definition = {"title": "Our services", "sections": SECTIONS}
    bus.handle(
        DefineStatusPage(slug="public", definition=definition, source="admin"), actor=Actor("anna", "person")
    )
    return StatusPage.objects.get()


def test_add__defines_the_page_by_a_command(admin_client, define, commands):
    define("api")
    commands.clear()
    response = admin_client.post(
        ADD, {"slug": "public", "title": "Our services", "sections": TEXT, "version": "0"}
    )
    assert response.status_code == 302, errors_of(response)
    [(command, actor)] = commands
    assert command == DefineStatusPage(
        slug="public",
        definition={"title": "Our services", "sections": SECTIONS},
        source="admin",
        expected_version=0,
    )
    assert actor.name == "admin"
    assert types() == ["PageDefined"]


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"sections": "Payments:\nnobody"}, "sections"),
        ({"sections": "Payments:\napi\ngroup: Web"}, "sections"),
        ({"title": ""}, "title"),
        ({"slug": "Not a slug"}, "__all__"),
    ],
)
def test_add__refused__says_so_at_the_field(admin_client, define, written, field):
    define("api")
    sent = {"slug": "public", "title": "Our services", "sections": TEXT, "version": "0"} | written
    assert field in errors_of(admin_client.post(ADD, sent))
    assert not StatusPage.objects.exists()


def test_change__shows_the_sections_as_they_are_written_and_saves_them_unchanged(admin_client, page):
    form = admin_client.get(change_url()).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields}
    assert admin_client.post(change_url(), sent).status_code == 302
    assert StatusPage.objects.get().sections == SECTIONS
    assert types() == ["PageDefined"]
    admin_client.post(change_url(), sent | {"title": "Renamed"})
    assert StatusPage.objects.get().title == "Renamed"
    assert types() == ["PageDefined", "PageChanged"]


def test_delete__removes_by_a_command(admin_client, page):
    admin_client.post(change_url().replace("change", "delete"), {"post": "yes"})
    assert not StatusPage.objects.exists()
    assert types() == ["PageDefined", "PageRemoved"]


def test_page_from_a_file__can_only_be_read(admin_client, page):
    StatusPage.objects.update(source="file:checks.yaml")
    assert "file:checks.yaml" in admin_client.get(change_url()).content.decode()
    assert admin_client.post(change_url(), {"title": "Mine"}).status_code == 403


def test_history__is_the_stream(admin_client, page):
    shown = admin_client.get(change_url().replace("change", "history")).content.decode()
    assert "PageDefined" in shown
    assert "anna" in shown


def test_events__are_listed_newest_first_and_can_be_read(admin_client, page):
    shown = admin_client.get("/admin/checks/event/").context["cl"].result_list
    assert [event.type for event in shown] == ["PageDefined", "CheckDefined"]
    one = admin_client.get("/admin/checks/event/1/change/").content.decode()
    assert "https://example.org/" in one
    assert "anna" in one


@pytest.mark.parametrize("address", ["add/", "1/delete/"])
def test_events__cannot_be_added_or_removed(admin_client, page, address):
    assert admin_client.get(f"/admin/checks/event/{address}").status_code == 403
    assert admin_client.post(f"/admin/checks/event/{address}", {"post": "yes"}).status_code == 403


def test_events__cannot_be_changed(admin_client, page):
    assert admin_client.post("/admin/checks/event/1/change/", {"type": "Forged"}).status_code == 403
    assert Event.objects.get(position=1).type == "CheckDefined"


def test_index__offers_nothing_of_beats(admin_client):
    shown = admin_client.get("/admin/").content.decode()
    assert "celery" not in shown.lower()
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_celery_beat"]


@pytest.mark.parametrize(
    "address",
    [
        "/admin/",
        "/admin/checks/",
        "/admin/checks/check/",
        "/admin/checks/check/add/",
        "/admin/checks/check/add/?kind=http",
        "/admin/checks/statuspage/add/",
        "/admin/checks/event/",
    ],
)
def test_every_page__has_no_inline_script_or_style(admin_client, page, address):
    shown = admin_client.get(address).content.decode()
    assert "admin-breakwater.css" in shown
    assert "<style" not in shown
    assert " style=" not in shown
    assert " onclick=" not in shown
    assert "<script>" not in shown
