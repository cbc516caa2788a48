"""What drives the answer, end to end on a small case; the same bytes in pieces, in processes, after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

import fieldshift as fs
from fieldshift.results.shelf import Shelf
from fieldshift.results.unknown_titles import unknown_titles
from fieldshift.study.regrets import least_regretted, regrets

CASE = """\
name: Which way
horizon: {start: 2025-01-06, periods: 26, step: week}
quantities:
  share: {range: 0..100 %}
  loss: {range: 5..15 %/year}
  idle: {range: 1..2}
stocks:
  desk: {title: Desks, duty: desk, start: 400 person * share}
  field: {title: Field, duty: field, start: 200 person, hours: 30 hour/week}
flows:
  leave: {tail: field, rate: loss}
choices:
  move: {tail: desk, head: field}
  hire: {head: field}
work:
  visits: {start: 0 case, arrive: 400 case/week, standard: 20 hour/case, by: field}
needs:
  field: {of: field, need: 400 person}
policies:
  stay: {}
  move: {title: Move them, rules: [{rule: schedule, choice: move, amount: 20 person/week}]}
  hire: {title: Hire, rules: [{rule: schedule, choice: hire, amount: 5 person/week}]}
levers:
  loss: {path: quantities.loss, from: 5 %/year, to: 15 %/year}
  need: {path: needs.field.need, from: 300 person, to: 500 person}
goals: [{least: short, of: needs.field}]
headlines:
  - {measure: field, better: more}
