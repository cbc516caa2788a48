"""The pages of runs: what may be asked, what is refused, what each role sees, and what a worker's words become."""

import dataclasses
import re

import pytest
from sqlalchemy import update

import fieldshift as fs
from fieldshift.web import casebook, jobs
from fieldshift.web.run_words import first_bands
from fieldshift.web.settings import Limits
from fieldshift.web.store.tables import audit, runs

OUTLOOK = {"policy": "stay", "measure": "field", "of": "", "title": "In <b>the field</b>", "unit": "person"}
FIRST = {
    "draws": 80,
    "groups": 5,
    "policies": {"stay": "Stay <i>put</i>"},
    "outlooks": [
        OUTLOOK | {"when": "now", "low": 150.0, "middle": 150.0, "high": 150.0},
        OUTLOOK | {"when": "at the end", "low": 126.0, "middle": 132.4, "high": 136.0},
    ],
}


def ask(client, case, **more):
    return client.post(f"/cases/{case}/runs", data={"draws": "12", "seed": "3", **more}, follow_redirects=False)


def asked(client, case, **more):
    answer = client.post(f"/cases/{case}/runs.json", json={"draws": 100, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
def run(desk_client, casebook_case):
    """A run that waits."""
    return asked(desk_client, casebook_case, title="First <try>")


def noted(desk):
    with desk.db.connect() as store:
        return [(row.who, row.did, row.what) for row in store.execute(audit.select().order_by(audit.c.id))]


# ----------------------------------------------------------------------------------- asking for a run


def test_a_form_puts_a_run_into_the_queue(desk_client, casebook_case):
    page = desk_client.get(f"/cases/{casebook_case}/run")
    assert page.status_code == 200
    assert "Move and hire" in page.text
    answer = ask(desk_client, casebook_case, kind="simulate", policies=["both", "stay"])
    assert answer.status_code == 303
    run = jobs.get(desk_client.desk, answer.headers["location"].rsplit("/", 1)[1])
    assert run.asked == {"policies": ["stay", "both"], "draws": 12, "seed": 3}
    assert (run.kind, run.state, run.version, run.author) == ("simulate", "queued", 1, desk_client.visitor.name)
    assert (desk_client.visitor.name, "ran", f"run {run.id}") in noted(desk_client.desk)
    assert run.id in desk_client.get(f"/cases/{casebook_case}/run").text
    assert "2 policies, 12 futures, seed 3" in desk_client.get("/runs").text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"kind": "plan"}, {"draws": 12, "seed": 3}),
        ({"policies": ["stay", "move", "hire", "both"]}, {"policies": [], "draws": 12, "seed": 3}),
        (
            {"kind": "explore", "points": "20", "futures": "5", "quick": "true"},
            {"policies": [], "points": 20, "futures": 5, "seed": 3, "measure": "", "quick": True},
        ),
    ],
)
def test_each_kind_keeps_what_it_needs(desk_client, casebook_case, given, kept):
    answer = ask(desk_client, casebook_case, **given)
    assert jobs.get(desk_client.desk, answer.headers["location"].rsplit("/", 1)[1]).asked == kept


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"draws": "0"}, "draws", "At least 1."),
        ({"draws": "many"}, "draws", "A whole number"),
        ({"draws": "20001"}, "draws", "at most 20,000"),
        ({"kind": "plan", "draws": "2001"}, "draws", "at most 2,000"),
        ({"seed": "-1"}, "seed", "At least 0."),
        ({"policies": ["stay", "flee"]}, "policies", "There is no policy &#39;flee&#39;"),
        ({"policies": ["a\x00b"]}, "policies", "character that is none"),
        ({"kind": "explore", "points": "9"}, "points", "At least 10."),
        ({"kind": "explore", "points": "1000", "futures": "50"}, "points", "at most 20,000 in all"),
        ({"kind": "explore", "measure": "luck"}, "measure", "There is no headline &#39;luck&#39;"),
        ({"kind": "guess"}, "kind", "Choose one"),
        ({"title": "x" * 201}, "title", "At most 200 characters"),
    ],
)
def test_a_form_with_a_mistake_comes_back_with_words_beside_the_field(desk_client, casebook_case, given, field, words):
    answer = ask(desk_client, casebook_case, **given)
    assert answer.status_code == 422
    said = re.search(rf'<p class="wrong" id="wrong-{field}">(.*?)</p>', answer.text)
    assert said, answer.text
    assert words in said.group(1)
    assert jobs.listed(desk_client.desk, jobs.Listing())[1] == 0
    back = desk_client.get(f"/cases/{casebook_case}/runs", follow_redirects=False)
    assert back.headers["location"] == f"/cases/{casebook_case}/run"
    data = {"draws": 12, "seed": 3} | given
    refused = desk_client.post(f"/cases/{casebook_case}/runs.json", json=data)
    assert refused.status_code == 422
    assert refused.json()["problems"] or field in refused.json()["what"]


