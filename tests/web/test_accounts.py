"""People and their roles, and the log of who did what."""

import json
import threading

import pytest
from desked import TEAM, Desked, account

import fieldshift as fs
from fieldshift.web import accounts
from fieldshift.web.desk import NotHere
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings


def names(client) -> dict[str, tuple[str, bool]]:
    return {p["name"]: (p["role"], p["active"]) for p in client.get("/people.json").json()["people"]}


# -------------------------------------------------------------------------------------------- people


def test_an_admin_sees_people_and_nobody_else_does(team_clients):
    assert names(team_clients["admin"]) == {
        "adam": ("admin", True), "anna": ("analyst", True), "bert": ("analyst", True), "vera": ("viewer", True),
    }  # fmt: skip
    for role in ("viewer", "analyst"):
        for path in ("/people", "/people.json", "/audit", "/audit.json"):
            assert team_clients[role].get(path).status_code == 403
        assert team_clients[role].post("/people/invite.json", json={"role": "admin"}).status_code == 403
        assert team_clients[role].post("/people/1/role.json", json={"role": "admin"}).status_code == 403
        assert team_clients[role].post("/people/3/active.json", json={"active": False}).status_code == 403
        assert team_clients[role].post("/people/3/password.json").status_code == 403


def test_a_local_desk_has_no_people(desk_client):
    assert desk_client.get("/people.json").status_code == 404
    assert desk_client.post("/people/invite.json", json={}).status_code == 404
    assert desk_client.get("/audit.json").status_code == 200


def test_an_invitation_is_shown_once(team_clients):
    admin = team_clients["admin"]
    answer = admin.post("/people/invite", data={"role": "analyst", "name": "<zoë>"})
    link = answer.text.split(f'value="{TEAM}/join/')[1].split('"')[0]
    assert len(link) == 32
    assert "<zoë>" not in answer.text
    page = admin.get("/people").text
    assert link not in page
    assert "&lt;zoë&gt;" in page
    entries = admin.get("/audit.json").json()
    assert link not in json.dumps(entries)
    assert entries["entries"][0]["what"] == "account <zoë>"


def test_an_invitation_can_be_withdrawn(team_clients):
    admin = team_clients["admin"]
    made = admin.post("/people/invite.json", json={"role": "viewer"})
    assert made.status_code == 201
    path = made.json()["link"].removeprefix(TEAM)
    [each] = admin.get("/people.json").json()["invitations"]
    assert (each["kind"], each["name"], each["role"]) == ("account", None, "viewer")
    assert team_clients["nobody"].get(path).status_code == 200
    assert admin.post(f"/people/invitations/{each['id']}/withdraw", follow_redirects=False).status_code == 303
    assert team_clients["nobody"].get(path).status_code == 404
    assert admin.post(f"/people/invitations/{each['id']}/withdraw.json").status_code == 404
    assert admin.get("/people.json").json()["invitations"] == []


def test_a_name_that_is_there_is_not_invited(team_clients):
    answer = team_clients["admin"].post("/people/invite", data={"name": "ANNA", "role": "viewer"})
    assert answer.status_code == 422
    assert "is taken" in answer.text


def test_another_role_counts_from_the_next_request(team_clients):
    admin, viewer = team_clients["admin"], team_clients["viewer"]
    assert viewer.get("/audit.json").status_code == 403
    answer = admin.post(f"/people/{viewer.visitor.id}/role.json", json={"role": "admin"})
    assert answer.json()["role"] == "admin"
    assert viewer.get("/audit.json").status_code == 200
    admin.post(f"/people/{viewer.visitor.id}/role", data={"role": "viewer"})
    assert viewer.get("/audit.json").status_code == 403
    lines = admin.get("/audit.json?did=changed+a+role").json()["entries"]
    assert [line["detail"] for line in lines] == [{"old": "admin", "new": "viewer"}, {"old": "viewer", "new": "admin"}]


def test_sessions_end_at_once_with_the_account(team_clients):
    admin, anna = team_clients["admin"], team_clients["analyst"]
    assert anna.get("/enter.json").json()["name"] == "anna"
    assert admin.post(f"/people/{anna.visitor.id}/active.json", json={"active": False}).json()["active"] is False
    assert anna.get("/people.json").status_code == 401
    admin.post(f"/people/{anna.visitor.id}/active", data={"active": "true"})
    assert anna.get("/people.json").status_code == 401  # let in again, but by a new session
    assert names(admin)["anna"] == ("analyst", True)
    assert admin.post(f"/people/{anna.visitor.id}/password.json").status_code == 201


