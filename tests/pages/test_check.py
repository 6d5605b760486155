"""`/checks/<slug>/` tells all about one check, and acts for those who are signed in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.models import Check, CheckState, Event

PAGE = "/checks/checkout-api/"


@pytest.mark.usefixtures("filled")
def test_check_page__a_failing_check__shows_what_its_conditions_saw(client: Client, text_of) -> None:
    content = client.get(PAGE).content
    assert "not met: [STATUS] (503) == 200" in text_of(content)
    assert "Up → Down" in text_of(content)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("chosen", ["1h", "24h", "7d", "30d", "nonsense"])
def test_check_page__every_range__is_drawn(client: Client, chosen: str) -> None:
    content = client.get(f"{PAGE}?range={chosen}").content.decode()
    assert 'class="line p50"' in content
    assert '<rect class="first_byte"' in content


@pytest.mark.django_db
def test_check_page__a_check_without_results__is_shown(client: Client, text_of) -> None:
    definition = {"kind": "tcp", "host": "127.0.0.1", "port": 9}
    bus.handle(DefineCheck(slug="new", definition=definition, source="admin"), actor=SYSTEM)
    text = text_of(client.get("/checks/new/").content)
    assert "not run yet" in text
    assert "No result is stored yet." in text


@pytest.mark.django_db
def test_check_page__secrets_in_the_definition__are_masked(client: Client) -> None:
    definition = {
        "url": "https://example.org/?token=open-sesame",
        "headers": {"Authorization": "Bearer open-sesame"},
    }
    bus.handle(DefineCheck(slug="secret", definition=definition, source="admin"), actor=SYSTEM)
    for path in ("/", "/checks/secret/", "/events/"):
        assert "open-sesame" not in client.get(path).content.decode()


@pytest.mark.django_db
def test_check_page__no_such_check__is_not_found(client: Client) -> None:
    response = client.get("/checks/nothing/")
    assert response.status_code == 404
    assert "Nothing is found at this address" in response.content.decode()
    assert client.get("/badge/nothing/status.svg").status_code == 404


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(("target", "shown"), [("now", "tiles"), ("history", 'class="line p50"')])
def test_check_page__asked_by_htmx__answers_with_that_part(client: Client, target: str, shown: str) -> None:
    content = client.get(PAGE, headers={"HX-Request": "true", "HX-Target": target}).content.decode()
    assert f'<div id="{target}"' in content
    assert shown in content
    assert "<html" not in content


@pytest.mark.usefixtures("filled")
def test_act__not_signed_in__changes_nothing_and_says_so(client: Client, text_of) -> None:
    response = client.post(f"{PAGE}pause", follow=True)
    assert "Sign in to act" in text_of(response.content)
    assert not CheckState.objects.get(check_ref__slug="checkout-api").paused


@pytest.mark.usefixtures("filled")
def test_act__signed_in_but_not_staff__changes_nothing(client: Client) -> None:
    client.force_login(User.objects.create_user("guest"))
    client.post(f"{PAGE}pause")
    assert not CheckState.objects.get(check_ref__slug="checkout-api").paused


@pytest.mark.usefixtures("filled")
def test_act__pause_and_resume__are_recorded_with_who_asked(operator: Client, text_of) -> None:
    assert "Paused." in text_of(operator.post(f"{PAGE}pause", follow=True).content)
    assert CheckState.objects.get(check_ref__slug="checkout-api").paused
    assert Event.objects.get(type="CheckPaused").metadata["actor"] == "anna"
    assert "Resumed." in text_of(operator.post(f"{PAGE}resume", follow=True).content)
    assert not CheckState.objects.get(check_ref__slug="checkout-api").paused


@pytest.mark.usefixtures("filled")
def test_act__run_now__is_asked_for(operator: Client, text_of) -> None:
    assert "Asked for" in text_of(operator.post(f"{PAGE}run", follow=True).content)
    assert Event.objects.filter(type="CheckRunRequested").count() == 1


@pytest.mark.usefixtures("filled")
def test_act__run_a_paused_check__is_refused_in_words(operator: Client, text_of) -> None:
    response = operator.post("/checks/images/run", follow=True)
    assert response.status_code == 200
    assert "paused" in text_of(response.content)
    assert not Event.objects.filter(type="CheckRunRequested").exists()


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("path", [f"{PAGE}explode", "/checks/nothing/pause"])
def test_act__unknown_act_or_check__is_not_found(operator: Client, path: str) -> None:
    assert operator.post(path).status_code == 404


@pytest.mark.usefixtures("filled")
def test_act__without_csrf_token__is_refused(settings) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(User.objects.create_user("anna", is_staff=True))
    assert careful.post(f"{PAGE}pause").status_code == 403


@pytest.mark.usefixtures("filled")
def test_events_page__filtered_by_topic_and_stream__shows_those_only(client: Client, text_of) -> None:
    changes = text_of(client.get("/events/?topic=status").content)
    assert "Up → Down" in changes
    assert "Defined" not in changes
    one = text_of(client.get("/events/?stream=check-images").content)
    assert "images" in one
    assert "storefront" not in one


@pytest.mark.usefixtures("filled")
def test_check_page__after_a_change__names_source_actor_and_version(client: Client, text_of) -> None:
    check = Check.objects.get(slug="checkout-api")
    text = text_of(client.get(PAGE).content)
    assert f"from {check.source}, set by {check.set_by}, version {check.version}" in text
