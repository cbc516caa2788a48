"""The page of a scenario: every field shown, what is typed arrives, what is wrong stands beside it."""

import html
import json
import re
from typing import Any

import pytest

import fieldshift as fs
from fieldshift.web import casebook, checking
from fieldshift.web.casebook import Case, Work
from fieldshift.web.desk import Desk
from fieldshift.web.scenario_views import Shown, page_of

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_open_move_save(desk_client):
    """The first way through: open a shipped case, move a lever, save a version, read it back."""
    answer = desk_client.post("/cases", data={"shipped": "ice-2024"}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    case = answer.headers["location"].removeprefix("/cases/")
    page = desk_client.get(f"/cases/{case}")
    assert page.status_code == 200, page.text
    assert "Retraining seats" in page.text
    moved = desk_client.post(f"/cases/{case}/changes", data={"lever:retrain_seats": "300"}, follow_redirects=False)
    assert moved.status_code == 303, moved.text
    told = desk_client.get(f"/cases/{case}.json").json()
    assert [(one["title"], one["new"]) for one in told["side"]["unsaved"]] == [
        ("Retraining seats: cap", "300 seat, assumption")
    ]
    saved = desk_client.post(f"/cases/{case}/save.json", json={"note": "more seats"})
    assert saved.json() == {"version": 2}, saved.text
    cap = casebook.scenario_of(desk_client.desk, case, 2).resources["retrain_seats"].cap
    assert (cap.value, cap.assumption, cap.range) == ("300 seat", True, None)
    assert fs.digest(casebook.scenario_of(desk_client.desk, case, 1)) == fs.digest(fs.read("ice-2024"))


def work_of(name: str) -> Work:
    """Return a shipped case as if it had been opened, without a desk."""
    draft = fs.Draft.of(fs.read(name))
    return Work(Case("x", name, "", "", 0.0, 0.0, False, 1), 1, draft, draft, draft, {}, None)


def shown(work: Work, desk: Desk) -> dict[str, tuple[str, str]]:
    """Return text and kind of every field on every page of a scenario, by path: all that a reader can reach."""
    found: dict[str, tuple[str, str]] = {}
    todo = [("levers.table", "", 1)] + [(tab.key, "", 1) for tab in page_of(desk, work, True, Shown()).side.tabs[1:]]
    done = set()
    while todo:
        state = todo.pop()
        if state in done:
            continue
        done.add(state)
        part, opened, number = state
        page = page_of(desk, work, True, Shown(part=part, open=opened, page=number))
        tables = ([page.table] if page.table else []) + (page.form.lists if page.form else [])
        fields = [*page.form.fields, *page.form.rare] if page.form else []
        for table in tables:
            fields += [cell for row in table.rows for cell in row.cells]
            todo += [(part, row.path, 1) for row in table.rows]
            todo += [(part, opened, i) for i in range(2, table.pages + 1)]
            for row in table.rows:
                found[f"{table.path}.{row.name}.id"] = (row.name, "text")
        for grid in page.form.grids if page.form else ():
            fields += [cell for row in grid.rows for cell in row.cells]
            todo += [(part, opened, i) for i in range(2, grid.pages + 1)]
        for field in fields:
            for one in (field, *field.more):
                if one.kind not in ("amount", "list") or not one.summary:
                    found[one.path] = (one.text, one.kind)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", fs.cases())
def test_every_page_of_every_shipped_case_is_there(desk_client, name):
    """All that links lead to from a case's page, down to entries of lists and further pages of tables."""
    case = casebook.added(desk_client.desk, desk_client.visitor, fs.read(name), f"shipped: {name}")
    todo, done = {f"/cases/{case}"}, set()
    while todo:
        url = todo.pop()
        done.add(url)
        page = desk_client.get(url)
        assert page.status_code == 200, (url, page.text[-500:])
        links = {html.unescape(link) for link in re.findall(r'href="(/cases/[^"#]*)', page.text)}
        found = {link for link in links if f"/cases/{case}?" in link}
        todo |= {link for link in found if len(link.split(".")) < 3 or ".0" in link} - done
    assert len(done) > 40


def leaves(work: Work) -> dict[str, Any]:
    """Return everything that a scenario says, by the path of the field that it belongs to."""
    found: dict[str, Any] = {}

    def walk(node: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(node, dict) and node:
            for key, item in node.items():
                walk(item, (*path, key))
        elif isinstance(node, list) and node and isinstance(node[0], dict):
            for i, item in enumerate(node):
                walk(item, (*path, item["id"] if path == ("sites",) else i))
        else:
            found[".".join(map(str, path))] = node

    walk(work.draft.data, ())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", fs.cases())
def test_every_field_of_every_shipped_case_is_shown(desk_client, name):
    """Whatever stands in the file stands in a field: itself, or the mapping that it is a part of."""
    work = work_of(name)
    there = shown(work, desk_client.desk)
    missing = []
    for path, value in leaves(work).items():
        way = work.draft.way(path)
        keys = [".".join(map(str, way[:length])) for length in range(len(way), 0, -1)]
        spot = next((key for key in (f"{keys[0]}.value", f"{keys[0]}.price.value", *keys) if key in there), None)
        if spot is None:
            missing.append(path)
        elif spot.startswith(keys[0]):
            assert there[spot][0] == work.draft.text(way), path
        else:
            assert str(value) in there[spot][0] or work.draft.text(way) in there[spot][0], (path, there[spot])
    assert not missing


TYPED = {
    "stocks.desk.start.value": ("101.5 person", lambda s: s.stocks["desk"].start.value, "101.5 person"),
    "stocks.desk.start.range": ("90..110 person", lambda s: s.stocks["desk"].start.range, "90..110 person"),
    "stocks.desk.start.assumption": ("true", lambda s: s.stocks["desk"].start.assumption, True),
    "stocks.field.on_strength": ("false", lambda s: s.stocks["field"].on_strength, False),
    "stocks.field.tags": ("team: a, shift: night", lambda s: dict(s.stocks["field"].tags), {"team": "a", "shift": "night"}),
    "flows.leave.tail": ("field", lambda s: s.flows["leave"].tail, "field"),
    "flows.leave.rate.value": ("0.0612345678901", lambda s: s.flows["leave"].rate.value, 0.0612345678901),
    "choices.hire.lump": ("7", lambda s: s.choices["hire"].lump, 7),
    "choices.retrain.uses": ("retrain_seats: 0.25", lambda s: dict(s.choices["retrain"].uses), {"retrain_seats": 0.25}),
    "choices.hire.stages.1.pass.value": ("87.5 %", lambda s: s.choices["hire"].stages[1].pass_.value, "87.5 %"),
    "choices.detail.to": ("coast, north", lambda s: s.choices["detail"].to, ("coast", "north")),
    "choices.detail.from": ("2025-06-02", lambda s: s.choices["detail"].start_from.isoformat(), "2025-06-02"),
    "needs.field.need.dates.2025-07-28": ("170 person", lambda s: s.needs["field"].need.dates["2025-07-28"], "170 person"),
    "policies.move.rules.0.total.value": ("21 person", lambda s: s.policies["move"].rules[0].total.value, "21 person"),
    "sites.coast.weight": ("0.123456789012345", lambda s: s.sites[3].weight, 0.123456789012345),
    "horizon.step": ("month", lambda s: s.horizon.step, "month"),
    "goals.0.slack": ("0.05", lambda s: s.goals[0].slack, 0.05),
    "headlines.1.better": ("more", lambda s: s.headlines[1].better, "more"),
    "levers.academy_seats.to": ("48 seat", lambda s: s.levers["academy_seats"].to, "48 seat"),
    "name": ("Südmark — “new”", lambda s: s.name, "Südmark — “new”"),
}  # fmt: skip


@pytest.mark.parametrize("by", ["form", "json"])
def test_what_is_typed_arrives_to_the_digit(desk_client, casebook_case, by):
    texts = {path: text for path, (text, _, _) in TYPED.items()}
    if by == "form":
        fields = {f"f:{path}": text for path, text in texts.items()}
        answer = desk_client.post(f"/cases/{casebook_case}/changes", data=fields, follow_redirects=False)
        assert answer.status_code == 303, answer.text
    else:
        answer = desk_client.post(f"/cases/{casebook_case}/changes.json", json={"texts": texts})
        assert answer.status_code == 200, answer.text
        assert answer.json()["problems"] == []
    work = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case)
    scenario = work.draft.scenario()
    for path, (_, read, value) in TYPED.items():
        assert read(scenario) == value, path
    back = fs.Draft.of(scenario)
    assert {path: back.text(back.way(path)) for path in texts} == texts, "and is shown again as it was typed"


def test_a_page_sent_back_as_it_is_changes_nothing(desk_client):
    """Every form of the flagship, sent by a browser without scripts: nothing was typed, nothing is changed."""
    case = casebook.added(desk_client.desk, desk_client.visitor, fs.read("ice-2024"), "shipped: ice-2024")
    for state in ("levers", "scenario", "sites", "quantities", "stocks", "work&open=work.docket", "policies"):
        page = desk_client.get(f"/cases/{case}?part={state}").text
        fields = dict(re.findall(r'<input type="(?:text|number)"[^>]*? name="([^"]+)" value="([^"]*)"', page))
        fields |= dict(re.findall(r'<textarea [^>]*? name="([^"]+)"[^>]*>\n?([^<]*)</textarea>', page))
        assert len(fields) > 3, state
        sent = {html.unescape(name): html.unescape(text) for name, text in fields.items()}
        answer = desk_client.post(f"/cases/{case}/changes", data=sent, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        assert not casebook.draft_of(desk_client.desk, desk_client.visitor, case).changes, state


def test_a_lever_goes_and_comes_back(desk_client):
    case = casebook.added(desk_client.desk, desk_client.visitor, fs.read("ice-2024"), "shipped: ice-2024")

    def moved(number: str) -> dict[str, Any]:
        desk_client.post(f"/cases/{case}/changes", data={"lever:retrain_seats": number})
        levers = desk_client.get(f"/cases/{case}.json").json()["levers"]
        return next(lever for lever in levers if lever["name"] == "retrain_seats")

    lever = moved("300")
    assert (lever["text"], lever["value"], lever["base"], lever["changed"]) == ("300 seat", 300, "240 seat", True)
    assert lever["evidence"]["range"] == "100..600 seat"
    lever = moved("240")
    assert not lever["changed"], "back at the base it is the base's number, with its range"
    assert not casebook.draft_of(desk_client.desk, desk_client.visitor, case).changes
    moved("300")
    desk_client.post(f"/cases/{case}/undo", data={"path": "resources.retrain_seats.cap", "to": "base"})
    assert not casebook.draft_of(desk_client.desk, desk_client.visitor, case).changes
    assert moved("not a number")["text"] == "not a number seat"


def test_problems_stand_beside_their_fields(desk_client, casebook_case):
    texts = {"choices.hire.lump": "seven", "stocks.desk.pay.value": "60000 USD/yaer", "flows.leave.tail": "dsk"}
    desk_client.post(f"/cases/{casebook_case}/changes.json", json={"texts": texts})
    page = desk_client.get(f"/cases/{casebook_case}?part=choices&open=choices.hire").text
    told = re.search(r'id="w-choices.hire.lump">(.*?)</p>', page)[1]
    assert "expected a whole number" in told
    full = desk_client.get(f"/cases/{casebook_case}/side.json").json()
    assert full["complete"]
    assert not full["runnable"]
    assert {"choices.hire.lump", "stocks.desk.pay.value", "flows.leave.tail"} <= {
        one["path"] for one in full["problems"]
    }
    page = desk_client.get(f"/cases/{casebook_case}?part=flows").text
    assert "did you mean &#39;desk&#39;?" in page, "with its hint"
    same = [f"{problem.what} {problem.hint}" for problem in problems_of(desk_client, casebook_case)]
    assert [f"{one['what']} {one['hint']}" for one in full["problems"]] == same, "the very words of fs.problems"


def test_most_problems_are_told_at_once_and_the_rest_when_there_is_time(desk_client, casebook_case):
    """A wrong name is told with the answer; what goes wrong under one policy alone, after every check was made."""
    url = f"/cases/{casebook_case}"
    values = {"flows.leave.tail": "dsk", "policies.move.set": {"stocks.field.pay": "60000 USD/yaer"}}
    at_once = desk_client.post(f"{url}/changes.json", json={"values": values}).json()
    assert not at_once["complete"]
    assert not at_once["runnable"]
    later = desk_client.get(f"{url}/side.json").json()
    assert later["complete"]
    told = [[one["path"] for one in side["problems"]] for side in (at_once, later)]
    assert told[0] == ["flows.leave.tail"]
    assert set(told[1]) > set(told[0])
    assert desk_client.get(f"{url}.json").json()["side"]["problems"] == later["problems"], "found once, it stays told"


def problems_of(client, case):
    draft = casebook.draft_of(client.desk, client.visitor, case).draft
    with pytest.raises(fs.ScenarioError) as told:
        draft.scenario()
    return [*told.value.problems, *fs.problems(told.value.readable)]


def test_parts_and_entries_come_and_go(desk_client, casebook_case):
    url = f"/cases/{casebook_case}"

    def post(action, **fields):
        answer = desk_client.post(f"{url}/{action}", data=fields, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    assert post("parts", at="stocks", name="reserve").endswith("?part=stocks&open=stocks.reserve")
    assert post("parts", at="policies.move.rules").endswith("open=policies.move.rules.1")
    post("parts", at="needs.field.need.dates", name="2026-01-05")
    post("parts", at="sites", name="west")
    post("parts", at="goals")
    draft = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft
    assert draft.at(("stocks", "reserve")) == {}
    assert draft.at(("needs", "field", "need", "dates", "2026-01-05")) == "165 person"
    assert [site["id"] for site in draft.at(("sites",))][-1] == "west"
    assert len(draft.at(("goals",))) == 4
    post("remove", path="stocks.reserve")
    post("remove", path="policies.move.rules.1")
    post("remove", path="needs.field.need.dates.2026-01-05")
    post("remove", path="sites.west")
    post("remove", path="goals.3")
    assert not casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).changes
    assert desk_client.post(f"{url}/parts", data={"at": "stocks", "name": "desk"}).status_code == 400
    assert desk_client.post(f"{url}/parts", data={"at": "stocks", "name": "1 x"}).status_code == 400


def test_a_part_is_renamed_where_that_is_safe(desk_client, casebook_case):
    """Names in fields for names follow; a name inside a path or a formula is for a person to change."""
    url = f"/cases/{casebook_case}/rename-part"
    answer = desk_client.post(f"{url}.json", json={"at": "choices.retrain", "name": "to_field"})
    assert answer.status_code == 200, answer.text
    draft = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft
    assert list(draft.at(("choices",))) == ["to_field", "hire", "detail"], "its place stays"
    assert draft.scenario().policies["move"].rules[0].choice == "to_field"
    desk_client.post(url, data={"at": "stocks.desk", "name": "office"})
    scenario = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft.scenario()
    assert scenario.flows["leave"].tail == ("office", "field")
    assert (scenario.work["reports"].by, scenario.choices["to_field"].fail_to) == ("office", "office")
    assert fs.problems(scenario) == fs.problems(fs.read("academy"))
    refused = desk_client.post(f"{url}.json", json={"at": "resources.academy_seats", "name": "seats"})
    assert refused.status_code == 400
    assert "Academy seats: path" in refused.json()["what"], "the lever names it in its path"
    for at, name in (("stocks.field", "office"), ("stocks.field", "2 x"), ("stocks", "x"), ("goals.0", "x")):
        assert desk_client.post(f"{url}.json", json={"at": at, "name": name}).status_code == 400


def test_sites_get_a_further_attribute(desk_client, casebook_case):
    url = f"/cases/{casebook_case}/attributes"
    assert desk_client.post(f"{url}.json", json={"name": "rooms", "text": "2.5"}).status_code == 200
    desk_client.post(url, data={"name": "open", "text": "yes"})
    sites = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft.scenario().sites
    assert [(site.attributes["rooms"], site.attributes["open"]) for site in sites] == [(2.5, "yes")] * 4
    assert "rooms" in desk_client.get(f"/cases/{casebook_case}?part=sites").text
    for name in ("rooms", "weight", "", "a b"):
        assert desk_client.post(f"{url}.json", json={"name": name}).status_code == 400


def test_a_number_is_said_by_site_and_back(desk_client, casebook_case):
    url = f"/cases/{casebook_case}/say.json"
    assert desk_client.post(url, json={"path": "stocks.desk.start", "form": "sites"}).status_code == 200
    start = (
        casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft.scenario().stocks["desk"].start
    )
    assert dict(start.sites) == {"north": "40 person", "east": "30 person", "south": "20 person", "coast": "10 person"}
    page = desk_client.get(f"/cases/{casebook_case}.json?part=stocks&open=stocks.desk").json()
    assert [row["label"] for row in page["form"]["grids"][0]["rows"]] == [
        "North (north)", "East (east)", "South (south)", "Coast (coast)",
    ]  # fmt: skip
    desk_client.post(url, json={"path": "stocks.desk.start", "form": "value"})
    assert not casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).changes


def test_a_total_stays_the_total_and_what_cannot_stand_is_noted(desk_client, casebook_case):
    """99 people split whole by the largest remainder; a rate is the same everywhere; a cap's spread is not known."""

    def said(path, form):
        desk_client.post(f"/cases/{casebook_case}/say.json", json={"path": path, "form": form})
        draft = casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft
        return draft.at(draft.way(path)), draft

    url = f"/cases/{casebook_case}/changes.json"
    desk_client.post(url, json={"values": {"stocks.desk.start": {"value": "99 person", "range": "90..110 person"}}})
    start, _ = said("stocks.desk.start", "sites")
    assert start["sites"] == {"north": "39 person", "east": "30 person", "south": "20 person", "coast": "10 person"}
    assert start["note"] == "said before: 99 person; range 90..110 person"
    desk_client.post(url, json={"texts": {"stocks.desk.start.sites.coast": "20 person"}})
    start, _ = said("stocks.desk.start", "value")
    assert start["value"] == "109 person"
    rate, _ = said("flows.leave.rate", "sites")
    assert set(rate["sites"].values()) == {"6 %/year"}
    assert "5..8 %/year" in rate["note"]
    cap, draft = said("resources.retrain_seats.cap", "sites")
    assert set(cap["sites"].values()) == {"0 seat"}
    assert "not known" in cap["note"]
    draft.scenario()


def test_a_value_that_is_typed_is_what_counts(desk_client):
    """Outside its range it is exact, inside the range stays; the source goes; all of it comes back."""
    case = casebook.added(desk_client.desk, desk_client.visitor, fs.read("ice-2024"), "shipped: ice-2024")

    def typed(**texts):
        sent = {f"quantities.officers.{key}": text for key, text in texts.items()}
        desk_client.post(f"/cases/{case}/changes.json", json={"texts": sent})
        return casebook.draft_of(desk_client.desk, desk_client.visitor, case).draft.at(("quantities", "officers"))

    old = typed()
    note = old["note"]
    assert typed(value="60 person") == {"value": "60 person", "note": note, "assumption": True}
    inside = {"value": "6200 person", "range": old["range"], "note": note, "assumption": True}
    assert typed(value="6200 person") == inside, "letter by letter, the range is not lost on the way"
    desk_client.post(f"/cases/{case}/undo.json", json={"path": "quantities.officers.value"})
    assert typed() == old
    assert typed(value="7000 person", source="A count") == {"value": "7000 person", "note": note, "source": "A count",
        "as_of": old["as_of"]}  # fmt: skip
    desk_client.post(f"/cases/{case}/undo.json", json={"path": "quantities.officers.value"})
    assert typed() == old
    desk_client.post(f"/cases/{case}/changes.json", json={"texts": {"quantities.desk_share.value": "80 %"}})
    draft = casebook.draft_of(desk_client.desk, desk_client.visitor, case).draft
    assert draft.at(("quantities", "desk_share", "estimates")) is None


def test_a_lever_beyond_its_ends_is_told(desk_client, casebook_case):
    url = f"/cases/{casebook_case}"
    desk_client.post(f"{url}/changes.json", json={"texts": {"lever:academy_seats": "40"}})
    what = "40 seat lies outside 6 to 36 seat, what the lever thinks possible"
    side = desk_client.get(f"{url}/side.json").json()
    assert [(one["what"], one["level"]) for one in side["problems"]] == [(what, "warning")]
    assert side["runnable"]
    assert desk_client.get(url).text.count(what) == 2, "beside it and in the list"


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8311", "http://evil.example", "http://127.0.0.1:8311/"])
def test_an_error_leads_back_to_where_one_came_from(desk_client, casebook_case, origin):
    body = {"at": "stocks", "name": "Reserve officers!"}
    answer = desk_client.post(
        f"/cases/{casebook_case}/parts", data=body, headers={"Referer": f"{origin}/cases/{casebook_case}?part=stocks"}
    )
    assert answer.status_code == 400
    back = f'href="/cases/{casebook_case}?part=stocks"' in answer.text
    assert back == (origin == "http://127.0.0.1:8311")
    assert "evil" not in answer.text


def test_a_viewer_reads_everything_and_changes_nothing(team_clients, team_case):
    viewer = team_clients["viewer"]
    for state in ("levers", "stocks", "stocks&open=stocks.desk", "sites", "scenario", "policies&open=policies.move"):
        page = viewer.get(f"/cases/{team_case}?part={state}")
        assert page.status_code == 200
        assert not re.search(r"<(input|select|textarea|button)(?![^>]*>\s*Leave)", page.text), state
    assert "60000 USD/year" in viewer.get(f"/cases/{team_case}?part=stocks").text
    for action in ("changes", "undo", "parts", "remove", "say", "discard", "bring-over", "save"):
        body = {"texts": {"name": "x"}, "path": "name", "at": "stocks", "name": "x", "form": "value", "note": ""}
        assert viewer.post(f"/cases/{team_case}/{action}.json", json=body).status_code == 403, action
        assert viewer.post(f"/cases/{team_case}/{action}", data={"path": "name"}).status_code == 403, action


def test_two_editors_are_shown_to_each_other(team_clients, team_case):
    anna, bert = team_clients["analyst"], team_clients["other"]
    anna.post(f"/cases/{team_case}/changes.json", json={"texts": {"stocks.desk.start.value": "1 person"}})
    bert.post(f"/cases/{team_case}/changes.json", json={"texts": {"flows.leave.kind": "left"}})
    assert bert.post(f"/cases/{team_case}/save.json", json={}).json() == {"version": 2}
    page = anna.get(f"/cases/{team_case}").text
    assert "Version 2 was saved meanwhile" in page
    assert "Leave: kind" in page
    refused = anna.post(f"/cases/{team_case}/save.json", json={})
    assert refused.status_code == 409
    anna.post(f"/cases/{team_case}/bring-over", data={})
    assert anna.post(f"/cases/{team_case}/save.json", json={}).json() == {"version": 3}


def test_a_form_of_an_older_page_is_refused_whole(desk_client, casebook_case):
    url = f"/cases/{casebook_case}/changes"
    page = desk_client.get(f"/cases/{casebook_case}?part=stocks").text
    seen = re.search(r'name="seen" value="([^"]+)"', page)[1]
    assert desk_client.post(url, data={"seen": seen, "f:name": "First"}, follow_redirects=False).status_code == 303
    late = desk_client.post(url, data={"seen": seen, "f:name": "Second"}, follow_redirects=False)
    assert late.status_code == 409
    assert casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).draft.text(("name",)) == "First"


