"""Public pages: defined by group, by tag or by list, changed with a version."""

from __future__ import annotations

from typing import Any

import pytest

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.commands.pages import DefineStatusPage, PageDefined, RemoveStatusPage
from checks.errors import Conflict, InvalidInput, NotFound, WrongExpectedVersion
from checks.events import store
from checks.models import StatusPage
from checks.queries.page_members import page_members
from checks.rules.page import parse_page

SECTIONS = [{"title": "Web", "group": "Web"}, {"tag": "critical"}]


def define(
    slug: str = "public", *, source: str = "admin", version: int | None = None, **raw: Any
) -> PageDefined:
    definition = {"title": "Our services", "sections": SECTIONS, **raw}
    command = DefineStatusPage(slug=slug, definition=definition, source=source, expected_version=version)
    defined: PageDefined = bus.handle(command, actor=SYSTEM)
    return defined


def problems(**raw: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse_page("public", {"title": "T", "sections": SECTIONS, **raw})
    return {problem.where: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("raw", "where", "told"),
    [
        ({"sections": []}, "sections", "a list of sections expected"),
        ({"sections": "Web"}, "sections", "a list of sections expected"),
        ({"sections": ["Web"]}, "sections.0", "a mapping with a title and checks expected"),
        ({"sections": [{"title": "x"}]}, "sections.0", "choose one"),
        ({"sections": [{"group": "a", "tag": "b"}]}, "sections.0", "choose one"),
        ({"sections": [{"checks": []}]}, "sections.0.checks", "at least one check"),
        ({"sections": [{"group": ""}]}, "sections.0.group", "is empty"),
        ({"sections": [{"grp": "a", "tag": "b"}]}, "sections.0.grp", "did you mean 'group'?"),
        ({"sections": [{"tag": "b"}] * 51}, "sections", "at most 50 sections"),
        ({"title": True}, "title", "put it in quotes"),
        ({"title": " "}, "title", "is empty"),
        ({"colour": "red"}, "colour", "unknown key"),
    ],
)
def test_page__bad_definition__names_the_place(raw: dict[str, Any], where: str, told: str):
    assert told in problems(**raw)[where]


@pytest.mark.parametrize("slug", ["", "A", "a" * 61, "a/b", "-a"])
def test_page__bad_slug__is_refused(slug: str):
    with pytest.raises(InvalidInput, match="cannot be a page's slug"):
        parse_page(slug, {"sections": SECTIONS})


def test_page__public_form__is_read_again_as_the_same():
    page = parse_page("public", {"sections": SECTIONS, "description": "Hello\nthere"})
    assert page.title == "public"
    assert parse_page("public", page.public()) == page


@pytest.mark.django_db
def test_define__page__is_stored_with_its_event_and_version():
    assert define() == PageDefined(slug="public", version=1, changed=True)
    assert define() == PageDefined(slug="public", version=1, changed=False)
    assert define(description="Now with words.", version=1).version == 2
    with pytest.raises(WrongExpectedVersion):
        define(description="Too late.", version=1)
    page = StatusPage.objects.get()
    assert (page.description, page.set_by, page.sections) == ("Now with words.", "breakwater", SECTIONS)
    assert [event.type for event in store.read_stream("page-public")] == ["PageDefined", "PageChanged"]


@pytest.mark.django_db
def test_define__page_of_another_source__is_refused():
    define()
    with pytest.raises(Conflict, match="belongs to admin"):
        define(source="file:checks.yaml")


@pytest.mark.django_db
def test_define__page_with_a_check_that_is_not_there__is_refused():
    bus.handle(DefineCheck(slug="api", definition={"url": "http://a"}, source="admin"), actor=SYSTEM)
    with pytest.raises(InvalidInput, match=r"sections\.0\.checks\.1: no such check 'gone'"):
        define(sections=[{"checks": ["api", "gone"]}])


@pytest.mark.django_db
def test_remove__page__leaves_its_history():
    define()
    bus.handle(RemoveStatusPage(slug="public", expected_version=1), actor=SYSTEM)
    assert not StatusPage.objects.exists()
    assert [event.type for event in store.read_stream("page-public")] == ["PageDefined", "PageRemoved"]
    with pytest.raises(NotFound):
        bus.handle(RemoveStatusPage(slug="public"), actor=SYSTEM)


@pytest.mark.django_db
def test_page_members__of_a_group_or_a_tag__are_those_that_have_it_now():
    bus.handle(
        DefineCheck(
            slug="b", definition={"url": "http://b", "group": "Web", "tags": ["critical"]}, source="admin"
        ),
        actor=SYSTEM,
    )
    bus.handle(
        DefineCheck(slug="a", definition={"url": "http://a", "group": "Web"}, source="admin"), actor=SYSTEM
    )
    assert page_members([*SECTIONS, {"checks": ["b", "a"]}]) == [("a", "b"), ("b",), ("b", "a")]
