"""The guard: hosts, origins, bodies, headers, and who is let on."""

import io
import re

import pytest
from desked import LOCAL, TEAM, Desked, account
from fastapi import APIRouter, Request, UploadFile
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from fieldshift.web import accounts
from fieldshift.web import app as application
from fieldshift.web.desk import TheDesk
from fieldshift.web.doors import Analyst, Viewer
from fieldshift.web.guard import caller, plain_path
from fieldshift.web.passwords import Failures
from fieldshift.web.settings import Limits, Settings

tried = APIRouter()


@tried.get("/tried/read.json")
def read(visitor: Viewer) -> dict[str, str]:
    return {"name": visitor.name, "role": visitor.role}


@tried.post("/tried/change.json")
def change(desk: TheDesk, visitor: Analyst) -> dict[str, str]:
    desk.note(visitor.name, "tried", "a change")
    return {"name": visitor.name}


@tried.post("/tried/upload")
def upload(visitor: Analyst, file: UploadFile) -> dict[str, int]:
    return {"bytes": len(file.file.read())}


@tried.get("/tried/break")
def broken(visitor: Viewer) -> None:
    raise RuntimeError("the reason, which is for the log alone")


@pytest.fixture(autouse=True)
def more_pages(monkeypatch):
    monkeypatch.setattr(application, "ROUTERS", (*application.ROUTERS, tried))


# ------------------------------------------------------------------------------------ who is let on


