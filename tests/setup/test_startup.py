"""Start-up checks: what is refused, and the mend that is named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard import startup


def found(check, settings, **values):
    for name, value in values.items():
        setattr(settings, name, value)
    return {message.id: f"{message.msg} {message.hint}" for message in check()}


@pytest.mark.parametrize("locations", [["default"], ["default", "eu-west.1"]])
def test_locations__names__are_taken(settings, locations):
    assert found(startup.locations_are_names, settings, LOCATIONS=locations) == {}


@pytest.mark.parametrize("locations", [["EU"], ["a b"], ["default", "default"], ["-x"]])
def test_locations__no_name_or_twice__is_refused(settings, locations):
    assert "breakwater.E001" in found(startup.locations_are_names, settings, LOCATIONS=locations)


def test_egress__unreadable_entry__names_the_setting(settings):
    messages = found(startup.egress_can_be_read, settings, EGRESS_ALLOW=["10.0.0.0/99"])
    assert "EGRESS_ALLOW" in messages["breakwater.E002"]


def test_retention__days_kept_shorter_than_hours__is_refused(settings):
    messages = found(
        startup.retention_grows_with_the_step,
        settings,
        HOUR_RETENTION=timedelta(days=40),
        DAY_RETENTION=timedelta(days=30),
    )
    assert "DAY_RETENTION_DAYS=30" in messages["breakwater.E003"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_network__loopback__may_be_public_and_debugged(settings, host):
    assert found(startup.open_to_the_network, settings, HOST=host, PUBLIC_DASHBOARD=True, DEBUG=True) == {}


def test_network__public_and_reachable__is_a_warning_and_debug_an_error(settings):
    messages = found(startup.open_to_the_network, settings, HOST="0.0.0.0", PUBLIC_DASHBOARD=True, DEBUG=True)
    assert set(messages) == {"breakwater.E004", "breakwater.W001"}
