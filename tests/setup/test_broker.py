"""The memory transport that is woken by arrival."""

from __future__ import annotations

import threading
import time

import pytest
from kombu import Connection, Queue

from dashboard.broker import Channel, Transport, wake


@pytest.fixture
def connection():
    Channel.queues = {}
    with Connection("memory://localhost/", transport=Transport) as connection:
        yield connection


def consume(connection, name, received):
    return connection.Consumer(
        Queue(name, routing_key=name), callbacks=[lambda body, _: received.append(body)], no_ack=True
    )


def test_drain_events__message_put_by_another_thread__is_delivered_at_once(connection):
    received = []
    sender = Connection("memory://localhost/", transport=Transport)
    with consume(connection, "one", received):
        timer = threading.Timer(0.05, lambda: sender.Producer().publish("look", routing_key="one"))
        timer.start()
        connection.drain_events(timeout=10)
    timer.join()
    sender.release()
    assert received == ["look"]


def test_drain_events__messages_that_wait_already__come_one_by_one(connection):
    received = []
    with consume(connection, "two", received):
        for number in range(3):
            connection.Producer().publish(number, routing_key="two")
        for _ in range(3):
            connection.drain_events(timeout=1)
    assert received == [0, 1, 2]


def test_drain_events__nothing_comes__ends_at_its_timeout(connection):
    with consume(connection, "three", []), pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.02)


def test_wake__ends_the_waiting(connection):
    began = time.monotonic()
    timer = threading.Timer(0.05, wake)
    timer.start()
    with consume(connection, "four", []), pytest.raises(TimeoutError):
        connection.drain_events(timeout=60)
    timer.join()
    assert time.monotonic() - began < 30
