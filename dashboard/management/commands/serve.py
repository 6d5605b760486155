from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from checks.errors import BreakwaterError
from dashboard.serve import serve


class Command(BaseCommand):
    help = "Run web, worker and beat in this one process, until Ctrl-C or SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = serve(self.say)
        except BreakwaterError as refusal:
            self.stderr.write(str(refusal))
            code = 1
        except KeyboardInterrupt:
            self.say("stop", "interrupted while starting")
            code = 130  # as shells report Ctrl-C
        raise SystemExit(code)

    def say(self, topic: str, sentence: str) -> None:
        self.stdout.write(f"{topic:>9}  {sentence}")
        self.stdout.flush()
