"""The casebook: versions never change, drafts are never lost, and nobody overwrites anybody."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

import fieldshift as fs
from fieldshift.web import casebook
from fieldshift.web.app import create_app
from fieldshift.web.casebook import Behind, brought_over, committed, draft_of, edited
from fieldshift.web.desk import NotHere
from fieldshift.web.differences import differences
from fieldshift.web.doors import Visitor
from fieldshift.web.store.tables import audit


def put(desk, visitor, case, **texts):
    """Write texts at paths; `__` stands for a dot."""

    def edit(work):
        draft = work.draft
        for path, text in texts.items():
            draft = draft.with_text(draft.way(path.replace("__", ".")), text)
        return draft

    return edited(desk, visitor, case, edit)


@pytest.fixture
def two(team_clients, team_case) -> tuple:
    """Return the desk, two analysts, and a case."""
    return team_clients["analyst"].desk, team_clients["analyst"].visitor, team_clients["other"].visitor, team_case


def test_a_draft_is_there_again_after_a_restart(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="123.456 person", horizon__periods="many")
    again = create_app(desk.settings).state.desk
    work = draft_of(again, me, casebook_case)
    assert work.draft.text(("stocks", "desk", "start", "value")) == "123.456 person"
    assert work.draft.text(("horizon", "periods")) == "many", "a value that does not fit is kept too"
    assert dict(work.changes) == {"stocks.desk.start.value": "123.456 person", "horizon.periods": "many"}
    again.db.dispose()


def test_a_draft_without_problems_becomes_the_next_version(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="123.456 person")
    assert committed(desk, me, casebook_case, "  fewer at desks ") == 2
    assert casebook.scenario_of(desk, casebook_case, 2).stocks["desk"].start.value == "123.456 person"
    assert fs.digest(casebook.scenario_of(desk, casebook_case, 1)) == fs.digest(fs.read("academy"))
    newest = casebook.history_of(desk, casebook_case)[0]
    assert (newest.number, newest.note, newest.author) == (2, "fewer at desks", "local")
    work = draft_of(desk, me, casebook_case)
    assert (work.number, work.at, dict(work.changes)) == (2, None, {})
    assert committed(desk, me, casebook_case) == 2, "nothing to save: nothing is saved"


@pytest.mark.parametrize(("path", "text"), [("horizon.periods", "many"), ("flows.leave.tail", "desk, nobody")])
def test_a_draft_with_problems_stays_a_draft(desk_client, casebook_case, path, text):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, **{path: text})
    with pytest.raises(fs.ScenarioError):
        committed(desk, me, casebook_case)
    assert draft_of(desk, me, casebook_case).draft.text(tuple(path.split("."))) == text
    assert casebook.case_of(desk, casebook_case).newest == 1


def test_what_could_not_be_read_again_is_not_saved(desk_client, casebook_case):
    """A scenario may be larger as one text than any that is read: the case would open for nobody any more."""
    stocks = list(fs.read("academy").stocks)
    saved = []
    for path in ("about", *(f"stocks.{stock}.note" for stock in stocks[:2])):
        words = {"values": {path: "x" * 900_000}}
        assert desk_client.post(f"/cases/{casebook_case}/changes.json", json=words).status_code == 200
        saved.append(desk_client.post(f"/cases/{casebook_case}/save.json", json={}).status_code)
    assert saved == [200, 200, 422]
    for page in ("", "/history", "/diff?old=1&new=3", "/run"):
        assert desk_client.get(f"/cases/{casebook_case}{page}").status_code == 200, page


def test_a_draft_is_not_without_bounds(desk_client, casebook_case):
    answer = desk_client.post(f"/cases/{casebook_case}/changes.json", json={"values": {"about": "x" * 1_100_000}})
    assert answer.status_code == 413
    assert desk_client.get(f"/cases/{casebook_case}/side.json").json()["unsaved"] == []


def test_changing_a_value_back_leaves_no_draft(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="1 person")
    work = put(desk, me, casebook_case, stocks__desk__start="100 person")
    assert work.at is None
    assert not work.changes


def test_drafts_are_their_visitors_own(two):
    desk, anna, bert, case = two
    put(desk, anna, case, stocks__desk__start="1 person")
    assert not draft_of(desk, bert, case).changes
    put(desk, bert, case, stocks__desk__start="2 person")
    assert draft_of(desk, anna, case).draft.text(("stocks", "desk", "start", "value")) == "1 person"


def test_two_editors_lose_nothing(two):
    """Bert saves while Anna edits: she is told, refused, and brings hers over; both changes are in the end."""
    desk, anna, bert, case = two
    put(desk, anna, case, stocks__desk__start="1 person", levers__academy_seats__title="Hers")
    put(desk, bert, case, flows__leave__kind="left", levers__academy_seats__title="His")
    assert committed(desk, bert, case) == 2
    work = draft_of(desk, anna, case)
    assert work.behind
    assert work.draft.text(("flows", "leave", "kind")) == "quit", "her draft still changes the version she saw"
    with pytest.raises(Behind):
        committed(desk, anna, case)
    work = brought_over(desk, anna, case)
    assert not work.behind
    assert work.draft.text(("flows", "leave", "kind")) == "left"
    assert [(one.title, one.old, one.new) for one in differences(work.saved, work.draft)] == [
        ("Inspectors at desks: start", "100 person", "1 person"),
        ("Hers: title", "His", "Hers"),
    ]
    assert committed(desk, anna, case) == 3
    last = casebook.scenario_of(desk, case, 3)
    assert (last.stocks["desk"].start.value, last.flows["leave"].kind) == ("1 person", "left")


def test_a_change_of_a_part_that_others_removed_is_still_there(two):
    desk, anna, bert, case = two
    put(desk, anna, case, policies__both__title="Hers")
    edited(desk, bert, case, lambda work: work.draft.with_value(("policies", "both"), None))
    committed(desk, bert, case)
    work = brought_over(desk, anna, case)
    assert work.draft.text(("policies", "both", "title")) == "Hers"


def test_a_change_that_leads_nowhere_any_more_is_kept(two):
    """Anna changed an entry of a list by its place; the text of her change outlives the list."""
    desk, anna, bert, case = two
    edited(desk, anna, case, lambda work: work.draft.with_value(("sites", "coast", "weight"), 7))
    edited(desk, bert, case, lambda work: work.draft.with_value(("sites",), None))
    committed_by_hand = draft_of(desk, bert, case)
    assert committed_by_hand.draft.at(("sites",)) is None
    assert "sites.coast.weight" in draft_of(desk, anna, case).changes


def test_windows_of_one_visitor_do_not_undo_each_other(desk_client, casebook_case):
    """Twelve windows write to one draft at once: every change is in it."""
    desk, me = desk_client.desk, desk_client.visitor

    def write(i):
        edited(desk, me, casebook_case, lambda work: work.draft.with_value(("quantities", f"q{i}"), i + 0.5))

    with ThreadPoolExecutor(12) as windows:
        list(windows.map(write, range(12)))
    assert draft_of(desk, me, casebook_case).draft.at(("quantities",)) == {f"q{i}": i + 0.5 for i in range(12)}


def test_an_old_version_comes_back_as_a_new_one(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="1 person")
    committed(desk, me, casebook_case)
    assert casebook.restored(desk, me, casebook_case, 1) == 3
    digests = {one.number: one.digest for one in casebook.history_of(desk, casebook_case)}
    assert digests[1] == digests[3] != digests[2]
    assert casebook.restored(desk, me, casebook_case, 3) == 3, "the newest is there already"
    with pytest.raises(NotHere):
        casebook.restored(desk, me, casebook_case, 9)


def test_a_removed_case_is_not_here_and_comes_back(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    casebook.set_gone(desk, me, casebook_case, True)
    with pytest.raises(NotHere, match="brought back"):
        draft_of(desk, me, casebook_case)
    assert casebook.text_of(desk, casebook_case, 1), "its text is still in the store"
    casebook.set_gone(desk, me, casebook_case, False)
    assert draft_of(desk, me, casebook_case).number == 1


def test_a_copy_goes_its_own_way(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="1 person")
    committed(desk, me, casebook_case)
    copy = casebook.duplicated(desk, me, casebook_case)
    assert casebook.case_of(desk, copy).name == "Northmark inspectorate (copy)"
    assert casebook.scenario_of(desk, copy, 1).stocks["desk"].start.value == "1 person"
    put(desk, me, copy, stocks__desk__start="2 person")
    committed(desk, me, copy)
    assert casebook.case_of(desk, casebook_case).newest == 2


def test_the_case_follows_its_scenarios_name_until_it_has_its_own(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, name="Southmark")
    committed(desk, me, casebook_case)
    assert casebook.case_of(desk, casebook_case).name == "Southmark"
    casebook.name_given(desk, me, casebook_case, "Ours")
    put(desk, me, casebook_case, name="Eastmark")
    committed(desk, me, casebook_case)
    assert casebook.case_of(desk, casebook_case).name == "Ours"


def test_who_did_what_is_in_the_log(desk_client, casebook_case):
    desk, me = desk_client.desk, desk_client.visitor
    put(desk, me, casebook_case, stocks__desk__start="1 person")
    committed(desk, me, casebook_case, "why")
    casebook.set_gone(desk, me, casebook_case, True)
    with desk.db.connect() as store:
        found = store.execute(select(audit.c.who, audit.c.did, audit.c.what).order_by(audit.c.id)).all()
    assert [line for line in found if line.what == f"case {casebook_case}"] == [
        ("local", did, f"case {casebook_case}") for did in ("opened a case", "saved a version", "removed a case")
    ]


def test_there_is_nothing_at_a_strange_address(desk_client):
    stranger = Visitor(99, "x", "analyst")
    with pytest.raises(NotHere):
        draft_of(desk_client.desk, stranger, "nowhere")