def test_invitations_end_with_the_account_that_made_them(team_clients):
    admin, other = team_clients["admin"], team_clients["other"]
    admin.post(f"/people/{other.visitor.id}/role.json", json={"role": "admin"})
    theirs = other.post("/people/invite.json", json={"role": "admin"}).json()["link"].removeprefix(TEAM)
    mine = admin.post("/people/invite.json", json={"role": "admin"}).json()["link"].removeprefix(TEAM)
    admin.post(f"/people/{other.visitor.id}/active.json", json={"active": False})
    assert team_clients["nobody"].get(theirs).status_code == 404
    assert team_clients["nobody"].get(mine).status_code == 200


def test_words_of_an_admin_who_is_none_any_more_are_good_no_more(team_clients):
    """Neither an invitation of another admin nor a new password for whoever took the role away."""
    admin, other, nobody = (team_clients[key] for key in ("admin", "other", "nobody"))
    admin.post(f"/people/{other.visitor.id}/role.json", json={"role": "admin"})
    words = [
        other.post("/people/invite.json", json={"role": "admin"}).json()["link"],
        other.post(f"/people/{admin.visitor.id}/password.json").json()["link"],
    ]
    assert [nobody.get(word.removeprefix(TEAM)).status_code for word in words] == [200, 200]
    admin.post(f"/people/{other.visitor.id}/role.json", json={"role": "analyst"})
    assert [nobody.get(word.removeprefix(TEAM)).status_code for word in words] == [404, 404]


def test_of_several_words_for_a_new_password_one_is_good(team_clients):
    admin, anna, nobody = (team_clients[key] for key in ("admin", "analyst", "nobody"))
    older, newer = (
        admin.post(f"/people/{anna.visitor.id}/password.json").json()["link"].removeprefix(TEAM) for _ in range(2)
    )
    assert nobody.post(newer, data={"password": "a password of hers"}, follow_redirects=False).status_code == 303
    assert nobody.get(older).status_code == 404


def test_of_several_words_for_the_first_admin_one_is_good(tmp_path):
    nobody = Desked(Settings(store=tmp_path / "new", team=True, workers=0, address=TEAM), TEAM)
    one, two = (accounts.invited(nobody.desk, "first", "admin") for _ in range(2))
    sent = {"name": "adam", "password": "three plain words"}
    assert nobody.post(f"/join/{one}", data=sent, follow_redirects=False).status_code == 303
    assert nobody.get(f"/join/{two}").status_code == 404
    late = accounts.invited(nobody.desk, "first", "admin")  # as by a desk that was started a moment before
    assert nobody.post(f"/join/{late}", data=sent | {"name": "eve"}).status_code == 404
    assert [row.name for row in accounts.people(nobody.desk)] == ["adam"]
    nobody.desk.db.dispose()


def test_the_last_admin_stays(team_clients):
    admin, other = team_clients["admin"], team_clients["other"]
    for path, body in (("role", {"role": "viewer"}), ("active", {"active": False})):
        answer = admin.post(f"/people/{admin.visitor.id}/{path}.json", json=body)
        assert answer.status_code == 400
        assert "last admin" in answer.json()["what"]
        page = admin.post(f"/people/{admin.visitor.id}/{path}", data=body)
        assert page.status_code == 422
        assert "last admin" in page.text
    admin.post(f"/people/{other.visitor.id}/role.json", json={"role": "admin"})
    assert admin.post(f"/people/{admin.visitor.id}/role.json", json={"role": "viewer"}).status_code == 200
    assert names(other)["adam"] == ("viewer", True)


def test_somebody_who_is_not_let_in_is_no_admin(team_clients):
    admin, other = team_clients["admin"], team_clients["other"]
    admin.post(f"/people/{other.visitor.id}/role.json", json={"role": "admin"})
    admin.post(f"/people/{other.visitor.id}/active.json", json={"active": False})
    assert admin.post(f"/people/{admin.visitor.id}/active.json", json={"active": False}).status_code == 400


def test_two_admins_who_remove_each_other_at_once_leave_one(team_clients):
    desk, adam = team_clients["admin"].desk, team_clients["admin"].visitor
    for turn in range(5):
        eve = account(desk, f"eve {turn}", "admin")
        start, refused = threading.Barrier(2), []

        def remove(one: Visitor, other: Visitor, start=start, refused=refused) -> None:
            start.wait()
            try:
                accounts.set_role(desk, one, other.id, "viewer")
            except fs.UsageError:
                refused.append(other)

        pair = [threading.Thread(target=remove, args=each) for each in ((adam, eve), (eve, adam))]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        admins = [person for person in accounts.people(desk) if person.role == "admin"]
        assert len(admins) == 1
        assert len(refused) == 1
        adam = Visitor(admins[0].id, admins[0].name, "admin")


