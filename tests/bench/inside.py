"""
Ask a module of the bench that needs Breakwater's own process: ``python -m tests.bench.inside MODULE …``.

The module's `main` gets the other arguments; what it returns is printed as JSON. A process of its own
keeps the bench itself free of Django, and each question free of what the one before has warmed up.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import django

from tests.bench.processes import run

SETTINGS = "dashboard.settings"


def ask(module: str, *arguments: str, environment: Mapping[str, str]) -> Any:
    """Raises Broken when the module fails."""
    command = [sys.executable, "-m", "tests.bench.inside", module, *arguments]
    return json.loads(run(command, environment=environment).splitlines()[-1])


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    django.setup()
    module, *arguments = sys.argv[1:]
    print(json.dumps(import_module(f"tests.bench.{module}").main(*arguments)))


if __name__ == "__main__":
    main()
