"""Two writers at the same moment: one wins, the other is told, nothing is half done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.commands.configuration import ApplyConfiguration
from checks.commands.document import read_document
from checks.errors import BreakwaterError, Conflict
from checks.events import store
from checks.models import Check, CheckState

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 4


def at_once(work: Callable[[int], Any]) -> list[object]:
    """Run `work` in several threads at the same moment; give what each returned or raised."""
    barrier = Barrier(WRITERS)

    def one(number: int) -> object:
        barrier.wait(timeout=10)
        try:
            return work(number)
        except BreakwaterError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(one, range(WRITERS)))


def test_define__the_same_new_check_by_several__has_one_winner():
    def define(number: int) -> object:
        definition = {"url": f"http://a{number}.example.test"}
        command = DefineCheck(slug="api", definition=definition, source="admin", expected_version=0)
        return bus.handle(command, actor=SYSTEM)

    ended = at_once(define)
    assert sum(isinstance(item, Conflict) for item in ended) == WRITERS - 1
    assert Check.objects.get().version == 1
    assert CheckState.objects.count() == 1
    assert len(store.read_stream("check-api")) == 1


def test_define__changes_to_one_version_by_several__have_one_winner():
    bus.handle(DefineCheck(slug="api", definition={"url": "http://a"}, source="admin"), actor=SYSTEM)

    def change(number: int) -> object:
        definition = {"url": "http://a", "interval": 100 + number}
        command = DefineCheck(slug="api", definition=definition, source="admin", expected_version=1)
        return bus.handle(command, actor=SYSTEM)

    ended = at_once(change)
    assert sum(isinstance(item, Conflict) for item in ended) == WRITERS - 1
    assert Check.objects.get().version == 2


def test_apply__the_same_file_by_several__leaves_each_check_defined_once():
    text = "checks:\n" + "".join(f"  c{number}: {{url: http://a.example.test}}\n" for number in range(50))
    document = read_document("checks.yaml", text.encode())
    at_once(lambda _number: bus.handle(ApplyConfiguration(documents=[document]), actor=SYSTEM))
    assert Check.objects.count() == CheckState.objects.count() == 50
    assert [event.type for event in store.read_stream("check-c7")] == ["CheckDefined"]
    positions = [event.position for event in store.read_all()]
    assert positions == list(range(1, len(positions) + 1))