def test_what_a_case_lacks_is_said_and_cannot_be_chosen(desk_client):
    bare = {
        "name": "Bare",
        "horizon": {"periods": 2},
        "sites": [{"id": "one"}],
        "stocks": {"staff": {"start": 1, "spread": "even"}},
    }
    case = casebook.added(desk_client.desk, desk_client.visitor, fs.Scenario.model_validate(bare), "made here")
    page = desk_client.get(f"/cases/{case}/run").text
    assert "names no goals" in page
    assert "Nothing is unknown" in page
    assert len(re.findall(r'name="kind"[^>]* disabled', page)) == 2
    for kind, words in (("plan", "no goals"), ("explore", "Nothing is unknown"), ("simulate", "has no policy")):
        answer = desk_client.post(f"/cases/{case}/runs.json", json={"kind": kind})
        assert answer.status_code == 422
        assert words in " ".join(problem["what"] for problem in answer.json()["problems"])


def test_a_visitors_changes_become_a_version_first(desk_client, casebook_case):
    def change(work):
        return work.draft.changed({"horizon.periods": 30})

    casebook.edited(desk_client.desk, desk_client.visitor, casebook_case, change)
    assert "saves it as version 2 first" in desk_client.get(f"/cases/{casebook_case}/run").text
    run = asked(desk_client, casebook_case)
    assert jobs.get(desk_client.desk, run).version == 2
    assert casebook.scenario_of(desk_client.desk, casebook_case, 2).horizon.periods == 30
    assert "saves it" not in desk_client.get(f"/cases/{casebook_case}/run").text


def test_one_visitor_cannot_fill_the_queue(desk_client, casebook_case):
    desk = desk_client.desk
    desk_client.app.state.desk = dataclasses.replace(
        desk, settings=dataclasses.replace(desk.settings, limits=Limits(waiting=2))
    )
    run = asked(desk_client, casebook_case)
    asked(desk_client, casebook_case)
    refused = ask(desk_client, casebook_case)
    assert refused.status_code == 400
    assert "2 runs that wait or go on" in refused.text
    assert desk_client.post(f"/runs/{run}/again.json").status_code == 400
    jobs.cancelled(desk, run)
    assert ask(desk_client, casebook_case).status_code == 303


@pytest.mark.parametrize(
    "path", ["/cases/{}/run", "/cases/{}/run.json", "/runs/{}", "/runs/{}.json", "/runs/{}/progress"]
)
@pytest.mark.parametrize("name", ["nosuch", "%00", "..%2f..", "x" * 300])
def test_what_is_not_there_is_not_found(desk_client, path, name):
    assert desk_client.get(path.format(name)).status_code in (404, 422)


# ------------------------------------------------------------------------------------------- watching


def test_a_run_that_waits_says_its_place(desk_client, casebook_case, run):
    later = asked(desk_client, casebook_case)
    assert desk_client.get(f"/runs/{run}.json").json()["ahead"] == 0
    assert "It is next." in desk_client.get(f"/runs/{run}").text
    assert "One run is before it." in desk_client.get(f"/runs/{later}/progress").text
    page = desk_client.get(f"/runs/{run}").text
    assert "First &lt;try&gt;" in page
    assert "<try>" not in page


