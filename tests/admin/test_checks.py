"""Checks in the admin: forms from the kind's fields, changes through commands."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from checks import bus
from checks.commands.checks import DefineCheck, PauseCheck, RemoveCheck, ResumeCheck, RunCheckNow
from checks.events import store
from checks.kinds.base import KINDS
from checks.models import Check, CheckState
from checks.queries.secrets import MASK

ADD = "/admin/checks/check/add/"
LIST = "/admin/checks/check/"


def change_url(slug):
    return reverse("admin:checks_check_change", args=(Check.objects.get(slug=slug).pk,))


def fields_of(client, url):
    """What a browser would send if nobody touched the form."""
    form = client.get(url).context["adminform"].form
    return {
        name: form[name].value()
        for name in form.fields
        if (value := form[name].value()) is not None and value is not False and value != ""
    }


def errors_of(response):
    return response.context["adminform"].form.errors


def save(client, address, /, **changes):
    """Send the form with some fields written anew; None empties one."""
    sent = fields_of(client, address) | changes
    return client.post(address, {name: value for name, value in sent.items() if value is not None})


def types_of(slug):
    return [event.type for event in store.read_stream(f"check-{slug}")]


def test_add__first_asks_for_the_kind(admin_client):
    page = admin_client.get(ADD).content.decode()
    for kind in KINDS:
        assert f"?kind={kind}" in page


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_add__has_a_field_for_each_setting_of_each_kind(admin_client, kind):
    response = admin_client.get(f"{ADD}?kind={kind}")
    form = response.context["adminform"].form
    assert {field.name for field in fields(KINDS[kind])} <= set(form.fields)
    shown = {name for _title, options in form.fieldsets() for name in options["fields"]}
    assert shown == set(form.fields)


def test_add__defines_the_check_by_a_command_and_leaves_an_event(admin_client, commands):
    response = save(
        admin_client,
        f"{ADD}?kind=http",
        slug="shop",
        name="The shop",
        url="https://shop.example.org/health",
        headers="Accept: application/json\nX-From: breakwater",
        expected_status="200\n2xx",
        interval="30",
        conditions="[STATUS] == 200\n[RESPONSE_TIME] < 800",
        tags="web\npublic",
    )
    assert response.status_code == 302, errors_of(response)
    [(command, actor)] = commands
    assert command == DefineCheck(
        slug="shop",
        definition={
            "kind": "http",
            "name": "The shop",
            "url": "https://shop.example.org/health",
            "headers": {"Accept": "application/json", "X-From": "breakwater"},
            "expected_status": [200, "2xx"],
            "interval": 30,
            "conditions": ["[STATUS] == 200", "[RESPONSE_TIME] < 800"],
            "tags": ["web", "public"],
        },
        source="admin",
        expected_version=0,
    )
    assert (actor.name, actor.kind) == ("admin", "person")
    assert types_of("shop") == ["CheckDefined"]
    assert Check.objects.get().source == "admin"


def test_face__writes_nothing_itself(admin_client, define, monkeypatch):
    """With a bus that does nothing, saving, deleting and acting leave every row as it was."""
    define("api")
    before = (Check.objects.values().get(), CheckState.objects.values().get(), store.head())
    asked = []
    monkeypatch.setattr(bus, "handle", lambda command, *, actor: asked.append(type(command)))
    url = change_url("api")
    save(admin_client, url, name="New name")
    admin_client.post(url.replace("change", "delete"), {"post": "yes"})
    pk = Check.objects.get().pk
    for action in ("pause", "resume", "run_now"):
        admin_client.post(LIST, {"action": action, "_selected_action": [pk]})
    assert asked == [DefineCheck, RemoveCheck, PauseCheck, ResumeCheck, RunCheckNow]
    assert before == (Check.objects.values().get(), CheckState.objects.values().get(), store.head())
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"url": "ftp://example.org"}, "url"),
        ({"url": None}, "url"),
        ({"slug": "Not a slug"}, "__all__"),
        ({"interval": "soon"}, "interval"),
        ({"interval": "5", "timeout": "9"}, "timeout"),
        ({"cron": "0 3 * * *", "interval": "30"}, "interval"),
        ({"conditions": "[STATUS] == "}, "conditions"),
        ({"headers": "no colon here"}, "headers"),
        ({"depends_on": "nobody"}, "depends_on"),
        ({"timezone": "Mars/Olympus", "cron": "0 3 * * *"}, "timezone"),
    ],
)
def test_add__refused__says_so_at_the_field(admin_client, written, field):
    response = save(
        admin_client, f"{ADD}?kind=http", **{"slug": "api", "url": "https://example.org/"} | written
    )
    assert response.status_code == 200
    assert field in errors_of(response)
    assert not Check.objects.exists()


def test_add__of_a_slug_that_is_taken__is_refused(admin_client, define):
    define("api", name="The first")
    response = save(admin_client, f"{ADD}?kind=http", slug="api", url="https://example.com/")
    assert errors_of(response)
    assert Check.objects.get().name == "The first"


def test_change__saved_untouched__changes_nothing(admin_client, define):
    define(
        "api",
        headers={"Accept": "text/html"},
        interval=30,
        timeout=2.5,
        retries=1,
        tags=["a", "b"],
        follow_redirects=False,
        method="POST",
        body="line 1\nline 2",
        conditions=["[STATUS] == 200"],
        degraded_latency_ms=500,
        description="Two\nlines",
    )
    before = Check.objects.get()
    response = save(admin_client, change_url("api"))
    assert response.status_code == 302, errors_of(response)
    after = Check.objects.get()
    assert (after.definition, after.version) == (before.definition, before.version)
    assert types_of("api") == ["CheckDefined"]


def test_change__is_recorded_with_who_did_it(admin_client, define):
    define("api")
    save(admin_client, change_url("api"), name="Renamed", interval="15")
    check = Check.objects.get()
    assert (check.name, check.definition["interval"], check.set_by) == ("Renamed", 15, "admin")
    assert types_of("api") == ["CheckDefined", "CheckChanged"]


def test_change__of_a_page_that_has_grown_old__is_refused(admin_client, define):
    define("api")
    url = change_url("api")
    old = fields_of(admin_client, url)
    define("api", name="Someone else's")
    response = admin_client.post(url, old | {"name": "Mine"})
    assert "has changed since it was read" in str(errors_of(response))
    assert Check.objects.get().name == "Someone else's"


def test_secret__is_never_shown_and_stays_when_left_empty(admin_client, define):
    define("api", username="anna", password="hunter2")
    url = change_url("api")
    assert "hunter2" not in admin_client.get(url).content.decode()
    save(admin_client, url, name="Renamed")
    definition = Check.objects.get().definition
    assert (definition["name"], definition["password"]) == ("Renamed", "hunter2")


def test_secret__can_be_replaced_and_removed(admin_client, define):
    define("api", username="anna", password="hunter2")
    url = change_url("api")
    save(admin_client, url, password="correct horse")
    assert Check.objects.get().definition["password"] == "correct horse"
    save(admin_client, url, remove_password="on")
    assert "password" not in Check.objects.get().definition


def test_secret__in_a_header__shows_its_mask_and_stays(admin_client, define):
    define("api", headers={"Authorization": "Bearer hunter2", "Accept": "text/html"})
    url = change_url("api")
    assert "hunter2" not in admin_client.get(url).content.decode()
    save(admin_client, url, headers=f"Authorization: {MASK}\nAccept: application/json")
    assert Check.objects.get().definition["headers"] == {
        "Authorization": "Bearer hunter2",
        "Accept": "application/json",
    }


def test_mask__where_nothing_is_stored__is_refused(admin_client, define):
    define("api")
    response = save(admin_client, change_url("api"), headers=f"Authorization: {MASK}")
    assert "headers" in errors_of(response)


def test_placeholder__is_shown_as_it_stands(admin_client, define, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hunter2")
    define("api", bearer="${API_TOKEN}")
    page = admin_client.get(change_url("api")).content.decode()
    assert "${API_TOKEN}" in page
    assert "hunter2" not in page


def test_check_from_a_file__can_be_read_but_not_changed_or_removed(admin_client, define, commands):
    define("api", source="file:checks.yaml")
    url = change_url("api")
    response = admin_client.get(url)
    assert "file:checks.yaml" in response.content.decode()
    assert all(field.disabled for field in response.context["adminform"].form.fields.values())
    assert admin_client.post(url, {"name": "Mine"}).status_code == 403
    assert admin_client.post(url.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert Check.objects.exists()


def test_delete__removes_by_a_command(admin_client, define):
    define("api")
    url = change_url("api").replace("change", "delete")
    assert "Api" not in admin_client.get(url).content.decode()
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    assert not Check.objects.exists()
    assert types_of("api") == ["CheckDefined", "CheckRemoved"]


def test_delete__of_a_check_that_others_need__says_which(admin_client, define):
    define("db")
    define("api", depends_on=["db"])
    response = admin_client.post(change_url("db").replace("change", "delete"), {"post": "yes"}, follow=True)
    assert "depend on it: api" in response.content.decode()
    assert Check.objects.filter(slug="db").exists()


def test_actions__pause_resume_and_run_several(admin_client, define):
    define("a")
    define("b", source="file:checks.yaml")
    keys = list(Check.objects.values_list("pk", flat=True))
    admin_client.post(LIST, {"action": "pause", "_selected_action": keys})
    assert CheckState.objects.filter(paused=True).count() == 2
    response = admin_client.post(LIST, {"action": "pause", "_selected_action": keys}, follow=True)
    assert "is paused already" in response.content.decode()
    admin_client.post(LIST, {"action": "resume", "_selected_action": keys})
    admin_client.post(LIST, {"action": "run_now", "_selected_action": keys})
    assert types_of("b") == ["CheckDefined", "CheckPaused", "CheckResumed", "CheckRunRequested"]


def test_list__tells_status_in_words_and_filters_by_it(admin_client, define):
    define("fine")
    define("gone")
    CheckState.objects.filter(check_ref__slug="gone").update(status="down")
    page = admin_client.get(LIST).content.decode()
    assert re.search(r'class="bw-status bw-down">Down<', page)
    only = admin_client.get(f"{LIST}?status=down").context["cl"].result_list
    assert [check.slug for check in only] == ["gone"]
    assert "delete_selected" not in page


def test_history__is_the_stream(admin_client, define):
    define("api")
    save(admin_client, change_url("api"), interval="15")
    page = admin_client.get(change_url("api").replace("change", "history")).content.decode()
    assert page.index("CheckChanged") < page.index("CheckDefined")
    assert "interval" in page
    assert "anna" in page


def test_reader__without_the_right_to_change__cannot(client, define, db):
    define("api")
    reader = User.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_check"))
    client.force_login(reader)
    url = change_url("api")
    assert client.get(url).status_code == 200
    assert client.post(url, {"name": "Mine"}).status_code == 403
    assert client.get(f"{ADD}?kind=http").status_code == 403
    pk = Check.objects.get().pk
    client.post(LIST, {"action": "pause", "_selected_action": [pk]})
    assert not CheckState.objects.get().paused


def test_check_that_is_gone__leads_back(admin_client, db):
    assert admin_client.get(f"{LIST}999/change/").status_code == 302
