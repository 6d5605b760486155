"""What is refused before anything is started: a busy port, a second instance."""

from __future__ import annotations

import multiprocessing
import os
import socket

import pytest

from dashboard.server import PortBusy, listen
from dashboard.single import AlreadyRunning, only_instance


def test_listen__port_in_use__names_it_and_the_setting():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortBusy, match=rf"Port {port} .* choose another port with PORT="):
            listen("127.0.0.1", port, "PORT")


def test_listen__an_address_of_another_machine__is_refused_with_its_reason():
    with pytest.raises(PortBusy, match=r"Cannot listen on 192\.0\.2\.1, port 8000"):
        listen("192.0.2.1", 8000, "PORT")


@pytest.mark.parametrize("host", ["localhost.invalid", "256.1.1.1"])
def test_listen__a_name_that_leads_nowhere__is_refused(host):
    with pytest.raises(PortBusy, match="Cannot listen on"):
        listen(host, 8000, "PORT")


def test_only_instance__held_already__names_the_holder(tmp_path):
    database = tmp_path / "breakwater.sqlite3"
    with (
        only_instance(database),
        pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*its own DATA_DIR"),
        only_instance(database),
    ):
        pytest.fail("two instances at once")


def test_only_instance__given_back__can_be_taken_again(tmp_path):
    for _ in range(2):
        with only_instance(tmp_path / "breakwater.sqlite3"):
            pass


def test_only_instance__holder_killed__can_be_taken_again(tmp_path):
    database = tmp_path / "breakwater.sqlite3"
    held = multiprocessing.get_context("spawn").Event()
    holder = multiprocessing.get_context("spawn").Process(target=hold, args=(database, held))
    holder.start()
    assert held.wait(20)
    holder.kill()
    holder.join()
    with only_instance(database):
        pass


def hold(database, held):
    with only_instance(database):
        held.set()
        multiprocessing.get_context("spawn").Event().wait()
