"""Whoever acts in another's name: without a token, with an old cookie, twice, or through forged forms."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from checks import bus
from checks.commands.actor import SYSTEM
from checks.commands.checks import DefineCheck
from checks.events import store
from checks.models import Check, CheckState
from dashboard.brake import Brake
from tests.hostile.catalogue import Item, items

pytestmark = pytest.mark.django_db
ACT = "/checks/api/pause"


@pytest.fixture(autouse=True)
def _check():
    definition = {"url": "http://a.example.test/", "interval": 60}
    bus.handle(DefineCheck(slug="api", definition=definition, source="admin"), actor=SYSTEM)


@pytest.fixture
def anna() -> User:
    return User.objects.create_superuser("anna", password="correct horse battery staple")


def is_paused() -> bool:
    return CheckState.objects.get().paused


@items("browser", only=("WEB-019",))
@pytest.mark.parametrize("headers", [{}, {"hx-request": "true"}, {"x-csrftoken": "a" * 64}])
def test_post_without_a_token__changes_nothing(item: Item, anna: User, headers):
    client = Client(enforce_csrf_checks=True, headers={"host": "localhost", **headers})
    client.force_login(anna)
    for path in (ACT, "/checks/api/run", "/theme/", "/logout/", "/i18n/setlang/", "/admin/checks/check/add/"):
        assert client.post(path, {"next": "/"}).status_code == 403, path
    assert not is_paused()
    assert client.get("/admin/").status_code == 200


def test_get__never_acts(anna: User):
    client = Client(headers={"host": "localhost"})
    client.force_login(anna)
    for method in ("get", "head", "put", "delete"):
        assert getattr(client, method)(ACT).status_code == 405
    assert not is_paused()


@items("browser", only=("WEB-022",))
def test_way_back_after_signing_in__stays_on_the_site(item: Item, anna: User):
    for address in (
        *item["input"]["next"],
        "http:///evil.example.test",
        "\\\\evil.example.test",
        "/\t/evil.test",
    ):
        for path in ("/login/", "/admin/login/"):
            client = Client(headers={"host": "localhost"})
            answer = client.post(
                f"{path}?next=/",
                {"username": "anna", "password": "correct horse battery staple", "next": address},
            )
            assert answer.status_code == 302
            assert answer["Location"] in ("/", "/admin/"), (address, answer["Location"])
        for path in ("/theme/", "/i18n/setlang/"):
            assert Client(headers={"host": "localhost"}).post(path, {"next": address})["Location"] == "/"


@items("browser", only=("WEB-023",))
@pytest.mark.parametrize("end", ["logout", "password", "disable"])
def test_cookie__after_its_session_has_ended__opens_nothing(item: Item, anna: User, end: str, settings):
    settings.PUBLIC_DASHBOARD = False
    client = Client(headers={"host": "localhost"})
    client.force_login(anna)
    kept = client.cookies["sessionid"].value
    match end:
        case "logout":
            client.post("/logout/")
        case "password":
            anna.set_password("another horse battery staple")
            anna.save()
        case "disable":
            anna.is_active = False
            anna.save()
    stale = Client(headers={"host": "localhost"})
    stale.cookies["sessionid"] = kept
    assert stale.get("/admin/").status_code == 302
    assert stale.get("/").status_code == 302
    assert stale.get("/api/v1/status").status_code == 401
    stale.post(ACT)
    assert not is_paused()


@items("browser", only=("WEB-025",))
def test_double_click__is_done_once(item: Item, anna: User):
    client = Client(headers={"host": "localhost"})
    client.force_login(anna)
    for _ in range(2):
        assert client.post(ACT).status_code == 302
    types = [event.type for event in store.read_stream("check-api")]
    assert types.count("CheckPaused") == 1


@items("admin", only=("ADM-001",))
@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_guessing_of_a_password__is_slowed_and_ends_for_the_owner(
    item: Item, anna: User, path: str, monkeypatch
):
    now = 0.0
    monkeypatch.setattr("dashboard.brake.brake", Brake(clock=lambda: now))
    looked_at = []

    def try_it(password: str, address: str) -> bool:
        client = Client(headers={"host": "localhost"}, REMOTE_ADDR=address)
        return client.post(path, {"username": "anna", "password": password}).status_code == 302

    with monkeypatch.context() as patched:
        patched.setattr(User, "check_password", lambda _user, guess: looked_at.append(guess) or False)
        for number in range(100):
            assert not try_it("guess", f"192.0.2.{number}")
            now += 1
    assert len(looked_at) < 20
    now += 60
    assert try_it("correct horse battery staple", "198.51.100.1")
    assert try_it("correct horse battery staple", "198.51.100.1")


@items("admin", only=("ADM-001",))
def test_guessing_from_one_address__is_slowed_whatever_the_name(item: Item, anna: User, monkeypatch):
    monkeypatch.setattr("dashboard.brake.brake", Brake())
    client = Client(headers={"host": "localhost"})
    for number in range(12):
        answer = client.post("/login/", {"username": f"user-{number}", "password": "guess"})
    assert "Too many wrong passwords: try again in" in answer.content.decode()
    other = Client(headers={"host": "localhost"}, REMOTE_ADDR="192.0.2.7")
    answer = other.post("/login/", {"username": "anna", "password": "correct horse battery staple"})
    assert answer.status_code == 302


def test_brake__remembers_no_more_than_it_may(monkeypatch):
    monkeypatch.setattr("dashboard.brake.KEPT", 5)
    brake = Brake(clock=lambda: 0.0)
    for number in range(100):
        brake.failed(f"user:{number}")
    assert len(brake._failures) == 5


@pytest.mark.parametrize(
    "path", ["/admin/checks/check/", "/admin/checks/statuspage/", "/admin/checks/event/"]
)
@items("admin", only=("ADM-005", "ADM-006"))
def test_forged_rows_of_a_list__create_and_delete_nothing(item: Item, path: str, admin_client: Client):
    before = list(Check.objects.values("pk", "slug", "name", "definition")), store.head()
    forged = {
        "form-TOTAL_FORMS": "2",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(Check.objects.get().pk),
        "form-0-name": "taken over",
        "form-0-DELETE": "on",
        "form-1-slug": "new",
        "form-1-name": "new",
        "_save": "Save",
    }
    admin_client.raise_request_exception = False
    assert admin_client.post(path, forged).status_code in (200, 302, 403)
    pk = Check.objects.get().pk
    for address in (f"/admin/checks/check/{pk}/change/", "/admin/checks/check/add/?kind=http"):
        assert admin_client.post(address, forged | {"slug": "../x", "version": "-1"}).status_code == 200
    after = list(Check.objects.values("pk", "slug", "name", "definition")), store.head()
    assert after == before


@items("admin", only=("ADM-007",))
@pytest.mark.parametrize(
    "path", ["/admin/auth/user/", "/admin/checks/check/", "/admin/checks/event/", "/admin/auth/group/"]
)
def test_filter_that_walks_to_a_secret__is_refused(item: Item, path: str, admin_client: Client):
    for query in (item["input"]["query"], "user__password__startswith=a", "password__startswith=p"):
        answer = admin_client.get(f"{path}?{query}")
        assert answer.status_code in (302, 400), (path, query)
        if answer.status_code == 302:
            assert answer["Location"].endswith("?e=1")


@items("admin", only=("ADM-010",))
def test_action_on_many_rows__does_all_that_can_be_done_and_says_how_many(item: Item, admin_client: Client):
    definition = {"url": "http://a.example.test/", "interval": 60}
    for number in range(120):
        bus.handle(DefineCheck(slug=f"c{number}", definition=definition, source="admin"), actor=SYSTEM)
    chosen = [str(pk) for pk in Check.objects.values_list("pk", flat=True)[:3]]
    sent = {"action": "pause", "_selected_action": [*chosen, "999999", "x", "-1"], "select_across": "1"}
    admin_client.raise_request_exception = False
    answer = admin_client.post("/admin/checks/check/", sent, follow=True)
    assert answer.status_code == 200
    assert "121 checks were paused" in answer.content.decode()


def test_action_that_does_not_exist__does_nothing(admin_client: Client):
    pk = str(Check.objects.get().pk)
    for action in ("delete_selected", "__class__", "nope", "\0"):
        answer = admin_client.post(
            "/admin/checks/check/", {"action": action, "_selected_action": [pk]}, follow=True
        )
        assert answer.status_code == 200
    assert Check.objects.count() == 1


@pytest.mark.parametrize("pk", ["0", "-1", "99999999999999999999999", "abc", "_00", "1/../2", "1%00"])
def test_odd_key_of_a_row__is_not_found(pk: str, admin_client: Client):
    admin_client.raise_request_exception = False
    for what in ("check", "statuspage", "event"):
        for view in ("change", "delete", "history"):
            answer = admin_client.get(f"/admin/checks/{what}/{pk}/{view}/", follow=True)
            assert answer.status_code in (200, 403, 404, 422), (what, pk, view, answer.status_code)


def test_nul_in_any_form__is_told_and_changes_nothing(admin_client: Client):
    """SQLite would take it, PostgreSQL takes it in no text."""
    admin_client.raise_request_exception = False
    before = store.head()
    pk = Check.objects.get().pk
    nul = dict.fromkeys(
        ("slug", "name", "url", "group", "tags", "headers", "title", "sections", "bearer"), "a\0b"
    )
    for address in (
        "/admin/checks/check/add/?kind=http",
        f"/admin/checks/check/{pk}/change/",
        "/admin/checks/statuspage/add/",
        "/admin/auth/user/add/",
    ):
        assert admin_client.post(address, {**nul, "version": "0"}).status_code == 200, address
    action = {"action": "pause\0", "_selected_action": ["\0"], "index": "\0", "select_across": "\0"}
    assert admin_client.post("/admin/checks/check/", action, follow=True).status_code == 200
    stranger = Client(raise_request_exception=False, headers={"host": "localhost"})
    for path in ("/login/", "/admin/login/"):
        assert stranger.post(path, {"username": "a\0b", "password": "a\0b"}).status_code == 200
    for path in ("/theme/", "/i18n/setlang/"):
        assert stranger.post(path, {"theme": "\0", "language": "\0", "next": "/\0"}).status_code < 400
    assert store.head() == before


@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "messages", "django_language", "theme"])
@pytest.mark.parametrize(
    "value", ['"\\000\\000\\000\\000\\000\\000\\000\\000"', "x" * 5000, "'; DROP TABLE", "[[1,2"]
)
def test_odd_cookie__fails_nothing(name: str, value: str, settings):
    for settings.PUBLIC_DASHBOARD in (True, False):
        stranger = Client(raise_request_exception=False, headers={"host": "localhost"})
        for path in ("/", "/login/", "/admin/", "/api/v1/status", "/api/docs", "/livez"):
            answer = stranger.get(path, headers={"cookie": f"{name}={value}"})
            assert answer.status_code < 500, (path, answer.content[:300])