"""

SMALL = {"points": 40, "futures": 6, "workers": 1}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    file = tmp_path_factory.mktemp("case") / "case.yaml"
    file.write_text(CASE, encoding="utf-8")
    return fs.read(file)


@pytest.fixture(scope="module")
def explored(scenario):
    return fs.explore(scenario, **SMALL)


def test_what_drives_it_is_what_was_put_there(explored):
    move = explored.drivers_of("move").iloc[0]
    assert move["unknown"] == "quantities.share"
    assert move["first"] > 0.7
    hire = explored.drivers_of("hire").iloc[0]
    assert hire["unknown"] == "quantities.loss"
    assert hire["total"] > 0.9
    for row in explored.drivers[explored.drivers["unknown"] == "quantities.idle"].to_dict("records"):
        assert row["total"] < 0.05


def test_intervals_hold_their_value(explored):
    rows = explored.drivers[explored.drivers["fit"] > 0.5]
    for kind in ("first", "total"):
        assert (rows[f"{kind}_low"] <= rows[f"{kind}_high"]).all()
        assert (rows[kind] <= rows["total"] + 1e-9).all()
    known = explored.information
    assert (known["low"] <= known["value"]).all()
    assert (known["value"] <= known["high"]).all()


def test_knowing_the_share_is_worth_most_and_says_what_to_do(explored):
    known = explored.information.set_index("unknown")
    assert known["value"].drop("everything").idxmax() == "quantities.share"
    assert 0.1 < known.loc["quantities.share", "changes"] < 0.6
    assert "“Hire” under" in known.loc["quantities.share", "rule"]
    assert "“Move them” from" in known.loc["quantities.share", "rule"]
    assert known.loc["quantities.idle", "value"] == 0
    assert known.loc["everything", "value"] >= 0.9 * known.loc["quantities.share", "value"]


def test_a_tornado_goes_to_the_ends(explored):
    rows = explored.tornado.set_index("unknown")
    assert set(rows.index) == set(explored.titles)
    assert rows.loc["quantities.share", "low"] == "0 %"
    assert rows.loc["quantities.share", "high"] == "100 %"
    assert rows.loc["quantities.idle", "swing"] == 0
    assert (rows["swing"].to_numpy()[:-1] >= rows["swing"].to_numpy()[1:]).all()


def test_regret_is_what_the_best_would_have_spared():
    table = regrets(["a", "b"], np.array([[1.0, 5.0, 3.0], [2.0, 1.0, 3.0]]), 1.0).set_index("policy")
    assert table.loc["a", "regret"] == pytest.approx(4 / 3)
    assert table.loc["a", "worst"] == 4
    assert table.loc["b", "worst"] == 1
    assert table.loc["b", "best_in"] == pytest.approx(2 / 3)
    assert least_regretted(table.reset_index()) == "b"
    more = regrets(["a", "b"], np.array([[1.0, 5.0, 3.0], [2.0, 1.0, 3.0]]), -1.0)
    assert least_regretted(more) == "a"


def test_levers_are_set_while_unknowns_move(explored):
    rows = explored.levers
    assert set(rows["lever"]) == {"loss", "need"}
    need = rows[(rows["lever"] == "need") & (rows["at"] == "centre")].set_index("setting")["value"]
    assert need["500 person"] > need["300 person"]
    assert not ((rows["lever"] == "loss") & (rows["unknown"] == "quantities.loss")).any()


def test_a_failure_has_its_corner(scenario):
    found = fs.explore(scenario, policies=["move"], fails=3_000, ends=False, levers=False, points=60, futures=4)
    row = found.boxes.iloc[0]
    assert row["side"] == "quantities.share"
    assert row["low"] == "0 %"
    assert row["coverage"] > 0.8
    assert "fails (more than 3,000 person-weeks)" in " ".join(found.sentences())


def test_a_measure_is_asked_about_with_its_better_side(scenario):
    found = fs.explore(scenario, "field", at="end", points=20, futures=2, ends=False, levers=False)
    assert found.aim.unit == "person"
    assert found.aim.sign == -1
    assert found.facts["month"] is None
    with pytest.raises(fs.UsageError, match="there is no measure 'fields'"):
        fs.explore(scenario, "fields")


def test_person_weeks_are_told_in_person_months(explored):
    assert explored.quantity(30.4375) == "7 person-months (30 person-weeks)"


def test_luck_and_ignorance_add_up(explored, scenario):
    row = explored.luck[(explored.luck["policy"] == "move") & (explored.luck["aim"] == explored.aim.name)].iloc[0]
    assert row["ignorance"] > 0.9
    known = fs.overlaid(scenario, {"quantities.share": "50 %", "quantities.loss": "10 %/year"})
    nothing = fs.explore(known, points=20, futures=10, ends=False, levers=False)
    assert nothing.luck["ignorance"].max() < 0.35


def test_everything_is_plain_data(explored):
    data = json.loads(explored.as_json())
    assert data["policy"] in data["policies"]
    assert len(data["says"]) >= 4
    assert data["unknowns"] == unknown_titles_of(data)


def unknown_titles_of(data):
    return {path: path.removeprefix("quantities.") for path in data["unknowns"]}


def test_titles_are_for_a_reader(scenario):
    changed = fs.overlaid(scenario, {"choices.move.lasts": {"range": "1..3 week"}, "policies.stay": {}})
    assert unknown_titles(changed)["choices.move.lasts"] == "move: lasts"


@pytest.mark.parametrize(
    ("changes", "asked", "says"),
    [
        ({"quantities": {}}, {}, "nothing is unknown"),
        ({}, {"points": 5}, "at least 10 of 2 are needed"),
        ({}, {"policies": ["mvoe"]}, "no policy named 'mvoe'"),
    ],
)
def test_what_makes_no_sense_is_refused(scenario, changes, asked, says):
    if changes:
        changes = {f"quantities.{n}": {"value": v} for n, v in (("share", "1 %"), ("loss", "5 %/year"), ("idle", 1))}
        scenario = fs.Scenario.model_validate(
            scenario.model_dump(by_alias=True) | {"quantities": {"share": "10 %", "loss": "5 %/year", "idle": 1}}
        )
    with pytest.raises(fs.UsageError, match=says):
        fs.explore(scenario, **asked)


# ----------------------------------------------------------------------------------- in pieces


def contents(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
    }


def test_finished_parts_are_not_made_again(scenario, explored, tmp_path):
    stopped = []

    def stop(done, total):
        stopped.append((done, total))
        if done == 13:
            raise KeyboardInterrupt

    with pytest.raises(fs.Interrupted, match=r"13 of \d+ parts are finished .* goes on from there"):
        fs.explore(scenario, **SMALL, folder=tmp_path / "out", progress=stop)
    kept = {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "points").iterdir()}
    assert len(kept) == 13
    again = fs.explore(scenario, **SMALL, folder=tmp_path / "out")
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    assert again.as_json() == explored.as_json()


def test_half_a_file_is_swept_away(tmp_path):
    shelf = Shelf(tmp_path / "out", {"seed": 1}, "exploration")
    shelf.put("points/0000", {"values": np.ones(3)})
    half = tmp_path / "out" / "points" / ".0001.npz.abc"
    half.write_bytes(b"half")
    Shelf(tmp_path / "out", {"seed": 1}, "exploration")
    assert half.exists(), "another process may be writing it"
    os.utime(half, (0, 0))
    again = Shelf(tmp_path / "out", {"seed": 1}, "exploration")
    assert not half.exists()
    assert again.has("points/0000")
    assert not again.has("points/0001")


def test_another_design_is_refused(tmp_path):
    Shelf(tmp_path / "out", {"seed": 1, "points": 20}, "exploration")
    with pytest.raises(fs.UsageError, match="made with seed 1, not 2"):
        Shelf(tmp_path / "out", {"seed": 2, "points": 20}, "exploration")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thing.txt").write_text("mine")
    with pytest.raises(fs.UsageError, match="is no exploration"):
        Shelf(tmp_path / "other", {"seed": 1}, "exploration")


def command(folder, out, workers):
    """Explore in worker processes however small the case is."""
    asked = ["explore", str(folder), "--points", "40", "--futures", "6", "--workers", str(workers), "-o", str(out)]
    code = "import sys, fieldshift.cli as c, fieldshift.study.pieces as p; p.HEAVY = 0; c.main(sys.argv[1:])"
    return [sys.executable, "-c", code, *asked]


@contextmanager
def ended(process):
    """See to it that a process and those that it started are gone afterwards, whatever happens."""
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def begun(process, points, count):
    """Wait until so many points are finished."""
    until = time.monotonic() + 300
    while not (points.is_dir() and len(list(points.glob("0*.npz"))) >= count):
        assert time.monotonic() < until, "the exploration did not begin"
        assert process.poll() is None, "it ended before its time"
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_exploration_goes_on_and_gives_the_same_bytes(tmp_path):
    file = tmp_path / "case.yaml"
    file.write_text(CASE, encoding="utf-8")
    whole, killed, scenario = tmp_path / "whole", tmp_path / "killed", fs.read(file)
    process = subprocess.Popen(
        command(file, killed, 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    points = killed / "points"
    with ended(process):
        begun(process, points, 5)
    process.wait()
    before = {f: f.stat().st_mtime_ns for f in points.glob("0*.npz")}
    assert len(before) > 0
    assert not (killed / "report.html").exists()
    for folder in (killed, whole):
        fs.exploration_page(fs.explore(scenario, **SMALL, folder=folder), scenario, folder)
    assert {f: f.stat().st_mtime_ns for f in before} == before
    assert contents(killed) == contents(whole)


@pytest.mark.slow
def test_an_interrupt_says_how_to_go_on(tmp_path):
    file = tmp_path / "case.yaml"
    file.write_text(CASE, encoding="utf-8")
    asked = command(file, tmp_path / "out", 2)
    asked[asked.index("40")] = "4000"
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with ended(process):
        begun(process, tmp_path / "out" / "points", 1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "goes on from there" in said
    assert "Traceback" not in said
