"""Runs side by side at the desk: paired where they share their futures, told where they do not, made once."""

import json
import re

import finished
import pytest

import fieldshift as fs
from fieldshift.web import comparing

MORE = {"resources.retrain_seats.cap": "16 seat"}


@pytest.fixture(scope="module")
def results():
    base = fs.overlaid(fs.read("academy"), finished.SHORT)
    changed = fs.overlaid(base, MORE)
    return {
        "base": finished.simulated(base),
        "more": finished.simulated(changed),
        "other": finished.simulated(base, seed=2, policies=["stay", "move"]),
    }


@pytest.fixture
def runs(desk_client, results):
    case = finished.short_case(desk_client)
    finished.changed(desk_client, case, MORE)
    return {
        "base": finished.put(desk_client, case, results["base"], title="As it is"),
        "more": finished.put(desk_client, case, results["more"], version=2, title="More <seats>"),
        "other": finished.put(desk_client, case, results["other"], seed=2),
    }


def compared(client, *runs, **more):
    answer = client.get("/compare.json", params={"run": runs, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_two_runs_differ_as_python_says(desk_client, runs, results):
    told = compared(desk_client, runs["base"], runs["more"])
    assert told["paired"] is True
    assert [side["label"] for side in told["runs"]] == ["As it is", "More <seats>"]
    titles = results["base"].titles
    assert list(told["differences"]) == [titles[p] for p in results["base"].policies]
    for policy in results["base"].policies:
        sides = [fs.Side("As it is", results["base"], policy), fs.Side("More <seats>", results["more"], policy)]
        assert told["differences"][titles[policy]] == json.loads(json.dumps(fs.compared(sides)))
    moved = [r["difference"] for r in told["differences"]["Move"] if r["side"] == "More <seats>"]
    assert any(one["mean"] for one in moved)
    (inputs,) = told["inputs"]
    assert inputs["same_case"] is True
    assert [(d["path"], d["old"], d["new"]) for d in inputs["differences"]] == [
        ("resources.retrain_seats.cap.value", "6 seat", "16 seat")
    ]


def test_the_page_shows_lines_differences_and_inputs(desk_client, runs):
    compared(desk_client, runs["base"], runs["more"])
    text = desk_client.get("/compare", params={"run": [runs["base"], runs["more"]], "policy": "move"}).text
    if "being made" in text:
        compared(desk_client, runs["base"], runs["more"], policy="move")
        text = desk_client.get("/compare", params={"run": [runs["base"], runs["more"]], "policy": "move"}).text
    assert re.findall(r'<section id="(.*?)"', text) == ["differences", "lines", "apart"]
    assert "More &lt;seats&gt;" in text
    assert "More <seats>" not in text
    assert "resources.retrain_seats.cap.value" in text
    source = re.search(r'data-source="(.*?)"', text).group(1)
    for section in ("lines", "apart"):
        assert desk_client.get(f"{source}{section}.json").json()["figures"]
    assert desk_client.get(f"{source}differences.json").status_code == 404
    assert desk_client.get("/compare/data/../page.json").status_code in (404, 422)


def test_runs_that_share_no_futures_have_no_bands(desk_client, runs):
    told = compared(desk_client, runs["base"], runs["other"])
    assert told["paired"] is False
    assert told["unpaired"] == "seed"
    assert list(told["differences"]) == ["Stay", "Move"]
    apart = [r["difference"] for rows in told["differences"].values() for r in rows if r["difference"]]
    assert apart
    assert all(one["low"] is None for one in apart)


def test_the_policies_of_one_run(desk_client, runs, results):
    told = compared(desk_client, runs["base"], policy=["stay", "hire"])
    result = results["base"]
    sides = [fs.Side(result.titles[p], result, p) for p in ("stay", "hire")]
    assert told["differences"] == {"": json.loads(json.dumps(fs.compared(sides)))}
    assert told["inputs"] == []


def test_other_measures_than_the_headlines(desk_client, runs, results):
    told = compared(desk_client, runs["base"], runs["more"], policy=["move"], measure=["training", "passed.retrain"])
    rows = told["differences"]["Move"]
    assert {(row["measure"], row["of"]) for row in rows} == {("training", ""), ("passed", "retrain")}
    row = next(
        r for r in rows if r["measure"] == "passed" and r["side"] == "More <seats>" and r["when"] == "at the end"
    )
    at = [day.isoformat() for day in results["base"].dates("passed")].index(row["date"])
    one, other = (results[name].values("move", "passed", "retrain")[:, at] for name in ("base", "more"))
    assert row["difference"]["mean"] == pytest.approx(float((other - one).mean()), abs=1e-6)
    page = desk_client.get("/compare", params={"run": [runs["base"], runs["more"]], "measure": ["nothing"]})
    assert page.status_code == 400


def test_three_runs_and_labels_that_would_be_the_same(desk_client, results):
    case = finished.short_case(desk_client)
    ids = [finished.put(desk_client, case, results["base"]) for _ in range(3)]
    told = compared(desk_client, *ids)
    assert len({side["label"] for side in told["runs"]}) == 3
    assert all(one["count"] == 0 for one in told["inputs"])
    assert "Nothing: both runs are of the same inputs." in desk_client.get("/compare", params={"run": ids}).text


def test_it_is_made_once(desk_client, runs, monkeypatch):
    first = compared(desk_client, runs["base"], runs["more"])
    monkeypatch.setattr(comparing, "_make", None)
    assert compared(desk_client, runs["base"], runs["more"]) == first
    assert [p.name for p in (desk_client.desk.settings.store / "compared").iterdir()]


def test_a_page_that_is_not_ready_says_so_and_comes_back(desk_client, runs, monkeypatch):
    monkeypatch.setattr(comparing, "made", lambda desk, sides, wait=None: None)
    text = desk_client.get("/compare", params={"run": [runs["base"], runs["more"]]}).text
    assert 'http-equiv="refresh"' in text
    assert "is being made" in text


def test_only_the_newest_comparisons_are_kept(desk_client, runs, monkeypatch):
    monkeypatch.setattr(comparing, "_KEPT", 1)
    compared(desk_client, runs["base"], policy=["stay", "hire"])
    compared(desk_client, runs["base"], policy=["stay", "move"])
    assert len(list((desk_client.desk.settings.store / "compared").iterdir())) == 1


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        ({"run": ["nothing"]}, 404),
        ({"run": []}, 400),
        ({"run": ["base", "more"], "policy": ["nobody"]}, 400),
        ({"run": ["base"], "policy": ["stay"]}, 400),
        ({"run": ["\x00"]}, 422),
        ({"run": [f"r{i}" for i in range(6)]}, 400),
        ({"run": ["x"] * 30}, 422),
    ],
)
def test_what_cannot_be_compared_is_told(desk_client, runs, ask, status):
    params = ask | {"run": [runs.get(run, run) for run in ask["run"]]}
    assert desk_client.get("/compare.json", params=params).status_code == status


def test_a_page_without_runs_lets_choose(desk_client, runs):
    text = desk_client.get("/compare").text
    assert all(f'value="{run}"' in text for run in runs.values())
    assert "More &lt;seats&gt;" in text


def test_only_so_many_comparisons_wait(desk_client, runs, monkeypatch):
    monkeypatch.setattr(comparing, "_WAITING", 0)
    answer = desk_client.get("/compare.json", params={"run": [runs["base"], runs["more"]], "policy": "hire"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "Try again" in answer.json()["what"]


def test_a_program_is_asked_to_come_back_for_what_takes_long(desk_client, runs, monkeypatch):
    monkeypatch.setattr(comparing, "made", lambda *_: None)
    assert desk_client.get("/compare.json", params={"run": [runs["base"], runs["more"]]}).status_code == 503