def texts_of(work: Work, desk: Desk) -> list[str]:
    """Return the paths of all fields that take text of any kind."""
    free = ("text", "mapping", "any", "names", "where", "name", "value", "date")
    return [path for path, (_, kind) in shown(work, desk).items() if kind in free and not path.endswith(".id")]


def test_what_a_planner_writes_is_never_taken_for_the_page(desk_client, casebook_case):
    """A hostile text in every field that takes text, and as the name of a part: every page shows it as text."""
    work = work_of("academy")
    texts = dict.fromkeys(texts_of(work, desk_client.desk), EVIL)
    assert len(texts) > 100
    desk_client.post(f"/cases/{casebook_case}/changes.json", json={"texts": {"name": EVIL, "about": EVIL}})
    desk_client.post(f"/cases/{casebook_case}/save.json", json={"note": EVIL})
    desk_client.post(f"/cases/{casebook_case}/rename.json", json={"name": EVIL})
    answer = desk_client.post(
        f"/cases/{casebook_case}/changes.json", json={"texts": texts, "values": {"stocks.evil": {EVIL: EVIL}}}
    )
    assert answer.status_code == 200, answer.text
    tabs = [tab["key"] for tab in desk_client.get(f"/cases/{casebook_case}.json").json()["side"]["tabs"]]
    urls = [f"/cases/{casebook_case}?part={tab}" for tab in (*tabs, "levers.table")]
    urls += [f"/cases/{casebook_case}?part=stocks&open={path}" for path in ("stocks.desk", "stocks.evil")]
    urls += [f"/cases/{casebook_case}/{name}" for name in ("side", "history", "diff")] + ["/cases"]
    met = 0
    for url in urls:
        page = desk_client.get(url)
        assert page.status_code == 200, (url, page.text[:500])
        assert "<script>alert" not in page.text, url
        assert "<img src=x" not in page.text, url
        assert "49" not in re.findall(r"onerror=alert\(2\)&gt;(..)", page.text), url
        met += page.text.count("&lt;script&gt;")
    assert met > 100


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_characters_that_are_none_are_refused(desk_client, casebook_case, text):
    body = json.dumps({"texts": {"name": text}})
    answer = desk_client.post(
        f"/cases/{casebook_case}/changes.json", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    deep: Any = 1
    for _ in range(60):
        deep = [deep]
    answer = desk_client.post(f"/cases/{casebook_case}/changes.json", json={"values": {"policies.move.set": deep}})
    assert answer.status_code == 422
    assert not casebook.draft_of(desk_client.desk, desk_client.visitor, casebook_case).changes


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [("0 seat", "5e-324 seat", 1.0), ("0 seat", "1e-321 seat", 1.0), ("-1e308 seat", "1e308 seat", 1.0),
     ("0 seat", "2e-299 seat", 2e-301), ("0 seat", "1e308 seat", 1e306), ("0 seat", "0 seat", 1.0),
     ("0 seat", "1e999 seat", None), ("-1e999 seat", "0 seat", None)],
)  # fmt: skip
def test_a_lever_may_be_as_small_or_as_large_as_it_likes(desk_client, casebook_case, low, high, step):
    """A way that no step can divide is gone at once; one without an end has no slider."""
    texts = {"levers.academy_seats.step": "", "levers.academy_seats.from": low, "levers.academy_seats.to": high}
    answer = desk_client.post(f"/cases/{casebook_case}/changes.json", json={"texts": texts})
    assert answer.status_code == 200, answer.text
    data = {"lever:academy_seats": "30"}
    assert desk_client.post(f"/cases/{casebook_case}/changes", data=data).status_code == 200
    assert desk_client.get(f"/cases/{casebook_case}").status_code == 200
    levers = desk_client.get(f"/cases/{casebook_case}.json").json()["levers"]
    found = {lever["name"]: lever["step"] for lever in levers}
    assert found.get("academy_seats") == (step if step is None else pytest.approx(step))


