"""Applying a configuration: all of it or nothing, once or a hundred times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checks import bus
from checks.commands import draft
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck, PauseCheck, RemoveCheck
from checks.commands.configuration import ApplyConfiguration, SyncRegistered
from checks.commands.document import FileProblem, read_document
from checks.commands.plan import Plan
from checks.errors import InvalidInput
from checks.events import store
from checks.kinds.python import REGISTERED, register_check
from checks.models import Check, CheckState, Event, StatusPage

pytestmark = pytest.mark.django_db

Apply = Callable[..., Plan]

TWO = """\
checks:
  api:
    url: http://a.example.test
    interval: 30
    tags: [web]
  db:
    kind: tcp
    host: db.example.test
    port: 5432
    depends_on: [api]
pages:
  public:
    title: Our services
    sections:
      - title: Web
        checks: [api, db]
"""


def problems(text: str, **options: Any) -> list[FileProblem]:
    with pytest.raises(InvalidInput) as caught:
        bus.handle(
            ApplyConfiguration(documents=[read_document("checks.yaml", text.encode())], **options),
            actor=SYSTEM,
        )
    assert not Check.objects.exclude(slug="kept").exists()
    return list(caught.value.problems)


def only(text: str) -> FileProblem:
    (found,) = problems(text)
    return found


def types(stream: str) -> list[str]:
    return [event.type for event in store.read_stream(stream)]


def test_apply__new_checks_and_pages__are_there_with_their_events(apply: Apply):
    plan = apply(TWO)
    assert (plan.count("add"), plan.unchanged, plan.applied) == (3, 0, True)
    check = Check.objects.select_related("state").get(slug="api")
    assert (check.source, check.set_by, check.version) == ("file:checks.yaml", "file:checks.yaml", 1)
    assert check.definition == {"url": "http://a.example.test", "interval": 30, "tags": ["web"]}
    assert check.state.next_due_at is not None
    assert StatusPage.objects.get(slug="public").sections == [{"title": "Web", "checks": ["api", "db"]}]
    assert types("check-api") == ["CheckDefined"]
    assert types("page-public") == ["PageDefined"]
    (applied,) = store.read_stream("configuration")
    assert applied.data["sources"] == ["file:checks.yaml"]
    assert (applied.data["checks_added"], applied.data["pages_added"]) == (2, 1)


def test_apply__the_same_again__leaves_no_trace(apply: Apply):
    apply(TWO)
    before = store.head()
    plan = apply(TWO)
    assert (plan.changes, plan.unchanged) == ((), 3)
    assert store.head() == before
    assert Check.objects.get(slug="api").version == 1


def test_apply__one_key_changed__changes_that_check_alone(apply: Apply):
    apply(TWO)
    plan = apply(TWO.replace("interval: 30", "interval: 15"))
    (change,) = plan.changes
    assert (change.slug, change.action) == ("api", "change")
    assert [(item.key, item.before, item.after) for item in change.fields] == [("interval", 30, 15)]
    assert types("check-api") == ["CheckDefined", "CheckChanged"]
    assert Check.objects.get(slug="api").version == 2
    assert types("check-db") == ["CheckDefined"]


def test_apply__plan__says_everything_and_changes_nothing(apply: Apply):
    plan = apply(TWO, plan=True)
    assert plan.count("add") == 3
    assert not plan.applied
    assert not Check.objects.exists()
    assert not Event.objects.exists()


def test_apply__prune__removes_what_this_file_no_longer_has(apply: Apply):
    bus.handle(
        DefineCheck(slug="admins", definition={"url": "http://c.example.test"}, source="admin"), actor=SYSTEM
    )
    apply(TWO)
    text = "checks:\n  api: {url: http://a.example.test, interval: 30, tags: [web]}\n"
    assert apply(text).left_over == ("db", "public")
    assert Check.objects.count() == 3
    plan = apply(text, prune=True)
    assert plan.count("remove", "check") == 1
    assert set(Check.objects.values_list("slug", flat=True)) == {"admins", "api"}
    assert not CheckState.objects.filter(check_ref__slug="db").exists()
    assert not StatusPage.objects.exists()
    assert types("check-db") == ["CheckDefined", "CheckRemoved"]
    assert types("page-public") == ["PageDefined", "PageRemoved"]


def test_apply__prune_of_what_another_check_needs__is_refused(apply: Apply):
    apply("checks:\n  kept: {url: http://a.example.test}\n")
    needing = {"url": "http://b.example.test", "depends_on": ["kept"]}
    bus.handle(DefineCheck(slug="needing", definition=needing, source="admin"), actor=SYSTEM)
    with pytest.raises(InvalidInput, match="depends on 'kept', which this would remove"):
        apply("checks: {}\n", prune=True)
    assert Check.objects.count() == 2


def test_apply__removed_and_defined_again__goes_on_in_its_stream(apply: Apply):
    text = "checks:\n  api: {url: http://a.example.test}\n"
    apply(text)
    bus.handle(RemoveCheck(slug="api"), actor=SYSTEM)
    apply(text)
    assert types("check-api") == ["CheckDefined", "CheckRemoved", "CheckDefined"]
    assert Check.objects.get(slug="api").version == 3


def test_apply__paused_check__stays_paused(apply: Apply):
    apply(TWO)
    bus.handle(PauseCheck(slug="api"), actor=SYSTEM)
    apply(TWO.replace("interval: 30", "interval: 15"))
    state = CheckState.objects.get(check_ref__slug="api")
    assert (state.paused, state.next_due_at) == (True, None)


def test_apply__slug_of_another_source__is_named_and_left_alone(apply: Apply):
    definition = {"url": "http://mine.example.test"}
    bus.handle(DefineCheck(slug="kept", definition=definition, source="admin"), actor=SYSTEM)
    found = only("checks:\n  kept: {url: http://a.example.test}\n")
    assert (
        str(found) == "checks.yaml:2: checks.kept: belongs to admin: change it there, or choose another slug"
    )
    assert Check.objects.get(slug="kept").definition == definition


def test_apply__two_files_with_one_slug__names_both_places():
    text = "checks:\n  api: {url: http://a.example.test}\n"
    documents = [read_document(name, text.encode()) for name in ("a.yaml", "b.yaml")]
    with pytest.raises(InvalidInput, match=r"a\.yaml:2, too; keep one"):
        bus.handle(ApplyConfiguration(documents=documents), actor=SYSTEM)


def test_apply__two_files_of_one_name__are_refused():
    documents = [read_document(name, b"checks: {}\n") for name in ("a/checks.yaml", "b/checks.yaml")]
    with pytest.raises(InvalidInput, match="rename one"):
        bus.handle(ApplyConfiguration(documents=documents), actor=SYSTEM)


def test_apply__two_files__may_depend_on_each_other():
    documents = [
        read_document("a.yaml", b"checks:\n  api: {url: http://a.example.test, depends_on: [db]}\n"),
        read_document("b.yaml", b"checks:\n  db: {kind: tcp, host: db.example.test, port: 1}\n"),
    ]
    bus.handle(ApplyConfiguration(documents=documents), actor=SYSTEM)
    assert set(Check.objects.values_list("slug", "source")) == {("api", "file:a.yaml"), ("db", "file:b.yaml")}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "checks:\n  x:\n    url: http://a\n    intervall: 5\n",
            "4: checks.x.intervall: unknown key 'intervall'",
        ),
        ("checks:\n  x:\n    url: http://a\n    intervall: 5\n", "did you mean 'interval'?"),
        ("checks:\n  x:\n    url: http://a\n    methd: GET\n", "did you mean 'method'?"),
        (
            "checks:\n  x:\n    url: '${NOT_SET}'\n",
            "3: checks.x.url: the environment variable NOT_SET is not set",
        ),
        ("checks:\n  x:\n    url: 'http://a/?x=${DATABASE_URL}'\n", "Breakwater's own secret"),
        ("checks:\n  x: {url: http://a, interval: 60, cron: '* * * * *'}\n", "choose one"),
        ("checks:\n  x: {url: http://a, cron: '61 * * * *'}\n", "checks.x.cron: "),
        ("checks:\n  x: {url: http://a, cron: '* * * * *', timezone: Mars/Base}\n", "checks.x.timezone: "),
        ("checks:\n  x: {url: http://a, notify: [nobody]}\n", "unknown key 'notify'"),
        ("checks:\n  x: {url: http://a, kind: htp}\n", "unknown kind 'htp'"),
        ("checks:\n  x: {url: 'file:///srv/app/secret.txt'}\n", "checks.x.url: "),
        ("checks:\n  x: {url: ''}\n", "checks.x.url: "),
        ("checks:\n  x: {kind: tcp, host: a, port: 70000}\n", "checks.x.port: "),
        ("checks:\n  x: {kind: tcp, port: 70}\n", "checks.x.host: is required"),
        (
            "checks:\n  x: {url: http://a, location: moon}\n",
            "no such location 'moon'; LOCATIONS names default",
        ),
        ("checks:\n  x: {url: http://a, depends_on: [y]}\n", "checks.x.depends_on: no such check 'y'"),
        ("checks:\n  x: {url: http://a, conditions: ['[STATUS] = 200']}\n", "checks.x.conditions.0: "),
        (
            "checks:\n  x: {kind: tcp, host: a, port: 1, conditions: ['[STATUS] == 200']}\n",
            "[STATUS] is never known to a check of kind tcp",
        ),
        ("checks:\n  X y: {url: http://a}\n", "cannot be a slug"),
        ("checks:\n  x: 5\n", "checks.x: a mapping of settings expected, got 5"),
        ("checks: [a]\n", "checks: a mapping from slugs to definitions expected, got a list"),
        ("- a\n- b\n", "a mapping with the keys checks and pages expected at the top, got a list"),
        ("check:\n  x: {}\n", "unknown key 'check'; did you mean 'checks'?"),
        ('mail_from: "a@example.test\\nDEBUG=1"\n', "unknown key 'mail_from'"),
        (
            "pages:\n  p: {title: P, sections: [{checks: [x]}]}\n",
            "pages.p.sections.0.checks.0: no such check 'x'",
        ),
        (
            "pages:\n  p: {title: P, sections: [{title: T}]}\n",
            "pages.p.sections.0: one of checks, group and tag",
        ),
        ("pages:\n  p: {title: P}\n", "pages.p.sections: a list of sections expected"),
        ("pages:\n  p: {titel: P, sections: [{tag: x}]}\n", "did you mean 'title'?"),
    ],
)
def test_apply__bad_file__is_refused_whole_with_line_and_reason(text: str, told: str):
    good = "checks:\n  good: {url: http://good.example.test}\n"
    if text.startswith("checks:\n"):
        text += good.removeprefix("checks:\n")
    with pytest.raises(InvalidInput) as caught:
        bus.handle(ApplyConfiguration(documents=[read_document("checks.yaml", text.encode())]), actor=SYSTEM)
    said = "\n".join(map(str, caught.value.problems))
    assert told in said
    assert said.startswith("checks.yaml:")
    assert not Check.objects.exists()
    assert not Event.objects.exists()


def test_apply__booleans_and_dates_for_texts__say_to_quote_them():
    found = problems(
        "checks:\n  x:\n    url: http://a\n    name: no\n    tags: [on, ok]\n    owner: 2026-11-23\n"
    )
    assert [(item.where, item.line) for item in found] == [
        ("checks.x.name", 4),
        ("checks.x.tags.0", 5),
        ("checks.x.owner", 6),
    ]
    assert "put it in quotes" in found[0].message


def test_apply__circle_of_dependencies__is_named():
    found = only(
        "checks:\n"
        "  a: {url: http://a, depends_on: [b]}\n"
        "  b: {url: http://b, depends_on: [c]}\n"
        "  c: {url: http://c, depends_on: [a]}\n"
    )
    assert "goes round in a circle" in found.message
    assert found.line in (2, 3, 4)


def test_apply__more_checks_than_allowed__is_refused_with_the_limit(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draft, "MAX_CHECKS", 3)
    found = only("checks:\n" + "".join(f"  c{n}: {{url: http://a}}\n" for n in range(4)))
    assert "4 checks are more than one configuration may hold: 3 are allowed" in found.message


def test_apply__wrong_value_of_a_placeholder__shows_the_placeholder_not_the_value(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TARGET", "ftp://hidden-in-environment")
    assert "hidden-in-environment" not in str(only("checks:\n  x: {url: '${TARGET}'}\n"))


def test_apply__secret_of_the_wrong_type__is_not_quoted_back():
    found = problems("checks:\n  x: {url: http://a, username: u, password: 739154826}\n")
    assert "739154826" not in "\n".join(map(str, found))


def test_apply__literal_secrets__stand_in_no_event_and_no_plan(apply: Apply):
    text = """\
