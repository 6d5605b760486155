from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from checks.errors import InvalidInput
from checks.models import Check
from checks.queries.workers import worker_signs
from checks.rules.outcome import ConditionResult, Verdict
from checks.runner.outbound import egress
from checks.runner.prepared import Prepared, prepare
from checks.runner.probe import Observed, Surroundings, run_probe
from checks.runner.registered import RegisteredRunner

EXIT_CODES = {Verdict.UP: 0, Verdict.DEGRADED: 1, Verdict.DOWN: 2}
EXIT_UNKNOWN = 3
"""As monitoring plugins have it: also for what lays no blame on the target."""


class Command(BaseCommand):
    help = "Probe one check now, in this process, and explain what was seen; nothing is recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        check = Check.objects.filter(slug=options["slug"]).first()
        if check is None:
            raise CommandError(f"There is no check {options['slug']!r}.", returncode=EXIT_UNKNOWN)
        try:
            prepared = prepare(check.slug, check.definition, environ=os.environ)
        except InvalidInput as error:
            raise CommandError(f"{check.slug} cannot be run:\n{error}", returncode=EXIT_UNKNOWN) from error
        observed = probe(prepared)
        for line in lines(prepared, observed):
            self.stdout.write(line)
        raise SystemExit(EXIT_CODES.get(observed.outcome.verdict, EXIT_UNKNOWN))


def probe(prepared: Prepared) -> Observed:
    """One probe on a loop of its own."""
    registered = RegisteredRunner()
    surroundings = Surroundings(egress=egress(), run_registered=registered.run, worker_signs=_signs)
    try:
        return asyncio.run(run_probe(prepared, surroundings))
    finally:
        registered.stop()


def lines(prepared: Prepared, observed: Observed) -> Iterator[str]:
    """The outcome as a person reads it: the verdict first, then where the time went, then why."""
    outcome, definition = observed.outcome, prepared.definition
    yield f"{definition.slug}  {definition.kind}  {prepared.kind.target()}".rstrip()
    yield f"{outcome.verdict}: {outcome.output}".rstrip(": ")
    took = "no answer" if observed.latency_ms is None else f"{observed.latency_ms:.1f} ms"
    yield f"{took}, {observed.attempts} attempt{'s' if observed.attempts > 1 else ''}"
    if outcome.phases_ms:
        yield ""
        yield "phases"
        width = max(len(name) for name in outcome.phases_ms)
        for name, spent_ms in outcome.phases_ms.items():
            yield f"  {name:<{width}}  {spent_ms:9.1f} ms"
    if outcome.conditions:
        yield ""
        yield "conditions"
        yield from map(_condition, outcome.conditions)


def _condition(result: ConditionResult) -> str:
    mark = "met    " if result.met else "not met"
    weak = "  (degrades only)" if result.degrades_only else ""
    return f"  {mark}  {result.explained}{weak}"


async def _signs() -> Mapping[str, datetime]:
    return await asyncio.to_thread(worker_signs)
