"""
Applying whole configurations: every document is valid, or nothing is changed.

The work goes in three steps. `_wanted` judges each definition by itself, outside any transaction.
`Draft` compares them with what is there and judges them together. Then everything is written in
one transaction, in bulk: a thousand checks cost a few statements, not a few thousand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.utils.text import slugify

from checks.commands import checks, pages
from checks.commands.actor import Actor
from checks.commands.document import Document, FileProblem
from checks.commands.draft import Draft, Progress, Wanted, judged
from checks.commands.plan import Plan, counts
from checks.commands.yaml_document import Node
from checks.errors import Conflict, InvalidInput
from checks.events import store
from checks.kinds.masking import literal_secrets
from checks.kinds.python import REGISTERED
from checks.models import Check, CheckState, StatusPage, bulk
from checks.models.clock import database_now

STREAM = "configuration"
DEADLOCK = "40P01"
"""PostgreSQL's code for having chosen one of two transactions that waited for each other."""


def silent(_step: str, _done: int, _total: int) -> None:
    """Nobody is watching."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyConfiguration:
    """
    Make checks and pages what the documents say.

    Attributes:
        prune: Also remove what these sources defined before and do not define any more.
        plan: Only say what would be done.
    """

    documents: Sequence[Document]
    prune: bool = False
    plan: bool = False
    progress: Progress = field(default=silent, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRegistered:
    """Make the checks with source ``code`` those that are registered in this process."""


def apply_configuration(command: ApplyConfiguration, actor: Actor) -> Plan:
    """
    Return what was done, or with `plan` what would be.

    Raises:
        InvalidInput: With `FileProblem`s; nothing has been changed.
        Conflict: Someone created one of the checks in the meantime; nothing has been changed.
    """
    wanted = judged(command.documents, command.progress)
    try:
        with transaction.atomic():
            draft = Draft(wanted, [document.source for document in command.documents], prune=command.prune)
            if draft.problems:
                raise InvalidInput(draft.problems)
            if not command.plan:
                command.progress("writing", 0, len(draft.changes))
                _write(draft, actor)
                command.progress("writing", len(draft.changes), len(draft.changes))
    except IntegrityError as error:
        raise Conflict("Someone else created one of these checks just now; apply again.") from error
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") != DEADLOCK:
            raise
        raise Conflict("Workers were busy with many of the same checks; apply again.") from error
    return Plan(
        changes=tuple(draft.changes),
        unchanged=draft.unchanged,
        left_over=() if command.prune else tuple(sorted(draft.left_over)),
        warnings=tuple(_warnings(wanted)),
        applied=not command.plan,
    )


def sync_registered(command: SyncRegistered, actor: Actor) -> Plan:
    """
    Raises:
        InvalidInput: A registered check is not valid, or its slug belongs to another source.
    """
    definitions = {slugify(item.name): Node.of(item.definition) for item in REGISTERED.values()}
    document = Document(source=checks.CODE, checks=definitions)
    return apply_configuration(ApplyConfiguration(documents=[document], prune=True), actor)


def _warnings(wanted: Wanted) -> list[FileProblem]:
    return [
        item.problem(path, f"a secret in clear, and everybody may read {item.document.file}: use ${{NAME}}")
        for item in wanted.checks.values()
        if item.document.open_to_all
        for path in literal_secrets(item.prepared.definition.public())
    ]


def _write(draft: Draft, actor: Actor) -> None:
    if not draft.changes:
        return
    # Rows before the log, as where results are recorded: the other way round is a deadlock.
    touched = [check.pk for check in (*(check for check, _ in draft.changed_checks), *draft.gone_checks)]
    states = CheckState.objects.select_for_update().order_by("pk").in_bulk(touched)
    now = database_now()
    appends: list[store.Append] = []
    created = []
    for wanted in draft.new_checks:
        check, state = checks.new_rows(wanted.prepared, wanted.document.source, actor, now)
        created.append((check, state))
        appends.append(store.Append(checks.stream_of(check.slug), [checks.defined_event(check)]))
    before = {check.pk: check.definition for check, _ in draft.changed_checks}
    for check, wanted in draft.changed_checks:
        checks.fill(check, wanted.prepared, actor, now)
        appends.append(
            store.Append(checks.stream_of(check.slug), [checks.changed_event(check, before[check.pk])])
        )
    appends += (
        store.Append(checks.stream_of(check.slug), [checks.removed_event(check)])
        for check in draft.gone_checks
    )
    written_pages = _fill_pages(draft, actor, now, appends)
    applied = store.NewEvent("ConfigurationApplied", {"sources": draft.sources, **counts(draft.changes)})
    appends.append(store.Append(STREAM, [applied]))

    # The log's lock comes with the append, so everything that can be made ready is ready by now.
    versions = store.append_all(appends, now=now, metadata=actor.metadata())
    changed = [check for check, _ in draft.changed_checks]
    for check in (*changed, *(check for check, _ in created)):
        check.version = versions[checks.stream_of(check.slug)]
    _create(created)
    _change(draft, states, before, now)
    checks.forget(check.pk for check in draft.gone_checks)
    for page in written_pages:
        page.version = versions[pages.page_stream(page.slug)]
        page.save()
    StatusPage.objects.filter(pk__in=[page.pk for page in draft.gone_pages]).delete()


def _fill_pages(draft: Draft, actor: Actor, now: datetime, appends: list[store.Append]) -> list[StatusPage]:
    written = []
    for existing, wanted in draft.written_pages:
        source = wanted.document.source
        page = existing or StatusPage(slug=wanted.definition.slug, source=source)
        pages.fill_page(page, wanted.definition, actor, now)
        event = pages.defined_page_event(wanted.definition, source, new=existing is None)
        appends.append(store.Append(pages.page_stream(page.slug), [event]))
        written.append(page)
    appends += (
        store.Append(pages.page_stream(page.slug), [pages.removed_page_event(page)])
        for page in draft.gone_pages
    )
    return written


def _create(created: Iterable[tuple[Check, CheckState]]) -> None:
    rows = list(created)
    Check.objects.bulk_create([check for check, _ in rows], batch_size=500)
    for check, state in rows:
        state.check_ref = check
    CheckState.objects.bulk_create([state for _, state in rows], batch_size=500)


CHANGED = ("name", "kind", "group", "location", "definition", "set_by", "version", "updated_at")


def _change(
    draft: Draft, states: Mapping[int, CheckState], before: Mapping[int, Mapping[str, Any]], now: datetime
) -> None:
    if not draft.changed_checks:
        return
    bulk.update(
        Check,
        ("id",),
        CHANGED,
        [(check.pk, *(getattr(check, name) for name in CHANGED)) for check, _ in draft.changed_checks],
    )
    moved = [
        states[check.pk]
        for check, wanted in draft.changed_checks
        if checks.follow(states[check.pk], before[check.pk], wanted.prepared, now)
    ]
    CheckState.objects.bulk_update(moved, ("location", "next_due_at"), batch_size=200)