checks:
  api:
    url: https://a.example.test/?token=inquery
    headers: {Authorization: Bearer inheader, Accept: text/html}
    username: me
    password: inpassword
"""
    plan = apply(text.replace("    headers: {Authorization: Bearer inheader, Accept: text/html}\n", ""))
    later = apply(text.replace("    username: me\n    password: inpassword\n", ""))
    shown = repr((plan, later)) + repr([event.data for event in Event.objects.all()])
    assert "text/html" in shown
    assert not [secret for secret in ("inquery", "inheader", "inpassword") if secret in shown]


def test_apply__a_thousand_checks__cost_a_bounded_number_of_statements(apply: Apply):
    """Ten times the checks cost some batches more, not ten times the statements."""

    def statements(prefix: str, count: int, interval: int = 60) -> int:
        text = "checks:\n" + "".join(
            f"  {prefix}-{n}: {{url: http://a.example.test, interval: {interval}}}\n" for n in range(count)
        )
        with CaptureQueriesContext(connection) as seen:
            apply(text, file=f"{prefix}.yaml")
        return len(seen)

    assert statements("few", 100) < 40
    assert statements("many", 1000) < 150
    assert statements("many", 1000, interval=30) < 150
    assert Check.objects.count() == CheckState.objects.count() == 1100


def test_apply__progress__is_told_up_to_the_end():
    said: list[tuple[str, int, int]] = []
    text = "checks:\n" + "".join(f"  c{n}: {{url: http://a}}\n" for n in range(250))
    command = ApplyConfiguration(
        documents=[read_document("checks.yaml", text.encode())],
        progress=lambda step, done, total: said.append((step, done, total)),
    )
    bus.handle(command, actor=SYSTEM)
    checking = [("checking", done, 250) for done in (100, 200, 250)]
    assert said == [*checking, ("writing", 0, 250), ("writing", 250, 250)]


def test_sync_registered__defines_what_the_code_registers_and_forgets_the_rest(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("checks.kinds.python.REGISTERED", REGISTERED)
    for name in list(REGISTERED):
        monkeypatch.delitem(REGISTERED, name)

    @register_check("Ledger balance", interval=30, timeout=5, group="Payments")
    def ledger() -> bool:
        return True

    bus.handle(SyncRegistered(), actor=SYSTEM)
    check = Check.objects.get(slug="ledger-balance")
    assert (check.source, check.kind, check.name, check.group) == (
        "code",
        "python",
        "Ledger balance",
        "Payments",
    )
    found = only_kept("checks:\n  ledger-balance: {url: http://a.example.test}\n")
    assert "belongs to code" in found.message
    monkeypatch.delitem(REGISTERED, "Ledger balance")
    bus.handle(SyncRegistered(), actor=SYSTEM)
    assert not Check.objects.exists()


def only_kept(text: str) -> FileProblem:
    with pytest.raises(InvalidInput) as caught:
        bus.handle(ApplyConfiguration(documents=[read_document("checks.yaml", text.encode())]), actor=SYSTEM)
    (found,) = caught.value.problems
    return found
