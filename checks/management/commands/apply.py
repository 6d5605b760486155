from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from checks import bus
from checks.commands.actor import Actor
from checks.commands.configuration import ApplyConfiguration, SyncRegistered
from checks.commands.document import Document, read_document, source_of
from checks.commands.plan import Plan
from checks.errors import Conflict, InvalidInput, Problem
from checks.management.files import read_file
from checks.management.shown import Progress, left_over, plan_lines, refusal, remarks, summary


class Command(BaseCommand):
    help = "Make checks and pages what configuration files say: all of it, or nothing if anything is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", help="such as checks.yaml")
        parser.add_argument("--plan", action="store_true", help="show what would change, and change nothing")
        parser.add_argument(
            "--prune",
            action="store_true",
            help="also remove what these files defined before and no longer do",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[str] = options["files"]
        command = ApplyConfiguration(
            documents=self._documents(files),
            prune=options["prune"],
            plan=options["plan"],
            progress=Progress(self.stderr),
        )
        try:
            if not options["plan"]:
                bus.handle(SyncRegistered(), actor=Actor("code", "code"))
            plan: Plan = bus.handle(
                command, actor=Actor(", ".join(source_of(file) for file in files), "file")
            )
        except InvalidInput as error:
            raise CommandError(refusal(error)) from error
        except Conflict as error:
            raise CommandError(str(error)) from error
        for line in remarks(plan.warnings, "warning: "):
            self.stderr.write(line, self.style.WARNING)
        if options["plan"] or options["verbosity"] > 1:
            for line in plan_lines(plan):
                self.stdout.write(line)
        if remark := left_over(plan):
            self.stdout.write(remark)
        self.stdout.write(summary(plan))

    def _documents(self, files: list[str]) -> list[Document]:
        documents: list[Document] = []
        problems: list[Problem] = []
        for file in files:
            try:
                found = read_file(file)
                documents.append(read_document(file, found.content, open_to_all=found.open_to_all))
            except InvalidInput as error:
                problems += error.problems
        if problems:
            raise CommandError(refusal(InvalidInput(problems)))
        return documents
