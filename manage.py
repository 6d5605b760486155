#!/usr/bin/env python3
"""Breakwater's command line: `manage.py help` lists what it can do."""

import os
import sys


def main() -> str | None:
    """Run one command; a sentence in return says why none could be run."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError as missing:
        return (
            f"{missing.name} is not installed for {sys.executable}: "
            "run `make setup`, then use .venv/bin/python manage.py."
        )
    try:
        # Django would hide a wrong setting behind "Unknown command"; we want its sentence.
        import dashboard.settings  # noqa: F401
    except ImproperlyConfigured as wrong:
        return f"Breakwater cannot start: {wrong}"
    execute_from_command_line(sys.argv)
    return None


if __name__ == "__main__":
    sys.exit(main())
