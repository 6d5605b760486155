"""
Runs pytest on PostgreSQL and Redis, not SQLite and memory: ``python -m tests.on_postgres tests/engine``.

The servers live as long as the run. Settings read the environment once, so they must stand before
Django is set up; a fixture would come too late.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests import servers


def main() -> int:
    with servers.postgres() as database_url, servers.redis() as broker_url:
        environment = {**os.environ, "DATABASE_URL": database_url, "BROKER_URL": broker_url}
        return subprocess.call([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment)


if __name__ == "__main__":
    sys.exit(main())