def test_progress_first_bands_and_the_end(desk_client, run):
    desk = desk_client.desk
    claim = jobs.claimed(desk, "w")
    jobs.beaten(desk, claim, jobs.HowFar("Simulating 4 policies", 30, 120, 75.0))
    part = desk_client.get(f"/runs/{run}/progress")
    assert part.text.lstrip().startswith('<div id="progress"')
    assert f'hx-get="/runs/{run}/progress"' in part.text
    assert "Simulating 4 policies" in part.text
    assert '<progress id="bar" max="120" value="30">25 %</progress>' in part.text
    assert "About 1 min 15 s left" in part.text
    jobs.first_told(desk, claim, FIRST)
    part = desk_client.get(f"/runs/{run}/progress").text
    assert "First look, 80 futures" in part
    assert "In &lt;b&gt;the field&lt;/b&gt; [person]" in part
    assert '<th scope="row">Stay &lt;i&gt;put&lt;/i&gt;</th><td class="right">150<svg' in part
    assert '<td class="right">132 (126 to 136)<svg class="band"' in part
    assert '<rect class="reach" x="0.0" y="1.5" width="41.7"' in part
    assert "Each line under a number runs from 126 to 150" in part
    data = desk_client.get(f"/runs/{run}.json").json()
    (table,) = data["first"]["tables"]
    assert table["scale"] == ["126", "150"]
    assert table["rows"][0]["cells"] == [
        {"words": "150", "low": 100.0, "middle": 100.0, "high": 100.0},
        {"words": "132 (126 to 136)", "low": 0.0, "middle": 26.7, "high": 41.7},
    ]
    assert data["run"]["remains"] == 75.0
    jobs.ended(desk, claim, "failed", "There is no plan.\nhire and seats clash <x>")
    over = desk_client.get(f"/runs/{run}/progress")
    assert over.headers["HX-Refresh"] == "true"
    assert over.text == ""
    page = desk_client.get(f"/runs/{run}").text
    assert "hire and seats clash &lt;x&gt;" in page
    assert f'action="/runs/{run}/again"' in page
    assert "hx-get" not in page


def test_first_bands_have_a_cell_for_every_date():
    late = OUTLOOK | {"policy": "go", "when": "at the end", "low": None, "middle": None, "high": None}
    found = first_bands(FIRST | {"policies": {"stay": "Stay", "go": "Go"}, "outlooks": [*FIRST["outlooks"], late]})
    assert found.dates == ["now", "at the end"]
    words = [[cell.words for cell in row.cells] for row in found.tables[0].rows]
    assert words == [["150", "132 (126 to 136)"], ["", "-"]]
    assert [cell.middle for cell in found.tables[0].rows[1].cells] == [None, None]
    assert first_bands(None) is None


def test_cancel_and_run_again(desk_client, run):
    assert "Cancel" in desk_client.get(f"/runs/{run}").text
    assert desk_client.post(f"/runs/{run}/cancel", follow_redirects=False).headers["location"] == f"/runs/{run}"
    assert jobs.get(desk_client.desk, run).state == "cancelled"
    assert desk_client.post(f"/runs/{run}/cancel.json").json()["state"] == "cancelled"
    assert [did for _, did, what in noted(desk_client.desk) if what == f"run {run}"] == ["ran", "cancelled"]
    again = desk_client.post(f"/runs/{run}/again", follow_redirects=False).headers["location"].rsplit("/", 1)[1]
    old, new = jobs.get(desk_client.desk, run), jobs.get(desk_client.desk, again)
    assert (new.asked, new.version, new.title, new.state) == (old.asked, old.version, old.title, "queued")
    assert desk_client.post("/runs/nosuch/cancel").status_code == 404
    assert desk_client.post("/runs/nosuch/again.json").status_code == 404


def test_a_run_that_is_stopping_says_so(desk_client, run):
    claim = jobs.claimed(desk_client.desk, "w")
    desk_client.post(f"/runs/{run}/cancel")
    page = desk_client.get(f"/runs/{run}").text
    assert "It stops as soon as it can." in page
    assert f'action="/runs/{run}/cancel"' not in page
    assert "stopping" in desk_client.get("/runs").text
    assert jobs.beaten(desk_client.desk, claim, jobs.HowFar("x")) == "cancel"


