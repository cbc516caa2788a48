"""The door: links that are good once, passwords, joining, leaving, and what the cookie is."""

import re

import pytest
from desked import LOCAL, TEAM

from fieldshift.web import accounts, passwords
from fieldshift.web.doors import Visitor

GOOD = "three plain words"


def link(client, kind="link", role="admin", name=None) -> str:
    return accounts.invited(client.desk, kind, role, name)


def cookie(answer) -> str:
    return answer.headers["set-cookie"]


# ------------------------------------------------------------------------------------- the local link


def test_a_link_lets_in_once(outside):
    word = link(outside)
    first = outside.get(f"/enter/{word}", follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/cases")
    assert outside.get("/audit.json").json()["entries"][0]["did"] == "came in"
    outside.cookies.clear()
    second = outside.get(f"/enter/{word}")
    assert second.status_code == 404
    assert "--link" in second.text
    assert "set-cookie" not in second.headers


def test_a_link_that_was_used_leads_on_whoever_is_in(outside):
    word = link(outside)
    outside.get(f"/enter/{word}", follow_redirects=False)
    assert outside.get(f"/enter/{word}", follow_redirects=False).headers["location"] == "/cases"


def test_a_link_is_good_for_minutes(outside):
    word, now = link(outside), outside.desk.now()
    object.__setattr__(outside.desk, "now", lambda: now + accounts.LASTS["link"] + 1)
    assert outside.get(f"/enter/{word}").status_code == 404


def test_a_browser_that_looks_ahead_does_not_spend_the_link(outside):
    word = link(outside)
    for ahead in ({"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}):
        assert outside.get(f"/enter/{word}", headers=ahead).status_code == 503
    assert outside.get(f"/enter/{word}", follow_redirects=False).status_code == 303


def test_the_cookie_of_a_local_desk(outside):
    told = cookie(outside.get(f"/enter/{link(outside)}", follow_redirects=False))
    assert told.startswith("fieldshift-8311=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(told.split("; "))
    assert "Secure" not in told


def test_words_are_kept_as_digests_only(outside, settings):
    word = link(outside)
    session = cookie(outside.get(f"/enter/{word}", follow_redirects=False)).split("=")[1].split(";")[0]
    outside.desk.db.dispose()
    kept = b"".join(file.read_bytes() for file in settings.store.rglob("*") if file.is_file())
    assert b"invitations" in kept
    assert word.encode() not in kept
    assert session.encode() not in kept


def test_other_words_let_nobody_in(outside, team_clients):
    for word in ("x", "x" * 5000, "%F0%9F%98%80", link(outside, "account"), link(outside, "password", name="x")):
        answer = outside.get(f"/enter/{word}", follow_redirects=False)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (404, None)
    team = team_clients["nobody"]
    assert team.get(f"/enter/{link(team)}").status_code == 404
    assert team.get(f"/join/{link(team)}").status_code == 404
    assert outside.get(f"/join/{link(outside, 'account')}").status_code == 404


def test_the_door_says_what_to_do(outside, desk_client, team_clients):
    assert team_clients["nobody"].get("/enter.json").json() == {
        "way": "password", "name": None, "then": "/cases", "wrong": "",
    }  # fmt: skip
    assert desk_client.get("/enter.json?then=/runs").json() == {
        "way": "link", "name": "local", "then": "/runs", "wrong": "",
    }  # fmt: skip


# ----------------------------------------------------------------------------------------- passwords


@pytest.fixture(scope="session")
def hashed() -> str:
    return passwords.hashed(GOOD)


@pytest.fixture
def anna(team_clients, hashed):
    """A client that is not in, of a desk where anna has a password."""
    desk = team_clients["nobody"].desk
    with desk.db.begin() as store:
        store.execute(accounts.users.update().where(accounts.users.c.name == "anna").values(password=hashed))
    return team_clients["nobody"]


@pytest.mark.parametrize("name", ["anna", "Anna"])
def test_a_name_and_its_password_let_in(anna, name):
    answer = anna.post("/enter", data={"name": name, "password": GOOD, "then": "/runs?q=1"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/runs?q=1")
    told = cookie(answer)
    assert told.startswith("__Host-fieldshift=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(told.split("; "))
    assert anna.get("/enter.json").json()["name"] == "anna"


def test_the_same_by_json(anna, team_clients):
    answer = anna.post("/enter.json", json={"name": "anna", "password": GOOD})
    assert answer.json() == {"name": "anna", "role": "analyst"}
    assert anna.get("/enter.json").json()["name"] == "anna"
    [line] = team_clients["admin"].get("/audit.json").json()["entries"]
    assert (line["who"], line["did"], line["detail"]) == ("anna", "came in", {"by": "password"})


def test_a_program_without_a_cookie_may_come_in_without_saying_where_from(anna):
    del anna.headers["Origin"]
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 200
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 403


def test_neither_the_answer_nor_the_work_tells_whether_a_name_exists(anna, monkeypatch):
    checked = []
    fits = passwords._fits
    monkeypatch.setattr(passwords, "_fits", lambda kept, given: checked.append(kept[:30]) or fits(kept, given))
    desk = anna.desk
    accounts.set_active(desk, Visitor(3, "adam", "admin"), 4, active=False)
    answers = [
        anna.post("/enter.json", json={"name": name, "password": "wrong wrong wrong"})
        for name in ("anna", "none", "bert")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    assert len(checked) == 3
    assert len(set(checked)) == 1  # one kind of hash with the same parameters, so the same work


def test_failures_slow_the_door_and_say_for_how_long(anna):
    now = anna.desk.now()
    object.__setattr__(anna.desk, "now", lambda: now)
    for _ in range(5):
        assert anna.post("/enter", data={"name": "anna", "password": "wrong"}).status_code == 401
    answer = anna.post("/enter", data={"name": "anna", "password": GOOD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Try again in" in answer.text
    object.__setattr__(anna.desk, "now", lambda: now + 2)
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 200


def test_a_session_has_a_new_word_at_every_login(anna):
    words = []
    for _ in range(2):
        anna.post("/enter.json", json={"name": "anna", "password": GOOD})
        words.append(anna.cookies["__Host-fieldshift"])
    assert words[0] != words[1]
    anna.cookies.clear()
    anna.cookies.set("__Host-fieldshift", words[0])
    assert anna.get("/audit.json").status_code == 401


def test_older_hashes_are_made_again(anna, monkeypatch):
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(GOOD)
    users = accounts.users

    def kept() -> str:
        with anna.desk.db.connect() as store:
            return store.scalar(users.select().with_only_columns(users.c.password).where(users.c.name == "anna"))

    with anna.desk.db.begin() as store:
        store.execute(users.update().where(users.c.name == "anna").values(password=weak))
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 200
    assert kept() != weak
    again = kept()
    assert "$argon2id$" in again
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 200
    assert kept() == again


@pytest.mark.parametrize(
    ("then", "to"),
    [
        ("/runs", "/runs"),
        ("//evil.example", "/cases"),
        ("/\\evil.example", "/cases"),
        ("https://evil.example", "/cases"),
        ("/x\r\nSet-Cookie: a=b", "/cases"),
        ("javascript:alert(1)", "/cases"),
        ("", "/cases"),
        ("/\tx", "/cases"),
    ],
)
def test_one_goes_on_inside_the_desk(anna, then, to):
    answer = anna.post("/enter", data={"name": "anna", "password": GOOD, "then": then}, follow_redirects=False)
    assert answer.headers["location"] == to


def test_the_page_escapes_what_it_was_given(anna):
    page = anna.get("/enter", params={"then": '/"><script>alert(1)</script>'}).text
    assert "<script>alert" not in page
    page = anna.post("/enter", data={"name": "<b>x", "password": "y", "then": '/"><i>'}).text
    assert "<i>" not in page
    assert "<b>x" not in page


@pytest.mark.parametrize(
    "key", [{}, {"name": "a"}, {"name": "a", "password": "\0"}, {"name": "\ud800", "password": "b"}, []]
)
def test_nonsense_at_the_door_is_not_understood(anna, key):
    import json

    answer = anna.post("/enter.json", content=json.dumps(key), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_a_local_desk_has_no_passwords(outside):
    assert outside.post("/enter.json", json={"name": "local", "password": ""}).status_code == 404
    assert outside.post("/enter", data={"name": "local", "password": "x"}).status_code == 404


# ------------------------------------------------------------------------------------------- joining


def test_joining_by_an_invitation(team_clients):
    client = team_clients["nobody"]
    word = link(client, "account", "analyst")
    assert "You will be an analyst" in client.get(f"/join/{word}").text
    short = client.post(f"/join/{word}", data={"name": "zoë", "password": "short"})
    assert short.status_code == 422
    assert 'value="zoë"' in short.text
    answer = client.post(f"/join/{word}", data={"name": "  zoë \u2003 a ", "password": GOOD}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert client.get("/enter.json").json()["name"] == "zoë a"
    assert client.get(f"/join/{word}").status_code == 404
    assert client.post(f"/join/{word}", data={"name": "other", "password": GOOD}).status_code == 404
    line = team_clients["admin"].get("/audit.json").json()["entries"][0]
    assert (line["who"], line["did"], line["detail"]) == ("zoë a", "joined", {"role": "analyst"})


def test_joining_by_json(team_clients):
    client = team_clients["nobody"]
    word = link(client, "account", "viewer", "zoë")
    assert client.get(f"/join/{word}.json").json()["name"] == "zoë"
    answer = client.post(f"/join/{word}.json", json={"name": "somebody else", "password": GOOD})
    assert (answer.status_code, answer.json()) == (201, {"name": "zoë", "role": "viewer"})


@pytest.mark.parametrize("name", ["anna", "ANNA", "local", "Local", "", "   ", "x" * 101, "a\u202eb", "a\x07b"])
def test_names_that_are_taken_or_none_are_refused_and_the_link_stays_good(team_clients, name):
    client = team_clients["nobody"]
    word = link(client, "account", "viewer")
    assert client.post(f"/join/{word}.json", json={"name": name, "password": GOOD}).status_code == 400
    assert client.post(f"/join/{word}.json", json={"name": "zoë", "password": GOOD}).status_code == 201


@pytest.mark.parametrize("password", ["", "short", "x" * 501, "aaaaaaaaaaaaaaa", "zoëzoëzoëzoë"])
def test_passwords_that_are_too_easy_are_refused(team_clients, password):
    client = team_clients["nobody"]
    word = link(client, "account", "viewer")
    answer = client.post(f"/join/{word}.json", json={"name": "zoëzoëzoëzoë", "password": password})
    assert answer.status_code == 400
    assert "password" in answer.json()["what"]


def test_a_new_password_ends_the_other_sessions(anna, team_clients):
    admin, old = team_clients["admin"], team_clients["analyst"]
    assert old.get("/enter.json").json()["name"] == "anna"
    made = admin.post(f"/people/{old.visitor.id}/password.json").json()["link"]
    assert re.fullmatch(rf"{TEAM}/join/[\w-]{{32}}", made)
    path = made.removeprefix(TEAM)
    page = anna.get(path).text
    assert "A new password" in page
    assert anna.post(path, data={"password": "other plain words"}, follow_redirects=False).status_code == 303
    assert old.get("/enter.json").json()["name"] is None
    assert anna.get("/enter.json").json()["name"] == "anna"
    anna.cookies.clear()
    assert anna.post("/enter.json", json={"name": "anna", "password": GOOD}).status_code == 401
    assert anna.post("/enter.json", json={"name": "anna", "password": "other plain words"}).status_code == 200


# ------------------------------------------------------------------------------------------- leaving


def test_leaving_ends_the_session_and_the_cookie(team_clients):
    client = team_clients["viewer"]
    word = client.cookies["__Host-fieldshift"]
    client.cookies.clear()
    client.cookies.set("__Host-fieldshift", word)
    answer = client.post("/leave", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/enter")
    assert "Max-Age=0" in cookie(answer)
    client.cookies.set("__Host-fieldshift", word)
    assert client.get("/enter.json").json()["name"] is None


def test_leaving_by_json(desk_client):
    assert desk_client.post("/leave.json").json() == {"left": True}
    assert desk_client.get("/enter.json").json()["name"] is None
    assert str(desk_client.base_url) == LOCAL