def test_addresses_of_problems_lead_to_their_fields(desk_client, casebook_case):
    for path, state in {
        "horizon.periods": "part=scenario",
        "stocks.desk.start": "part=stocks&open=stocks.desk",
        "policies.move.rules.0.amount": "part=policies&open=policies.move.rules.0",
        "sites.coast.weight": "part=sites",
        "nowhere.at.all": "part=scenario",
    }.items():
        answer = desk_client.get(f"/cases/{casebook_case}/at?path={path}", follow_redirects=False)
        assert answer.headers["location"].split("?")[1].split("#")[0] == state
        assert desk_client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("state", ["part=nothing", "part=stocks&open=stocks.nobody", "part=stocks&open=name", "page=0"])
def test_strange_states_of_the_page_are_told_in_words(desk_client, casebook_case, state):
    answer = desk_client.get(f"/cases/{casebook_case}.json?{state}")
    assert answer.status_code in (400, 422)
    assert answer.json()["what"]
    assert desk_client.get("/cases/nowhere.json").status_code == 404


def test_a_scenario_with_very_many_levers_is_refused_and_not_checked_apart(desk_client, casebook_case, monkeypatch):
    """Every lever and policy is a scenario of its own to check: the desk would do nothing else for hours."""
    asked = []
    whole = fs.problems
    monkeypatch.setattr(checking, "_CHECKED", checking._Kept(8))  # others may have checked the same case
    monkeypatch.setattr(checking, "APART", 4)
    monkeypatch.setattr(fs, "problems", lambda *a, **more: asked.append(more) or whole(*a, **more))
    side = desk_client.get(f"/cases/{casebook_case}/side.json").json()
    assert next(one["what"] for one in side["problems"] if one["level"] == "error").endswith("levers and policies")
    assert side["runnable"] is False
    assert {"apart": False} in asked
    assert {} not in asked