@pytest.mark.parametrize("user", ["0", "99", "2147483647"])
def test_an_account_that_is_not_there(team_clients, user):
    admin = team_clients["admin"]
    found = {
        admin.post(f"/people/{user}/role.json", json={"role": "viewer"}).status_code,
        admin.post(f"/people/{user}/active.json", json={"active": False}).status_code,
        admin.post(f"/people/{user}/password.json").status_code,
        admin.post(f"/people/invitations/{user}/withdraw.json").status_code,
    }
    assert found == ({422} if user == "0" else {404})


@pytest.mark.parametrize("user", ["-1", "2147483648", "9" * 40, "x", "1.5"])
def test_an_account_that_cannot_be(team_clients, user):
    assert team_clients["admin"].post(f"/people/{user}/role.json", json={"role": "viewer"}).status_code == 422


def test_the_local_visitor_cannot_be_changed(desk_client):
    with pytest.raises(NotHere):
        accounts.set_role(desk_client.desk, desk_client.visitor, desk_client.visitor.id, "viewer")


def test_a_first_admin_is_needed_until_one_is_there(outside, team_clients):
    assert accounts.first_needed(outside.desk)
    with outside.desk.db.begin() as store:
        accounts.local(store, outside.desk)
    assert accounts.first_needed(outside.desk)  # the local visitor is no account
    assert not accounts.first_needed(team_clients["nobody"].desk)


def test_old_invitations_and_sessions_are_forgotten(outside):
    desk, now = outside.desk, outside.desk.now()
    accounts.invited(desk, "account", "viewer")
    with desk.db.begin() as store:
        accounts.begun(store, desk, accounts.local(store, desk))
    object.__setattr__(desk, "now", lambda: now + 60 * accounts.DAY)
    accounts.invited(desk, "account", "viewer")
    with desk.db.begin() as store:
        accounts.begun(store, desk, accounts.local(store, desk))
        counts = [len(store.execute(table.select()).all()) for table in (accounts.invitations, accounts.sessions)]
    assert counts == [1, 1]


# ----------------------------------------------------------------------------------------------- log


def test_the_log_is_read_by_who_and_what_page_by_page(team_clients):
    admin = team_clients["admin"]
    for i in range(230):
        admin.desk.note(
            "anna" if i % 2 else "<b>vera</b>", "ran" if i % 3 else "changed", f"run {i}", seed=i, tags=["<i>"]
        )
    log = admin.get("/audit.json").json()
    assert (log["total"], log["pages"], len(log["entries"])) == (230, 3, 100)
    assert [entry["what"] for entry in log["entries"][:2]] == ["run 229", "run 228"]
    assert log["names"] == ["<b>vera</b>", "anna"]
    assert log["kinds"] == ["changed", "ran"]
    last = admin.get("/audit.json?page=3").json()
    assert [entry["what"] for entry in last["entries"]] == [f"run {i}" for i in range(29, -1, -1)]
    some = admin.get("/audit.json?who=anna&did=changed").json()
    assert some["total"] == len([i for i in range(230) if i % 2 and not i % 3])
    assert {(entry["who"], entry["did"]) for entry in some["entries"]} == {("anna", "changed")}
    assert admin.get("/audit.json?page=9").json()["entries"] == []


def test_the_logs_page_keeps_its_state_in_its_address_and_escapes(team_clients):
    admin = team_clients["admin"]
    for i in range(101):
        admin.desk.note("<b>vera</b> & co", "ran", f"run {i}", tags=["<i>"])
    page = admin.get("/audit", params={"who": "<b>vera</b> & co"}).text
    assert "who=%3Cb%3Evera%3C%2Fb%3E+%26+co&amp;did=&amp;page=2" in page
    assert "<b>vera" not in page
    assert "<i>" not in page
    assert "101 lines, page 1 of 2" in page


@pytest.mark.parametrize("query", ["page=0", "page=x", f"page={9**40}", "who=" + "x" * 3000])
def test_a_log_that_cannot_be_asked_for(team_clients, query):
    assert team_clients["admin"].get(f"/audit.json?{query}").status_code == 422