# -------------------------------------------------------------------------------------------- the list


def test_the_list_is_narrowed_by_its_address_and_paged(desk_client, casebook_case, monkeypatch):
    monkeypatch.setattr("fieldshift.web.run_pages.SHOWN", 2)
    ids = [asked(desk_client, casebook_case, title=f"number {n}") for n in range(5)]
    with desk_client.desk.db.begin() as store:
        for n, run in enumerate(ids):
            store.execute(update(runs).where(runs.c.id == run).values(created=float(n)))
    jobs.cancelled(desk_client.desk, ids[0])
    first = desk_client.get("/runs.json").json()
    assert [run["title"] for run in first["runs"]] == ["number 4", "number 3"]
    assert (first["count"], first["newer"]) == (5, "")
    second = desk_client.get(f"/runs.json?{first['older']}").json()
    assert [run["title"] for run in second["runs"]] == ["number 2", "number 1"]
    assert desk_client.get(f"/runs.json?{second['newer']}").json()["runs"] == first["runs"]
    only = desk_client.get("/runs.json?state=cancelled&kind=&author=&case=").json()
    assert [run["id"] for run in only["runs"]] == [ids[0]]
    assert desk_client.get("/runs.json?author=nobody").json()["count"] == 0
    assert "Northmark inspectorate</a> alone" in desk_client.get(f"/runs?case={casebook_case}&state=queued").text
    assert desk_client.get("/runs?skip=400").status_code == 200


@pytest.mark.parametrize(
    "query",
    ["state=gone", "kind=x", "case=..", "author=%00", "author=%ed%a0%80", "skip=-1", "skip=1e9", "author=" + "x" * 201],
)
def test_a_query_that_makes_no_sense_is_refused_in_words(desk_client, query):
    answer = desk_client.get(f"/runs.json?{query}")
    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or "author=%ed" in query  # half a character is read as a question mark
    assert "Traceback" not in answer.text


def test_only_finished_runs_with_bands_can_be_compared(desk_client, casebook_case, run):
    done = asked(desk_client, casebook_case)
    with desk_client.desk.db.begin() as store:
        store.execute(update(runs).where(runs.c.id == done).values(state="done", started=1.0, ended=96.0))
    page = desk_client.get("/runs").text
    assert f'name="run" value="{done}"' in page
    assert f'name="run" value="{run}"' not in page
    assert "The last one took 1 min 35 s" in desk_client.get(f"/cases/{casebook_case}/run").text


# --------------------------------------------------------------------------------------------- roles


def test_what_each_role_may(team_clients, team_case):
    anna, vera, bert, adam = (team_clients[key] for key in ("analyst", "viewer", "other", "admin"))
    run = asked(anna, team_case)
    for client in (vera, bert, adam):
        assert client.get(f"/runs/{run}").status_code == 200
        assert run in client.get("/runs").text
    page = vera.get(f"/cases/{team_case}/run").text
    assert "needs the role analyst" in page
    assert "<fieldset" not in page
    assert "Cancel" not in vera.get(f"/runs/{run}").text
    assert "Cancel" not in bert.get(f"/runs/{run}").text
    assert "Cancel" in adam.get(f"/runs/{run}").text
    assert ask(vera, team_case).status_code == 403
    assert vera.post(f"/cases/{team_case}/runs.json", json={}).status_code == 403
    assert vera.post(f"/runs/{run}/cancel").status_code == 403
    assert vera.post(f"/runs/{run}/again").status_code == 403
    assert bert.post(f"/runs/{run}/cancel.json").status_code == 403
    assert jobs.get(anna.desk, run).state == "queued"
    assert adam.post(f"/runs/{run}/cancel.json").json()["state"] == "cancelled"
    assert ("adam", "cancelled", f"run {run}") in noted(anna.desk)
    for path in (f"/runs/{run}", "/runs.json", f"/cases/{team_case}/run"):
        assert team_clients["nobody"].get(path, follow_redirects=False).status_code in (303, 401)
