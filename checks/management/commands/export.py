from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from checks.commands.yaml_document import write
from checks.queries.export import Export, export
from checks.rules.definition import COMMON_KEYS


class Command(BaseCommand):
    help = "Write all checks and pages as a configuration file; checks defined in code stay in the code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--source", default="", help="only what belongs to it, such as file:checks.yaml or admin"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = export(options["source"])
        for line in heading(found):
            self.stdout.write(line)
        self.stdout.write(as_yaml(found), ending="")


def heading(found: Export) -> list[str]:
    """Comments that tell what the reader has to add."""
    if not found.withheld:
        return []
    return [
        "# These secrets are not written out. Set each in the environment before this file is applied:",
        *(f"#   {item.placeholder}: {item.key} of {item.slug}" for item in found.withheld),
    ]


def as_yaml(found: Export) -> str:
    document = {
        "checks": {slug: _ordered(definition) for slug, definition in found.checks.items()},
        "pages": found.pages,
    }
    return write({key: value for key, value in document.items() if value} or {"checks": {}})


def _ordered(definition: dict[str, Any]) -> dict[str, Any]:
    """What names the check first, then what its kind needs, then when and how it is judged."""
    first = COMMON_KEYS[: COMMON_KEYS.index("location")]
    last = COMMON_KEYS[COMMON_KEYS.index("location") :]
    own = [key for key in definition if key not in COMMON_KEYS]
    return {key: definition[key] for key in (*first, *own, *last) if key in definition}
