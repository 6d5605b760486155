from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from checks import bus
from checks.commands import gatus
from checks.commands.actor import Actor
from checks.commands.configuration import ApplyConfiguration
from checks.commands.document import document_from, source_of
from checks.commands.plan import Plan
from checks.errors import Conflict, InvalidInput
from checks.management.files import read_file
from checks.management.shown import Progress, left_over, plan_lines, refusal, remarks, summary

CONVERTERS = {"gatus": gatus.convert}


class Command(BaseCommand):
    help = "Take over checks from another monitor's configuration file, and tell what could not be taken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="such as config.yaml")
        parser.add_argument(
            "--from", required=True, dest="monitor", choices=sorted(CONVERTERS), help="whose file it is"
        )
        parser.add_argument("--plan", action="store_true", help="show what would change, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        file: str = options["file"]
        try:
            found = read_file(file)
            converted = CONVERTERS[options["monitor"]](file, found.content)
            command = ApplyConfiguration(
                documents=[document_from(file, converted.root, open_to_all=found.open_to_all)],
                plan=options["plan"],
                progress=Progress(self.stderr),
            )
            plan: Plan = bus.handle(command, actor=Actor(source_of(file), "file"))
        except InvalidInput as error:
            raise CommandError(refusal(error)) from error
        except Conflict as error:
            raise CommandError(str(error)) from error
        for loss in converted.lost:
            self.stderr.write(str(loss), self.style.WARNING)
        for line in remarks(plan.warnings, "warning: "):
            self.stderr.write(line, self.style.WARNING)
        if options["plan"] or options["verbosity"] > 1:
            for line in plan_lines(plan):
                self.stdout.write(line)
        if remark := left_over(plan):
            self.stdout.write(remark)
        lost = len(converted.lost)
        noted = (
            f" {lost} thing{'s' if lost > 1 else ''} could not be carried over; see above." if lost else ""
        )
        self.stdout.write(summary(plan) + noted)
