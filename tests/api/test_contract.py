"""The API keeps to its own description, whatever is asked."""

from __future__ import annotations

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import NOON

# A 500 is described nowhere, so it would not conform either.
CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def description(make_check, make_result, beat):
    make_result(make_check("api", group="web", definition={"tags": ["eu"]}), NOON)
    make_check("gone", status="down")
    # As Django's own test client does: the end of a request must not close the test's connection.
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/status",
        "/api/v1/checks",
        "/api/v1/checks/{slug}",
        "/api/v1/checks/{slug}/results",
        "/api/v1/checks/{slug}/uptime",
        "/api/v1/events",
    ],
)
def test_answers__are_as_described(description, address):
    operation = description[address]["GET"]

    @given(case=operation.as_strategy())
    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        if "slug" in case.path_parameters and len(case.path_parameters["slug"]) % 2:
            case.path_parameters["slug"] = "api"  # half of them about a check that exists
        case.call_and_validate(checks=CHECKS)

    ask()