def test_nobody_is_sent_to_the_door_and_back(outside):
    answer = outside.get("/cases?q=1&r=%2F", follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/enter?then=%2Fcases%3Fq%3D1%26r%3D%252F"


@pytest.mark.parametrize("path", ["/tried/read.json", "/cases.json", "/api.json", "/nowhere.json"])
def test_nobody_reads_data(outside, path):
    answer = outside.get(path)
    assert answer.status_code == 401
    assert answer.json()["title"] == "Come in first"


def test_nobody_changes_anything(outside):
    assert outside.post("/tried/change.json").status_code == 401
    assert outside.post("/tried/upload", files={"file": b"x"}).status_code == 401


def test_a_part_of_a_page_leads_to_the_door(outside):
    answer = outside.get("/cases", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/enter")


def test_the_door_the_health_and_the_files_are_open_to_all(outside):
    assert outside.get("/enter").status_code == 200
    assert outside.get("/health.json").json()["status"] == "ok"
    page = outside.get("/enter").text
    sheet = page.split('<link rel="stylesheet" href="')[1].split('"')[0]
    assert outside.get(sheet).status_code == 200


def test_the_visitor_of_a_local_desk_is_an_admin(desk_client):
    assert desk_client.get("/tried/read.json").json() == {"name": "local", "role": "admin"}
    assert desk_client.post("/tried/change.json").json() == {"name": "local"}


def test_roles(team_clients):
    assert {key: c.get("/tried/read.json").status_code for key, c in team_clients.items()} == {
        "nobody": 401, "viewer": 200, "analyst": 200, "other": 200, "admin": 200,
    }  # fmt: skip
    assert {key: c.post("/tried/change.json").status_code for key, c in team_clients.items()} == {
        "nobody": 401, "viewer": 403, "analyst": 200, "other": 200, "admin": 200,
    }  # fmt: skip


def test_a_session_ends_with_its_time(team_clients, monkeypatch):
    client = team_clients["viewer"]
    later = client.desk.now() + accounts.LASTS["team"] + 1
    assert client.get("/tried/read.json").status_code == 200
    object.__setattr__(client.desk, "now", lambda: later)
    assert client.get("/tried/read.json").status_code == 401


def test_a_local_session_is_worth_nothing_once_there_are_accounts(desk_client, settings):
    word = desk_client.cookies["fieldshift-8311"]
    team = Desked(Settings(store=settings.store, team=True, workers=0), LOCAL)
    team.cookies.set("fieldshift-8311", word)
    assert team.get("/tried/read.json").status_code == 401
    account(team.desk, "vera", "admin")
    with team.desk.db.begin() as store:
        word, _ = accounts.begun(store, team.desk, 2)
    team.cookies.set("fieldshift-8311", word)
    assert team.get("/tried/read.json").json()["name"] == "vera"
    desk_client.cookies.set("fieldshift-8311", word)
    assert desk_client.get("/tried/read.json").status_code == 401
    team.desk.db.dispose()


# -------------------------------------------------------------------------- where a request comes from


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": TEAM}, 200),
        ({"Origin": TEAM, "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "", "Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "https://desk.example.org.evil.example"}, 403),
        ({"Origin": "http://desk.example.org"}, 403),
        ({"Origin": "https://desk.example.org:444"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": TEAM, "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": TEAM, "Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
def test_a_change_comes_from_a_page_of_the_desk(team_clients, headers, status):
    assert team_clients["analyst"].post("/tried/change.json", headers=headers).status_code == status


def test_a_change_that_does_not_say_where_it_comes_from_is_refused_with_a_cookie(team_clients):
    client = team_clients["analyst"]
    del client.headers["Origin"]
    assert client.post("/tried/change.json").status_code == 403
    assert "Origin: https://desk.example.org" in client.post("/tried/change.json").json()["what"]
    assert client.post("/tried/change.json", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
    client.cookies.clear()
    assert client.post("/tried/change.json").status_code == 401


def test_nothing_is_written_by_a_change_from_elsewhere(team_clients):
    client = team_clients["analyst"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (
            client.request(method, "/tried/change.json", headers={"Origin": "https://evil.example"}).status_code == 403
        )
    assert team_clients["admin"].get("/audit.json").json()["total"] == 0


@pytest.mark.parametrize("host", ["127.0.0.1:8311", "localhost:8311", "[::1]:8311"])
def test_a_local_desk_has_the_names_of_this_computer(desk_client, host):
    answer = desk_client.post("/tried/change.json", headers={"Host": host, "Origin": f"http://{host}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example:8311", "127.0.0.1", "127.0.0.1:80", "127.0.0.1.evil.example:8311", "", "["]
)
def test_a_local_desk_answers_to_no_other_name(desk_client, host):
    answer = desk_client.get("/tried/read.json", headers={"Host": host})
    assert answer.status_code == 400
    assert "127.0.0.1:8311" in answer.json()["what"]


def test_a_local_desk_behind_a_tunnel_has_the_name_it_was_told(settings):
    client = Desked(Settings(store=settings.store, address="http://localhost:9999", workers=0), LOCAL)
    assert client.get("/enter", headers={"Host": "localhost:9999"}).status_code == 200
    assert client.get("/enter", headers={"Host": "localhost:9998"}).status_code == 400
    client.desk.db.dispose()


# ------------------------------------------------------------------------------------------ the proxy


@pytest.fixture
def proxied(tmp_path):
    """A desk behind a proxy at 10.0.0.5, and a maker of clients at any address."""
    settings = Settings(store=tmp_path / "sso", header="X-Forwarded-User", proxies=("10.0.0.5", "fd00::5"), workers=0)
    first = Desked(settings, "http://desk.example.org", client=("10.0.0.5", 1234))

    def at(address: str) -> TestClient:
        origin = {"Origin": "http://desk.example.org"}
        return TestClient(first.app, "http://desk.example.org", headers=origin, client=(address, 1))

    yield first, at
    first.desk.db.dispose()


def test_whom_the_proxy_names_comes_in_as_a_viewer(proxied):
    first, at = proxied
    for address in ("10.0.0.5", "::ffff:10.0.0.5", "fd00:0::5"):
        answer = at(address).get("/tried/read.json", headers={"X-Forwarded-User": "zoë@example.org".encode()})
        assert answer.json() == {"name": "zoë@example.org", "role": "viewer"}
    assert [person.name for person in accounts.people(first.desk)] == ["zoë@example.org"]


def test_the_header_is_believed_from_nobody_else(proxied):
    first, at = proxied
    for address in ("10.0.0.6", "127.0.0.1", "testclient"):
        for path in ("/tried/read.json", "/enter", "/health.json", "/static/x/y"):
            assert at(address).get(path, headers={"x-forwarded-user": "adam"}).status_code == 403
    assert accounts.people(first.desk) == []


def test_a_session_is_worth_nothing_behind_a_proxy(proxied):
    first, _ = proxied
    adam = account(first.desk, "adam", "admin")
    first.come_in(adam)
    assert (
        first.get(
            "/tried/read.json", headers={"Cookie": f"fieldshift-80={first.cookies['fieldshift-8311']}"}
        ).status_code
        == 401
    )


@pytest.mark.parametrize("name", ["", " ", "local", "LOCAL", "a\tb\x7f", "x" * 200, "\u200bx", "\uff41lice"])
def test_a_name_that_is_none_is_refused(proxied, name):
    first, at = proxied
    assert at("10.0.0.5").get("/tried/read.json", headers={"X-Forwarded-User": name.encode()}).status_code == 400
    assert accounts.people(first.desk) == []


def test_a_header_that_came_twice_is_refused(proxied):
    _, at = proxied
    headers = [("X-Forwarded-User", "vera"), ("X-Forwarded-User", "adam")]
    assert at("10.0.0.5").get("/tried/read.json", headers=headers).status_code == 400


def test_a_change_through_a_proxy_says_where_it_comes_from(proxied):
    first, at = proxied
    account(first.desk, "anna", "analyst")
    client = at("10.0.0.5")
    client.headers["X-Forwarded-User"] = "anna"
    assert client.post("/tried/change.json").status_code == 200
    del client.headers["Origin"]
    assert client.post("/tried/change.json").status_code == 403
    assert client.post("/tried/change.json", headers={"Origin": "https://evil.example"}).status_code == 403


def test_somebody_deactivated_does_not_come_in_through_the_proxy(proxied):
    first, at = proxied
    adam, anna = account(first.desk, "adam", "admin"), account(first.desk, "anna", "analyst")
    accounts.set_active(first.desk, adam, anna.id, active=False)
    assert at("10.0.0.5").get("/tried/read.json", headers={"X-Forwarded-User": "anna"}).status_code == 401


def test_the_first_admin_of_a_proxied_desk_has_the_link(proxied):
    first, at = proxied
    client, word, older = at("10.0.0.5"), *(accounts.invited(first.desk, "link", "admin") for _ in range(2))
    client.headers["X-Forwarded-User"] = "adam"
    assert accounts.first_needed(first.desk)
    assert client.get(f"/enter/{word}", follow_redirects=False).headers["location"] == "/people"
    assert client.get("/tried/read.json").json()["role"] == "admin"
    assert client.get(f"/enter/{word}").status_code == 404
    assert not accounts.first_needed(first.desk)
    client.headers["X-Forwarded-User"] = "eve"
    assert client.get(f"/enter/{older}", follow_redirects=False).status_code == 404
    assert client.get("/tried/read.json").json()["role"] == "viewer"


def test_a_callers_address_is_told_by_a_named_proxy_only(proxied):
    first, _ = proxied

    def asked(peer: str) -> Request:
        told = b"6.6.6.6, 192.0.2.7"  # the first one is what the caller itself said
        return Request({"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", told)]})

    assert caller(asked("10.0.0.5"), first.desk.settings) == "192.0.2.7"
    assert caller(asked("192.0.2.99"), first.desk.settings) == "192.0.2.99"
    lines = [(b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"192.0.2.7")]  # a proxy may add a line of its own
    apart = Request({"type": "http", "client": ("10.0.0.5", 1), "headers": lines})
    assert caller(apart, first.desk.settings) == "192.0.2.7"


# ----------------------------------------------------------------------------- bodies and addresses


@pytest.fixture
def narrow(settings):
    client = Desked(Settings(store=settings.store, workers=0, limits=Limits(upload=1000)), LOCAL)
    with client.desk.db.begin() as store:
        user = accounts.local(store, client.desk)
    client.come_in(type("V", (), {"id": user}))
    yield client
    client.desk.db.dispose()


def test_what_is_too_long_is_refused_by_what_it_says_and_by_what_it_is(narrow):
    def sent():
        for _ in range(50):
            yield b"x" * 10_000

    assert narrow.post("/tried/upload", files={"file": io.BytesIO(b"x" * 200_000)}).json() == {"bytes": 200_000}
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    for answer in (
        narrow.post("/cases/upload", files={"file": io.BytesIO(b"x" * 200_000)}),
        narrow.post("/cases/upload", content=sent(), headers=form),
        narrow.post("/cases/upload.json", content=b"", headers={"Content-Length": "9" * 30}),
        narrow.post("/cases/upload.json", content=b"", headers={"Content-Length": "-1"}),
        narrow.post("/tried/upload", files={"file": io.BytesIO(b"x" * 5_000_000)}),
        narrow.post("/enter.json", json={"name": "a", "password": "x" * 60_000}),
        narrow.post("/join/word", content=sent(), headers=form),
    ):
        assert answer.status_code == 413
        assert "may be sent here at once" in answer.text


@pytest.mark.parametrize("path", ["/tried/read.json?a=%00", "/cases/%00", "/enter/%00", "/enter?then=%00"])
def test_a_zero_character_in_an_address_is_refused(desk_client, path):
    assert desk_client.get(path).status_code == 422


# ----------------------------------------------------------------------------------------- headers


def test_every_answer_is_guarded(desk_client, monkeypatch, caplog):
    quiet = TestClient(desk_client.app, LOCAL, raise_server_exceptions=False, cookies=desk_client.cookies)
    sheet = desk_client.get("/enter").text.split('<link rel="stylesheet" href="')[1].split('"')[0]
    for path, status in (
        ("/enter", 200), ("/tried/read.json", 200), ("/nowhere", 404), ("/tried/break", 500), (sheet, 200), ("/", 303),
    ):  # fmt: skip
        answer = quiet.get(path, follow_redirects=False)
        assert answer.status_code == status
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        kept = "public, max-age=31536000, immutable" if path == sheet else "no-store"
        assert answer.headers["cache-control"] == kept
    assert "the reason" not in quiet.get("/tried/break").text
    assert "the reason" in caplog.text


def test_a_database_that_fails_is_told_and_logged(desk_client, monkeypatch, caplog):
    desk_client.get("/tried/read.json")
    with desk_client.desk.db.begin() as store:
        store.exec_driver_sql("ALTER TABLE sessions RENAME TO lost")
    answer = desk_client.get("/enter/some-word-of-a-link")
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.text
    assert "no such table: sessions" in caplog.text
    assert "some-word" not in caplog.text
    assert desk_client.get("/health.json").status_code == 200
    monkeypatch.setattr(type(desk_client.desk.db), "connect", broken_connection)
    answer = desk_client.get("/health.json")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")


def broken_connection(*_):
    raise OperationalError("connect", {}, Exception("the reason"))


def test_the_words_of_links_are_cut_from_paths():
    assert plain_path("/enter/abc-DEF_1") == "/enter/…"
    assert plain_path("/join/abc.json") == "/join/….json"
    assert plain_path("/cases/abc") == "/cases/abc"


# -------------------------------------------------------------------------------------- slower doors


def test_failures_make_it_slower_for_a_name_from_an_address():
    failures = Failures()
    assert [failures.wait("Anna", "192.0.2.1", 0.0) for _ in range(5)] == [0.0] * 5
    assert failures.wait("anna", "192.0.2.1", 0.5) == 0.5
    assert failures.wait("anna", "192.0.2.2", 0.5) == 0.0
    assert failures.wait("bert", "192.0.2.1", 0.5) == 0.0
    assert failures.wait("anna", "192.0.2.1", 1.0) == 0.0
    assert failures.wait("anna", "192.0.2.1", 1.0) == 2.0
    failures.succeeded("anna", "192.0.2.1")
    assert failures.wait("anna", "192.0.2.1", 1.0) == 0.0


def test_many_names_from_one_address_make_it_slower_too():
    failures = Failures()
    assert all(failures.wait(f"n{i}", "2001:db8::1", 0.0) == 0.0 for i in range(50))
    assert failures.wait("one more", "2001:db8::ffff:1", 0.0) == 1.0
    assert failures.wait("one more", "2001:db8:0:1::1", 0.0) == 0.0


def test_failures_are_forgotten_and_only_so_many_are_kept():
    failures = Failures(most=100)
    for _ in range(8):
        failures.wait("anna", "a", 0.0)
    assert failures.wait("anna", "a", 0.9) > 0
    assert failures.wait("anna", "a", 4000.0) == 0.0
    for i in range(1000):
        failures.wait(f"n{i}", f"a{i}", 4000.0)
    assert len(failures._found) <= 100


def test_a_long_row_of_failures_waits_minutes_not_for_ever():
    failures, now = Failures(), 0.0
    for _ in range(40):
        now += failures.wait("anna", "a", now)
        failures.wait("anna", "a", now)
    assert 0 < failures.wait("anna", "a", now) <= Failures.LONGEST


# --------------------------------------------------------------------------------- every address there is


def routes(client) -> list:
    """Every route of the desk, those of its routers included."""
    found, todo = [], list(client.app.routes)
    while todo:
        route = todo.pop()
        inner = getattr(getattr(route, "original_router", None), "routes", [])
        todo += inner
        found += [] if inner else [route]
    assert len(found) > 60
    return found


def addresses(client, method: str) -> list[str]:
    """Every address that the desk answers to, with something in the place of each id."""
    paths = {route.path for route in routes(client) if method in (getattr(route, "methods", None) or ())}
    assert len(paths) > 20
    return sorted(re.sub(r"\{[^}]+\}", "1", path) for path in paths)


OPEN = re.compile(r"/(static/.*|health\.json|enter.*|join/.*)")


def test_nobody_gets_anything_at_any_address(outside):
    for path in addresses(outside, "GET"):
        if not OPEN.fullmatch(path):
            answer = outside.get(path, follow_redirects=False)
            assert (path, answer.status_code) == (path, 401 if path.endswith(".json") else 303)
    for path in addresses(outside, "POST"):
        if not OPEN.fullmatch(path):
            assert (path, outside.post(path).status_code) == (path, 401)


def test_a_viewer_changes_nothing_at_any_address(team_clients):
    viewer = team_clients["viewer"]
    for path in addresses(viewer, "POST"):
        if not OPEN.fullmatch(path) and not path.startswith("/leave"):
            assert (path, viewer.post(path).status_code) == (path, 403)


def test_only_known_methods_change_anything(outside):
    assert {method for route in routes(outside) for method in route.methods} == {"GET", "HEAD", "POST"}
